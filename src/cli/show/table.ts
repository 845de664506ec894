import { isAbsolute, relative } from 'node:path';
import { printable } from '../../errors.js';
import { widthOf, wrapped } from '../../text.js';
import type { Output } from '../context.js';

export interface TableFit {
  /** Columns of the terminal that there are; default: as many as it takes. */
  width?: number | undefined;
  /** Indices of columns that are left out where all are too wide, the first one first. */
  spare?: readonly number[];
  /** The first row names the columns: where there is no room for them, each row becomes a block of lines with these names. */
  header?: boolean;
}

const GAP = 2;
/** Text is not broken into pieces that nobody can read. */
const NARROWEST = 10;

/**
 * Rows of text in columns, two spaces apart: the first column to the left, the others to the right, as numbers want it.
 * Where that is wider than there is room, texts and headings are broken between words; numbers stay whole.
 *
 * @param left Indices of further columns, of text, that go to the left.
 */
export function table(
  given: readonly (readonly string[])[],
  left: readonly number[] = [],
  { width = Number.POSITIVE_INFINITY, spare = [], header = false }: TableFit = {},
): string {
  const rows = given.map((row) => row.map(shownCell));
  const natural: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) natural[i] = Math.max(natural[i] ?? 0, widthOf(cell));
  }
  const isText = (i: number) => i === 0 || left.includes(i);
  const columns = chosen(natural, width, spare);
  const widths = narrowed(rows, columns, natural, isText, width);
  if (header && total(widths) > width) return blocks(rows, width);
  const lineOf = (cells: string[][], k: number) =>
    columns
      .map((i, at) => {
        const cell = cells[at]![k] ?? '';
        const blank = ' '.repeat(Math.max(0, widths[at]! - widthOf(cell)));
        return isText(i) ? cell + blank : blank + cell;
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return rows
    .map((row) => {
      const cells = columns.map((i, at) => broken(row[i] ?? '', widths[at]!, isText(i)));
      const height = Math.max(...cells.map(({ length }) => length));
      return Array.from({ length: height }, (_, k) => `${lineOf(cells, k)}\n`).join('');
    })
    .join('');
}

/** For a terminal that is too narrow for columns: what a row is of, and below it its other cells, a line each. */
function blocks([names = [], ...rows]: string[][], width: number): string {
  return rows
    .map(([first = '', ...cells]) => {
      const facts = cells.flatMap((cell, i) => (cell === '' ? [] : [[names[i + 1] ?? '', cell]]));
      const title = first === '' ? '' : `${wrapped(first, width, true).join('\n')}\n`;
      return title + table(facts, [1], { width: width - GAP }).replace(/^(?=.)/gm, ' '.repeat(GAP));
    })
    .join('\n');
}

/** A name of a stranger's may be longer than this; a column need not be. */
const LONGEST = 1000;

function shownCell(cell: string): string {
  return printable(cell.length > LONGEST ? `${cell.slice(0, LONGEST)}…` : cell);
}

/** Indices of the columns for which there is room. */
function chosen(natural: readonly number[], width: number, spare: readonly number[]): number[] {
  let columns = natural.map((_, i) => i);
  for (const i of spare) {
    if (total(columns.map((i) => natural[i]!)) <= width) break;
    columns = columns.filter((column) => column !== i);
  }
  return columns;
}

/** Widths of columns that together have room, as far as that can be had. */
function narrowed(
  rows: readonly (readonly string[])[],
  columns: readonly number[],
  natural: readonly number[],
  isText: (i: number) => boolean,
  width: number,
): number[] {
  const widths = columns.map((i) => natural[i]!);
  if (total(widths) <= width) return widths;
  const least = (i: number) =>
    Math.max(0, ...rows.map((row) => Math.max(...unbreakable(row[i] ?? '').map(widthOf))));
  for (const [at, i] of columns.entries()) if (!isText(i)) widths[at] = least(i);
  const texts = [...columns.keys()].filter((at) => isText(columns[at]!));
  for (let over = total(widths) - width; over > 0; over--) {
    const widest = texts.reduce((a, b) => (widths[b]! > widths[a]! ? b : a));
    if (widths[widest]! <= NARROWEST) break;
    widths[widest]!--;
  }
  return widths;
}

/** A heading's words; a number with its unit is one. */
function unbreakable(cell: string): string[] {
  return /\d/.test(cell) ? [cell] : cell.split(' ');
}

function broken(cell: string, width: number, isText: boolean): string[] {
  if (isText) return wrapped(cell, width, true);
  return unbreakable(cell).length === 1 ? [cell] : wrapped(cell, width);
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
}

/** Columns for what is written to a stream: those of a terminal; off a terminal, as many as it takes. */
export function roomOf(stream: Output): number {
  return stream.isTTY === true ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** A path as somebody in this folder would type it; absolute where it lies elsewhere. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return printable(near === '' || near.startsWith('..') || isAbsolute(near) ? path : near);
}
