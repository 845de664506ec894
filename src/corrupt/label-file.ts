import type { CorruptionConfig } from '../config/corruptions.js';
import { nearest } from '../config/nearest.js';
import { withoutFormula } from '../csv.js';
import type { DatasetInfo, SplitLabels } from '../data/types.js';
import { readBounded } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import { grouped, named, percent, quoted } from '../text.js';
import {
  type Column,
  type LabelTable,
  MOST_BYTES,
  readLabelTable,
  UNNAMED,
} from './label-table.js';
import { empiricalTransition, type TransitionMatrix } from './transition.js';
import { checkDigest } from './transition-file.js';

/** The labels of one file for the training examples of the source. */
export interface LabelFile {
  path: string;
  column: string;
  /** Of which column, for messages: `x.pt, aggre_label`. */
  where: string;
  /** An item for each training example of the source. */
  items: Column;
  /** True labels that the file itself gives, where it does: they tell in which order it is. */
  clean: { name: string; items: Column } | undefined;
  /** Whether items are cells of text. */
  text: boolean;
}

/** True labels, which stand beside the noisy ones: as we name them, and CIFAR-10N and CIFAR-100N. */
const CLEAN = ['true_label', 'clean_label'];
const CLEAN_COARSE = 'clean_coarse_label';

/**
 * Reads a file of labels, one for each training example of the source, in the order in which the data set is published.
 * Images of the user's own are in order of class and then of file name.
 *
 * @throws RethinkError: `usage` where the data's order is not the published one, or `corruption.column` names no column;
 *   `data` where the file can't be read, or has another length.
 */
export async function readLabelFile(
  { file, column }: Pick<CorruptionConfig, 'file' | 'column'>,
  info: DatasetInfo,
): Promise<LabelFile> {
  const path = file!;
  const train = info.subset?.of.train ?? info.counts.train;
  const table = await readLabelTable(path, train, info.classes);
  const name = chooseColumn(table, column, path);
  const items = table.columns.get(name)!;
  const cleanName = name.includes('coarse')
    ? CLEAN_COARSE
    : CLEAN.find((each) => table.columns.has(each));
  const clean =
    cleanName === undefined || name === cleanName ? undefined : table.columns.get(cleanName);
  // True labels beside the others show that the order is that of the data.
  if (info.origin === 'imported' && clean?.length !== train) {
    throw new RethinkError(
      'usage',
      `Labels from ${path} can't be given to ${info.name}: its images are not in the published order (${info.origin}).`,
      { hint: 'Use the official archive: rethink-gen data fetch NAME.' },
    );
  }
  if (items.length !== train) {
    const whole = info.subset === undefined ? info.name : `all of ${info.name}`;
    throw new RethinkError(
      'data',
      `${path} has ${items.length} labels, but ${whole} has ${train} training examples.`,
      { hint: 'It should hold a label for each of them, whatever data.limit and data.subset say.' },
    );
  }
  return {
    path,
    column: name,
    where: name === UNNAMED ? path : `${path}, ${name}`,
    items,
    clean: clean?.length === train ? { name: cleanName!, items: clean } : undefined,
    text: table.text,
  };
}

/** The one that is asked for; else the only one that isn't known to be of true labels, or the one called `label`. */
function chooseColumn({ columns }: LabelTable, asked: string | undefined, path: string): string {
  const names = [...columns.keys()];
  if (asked !== undefined) {
    if (columns.has(asked)) return asked;
    if (names.length === 1 && names[0] === UNNAMED) {
      throw new RethinkError(
        'usage',
        `corruption.column is ${quoted(asked)}, and ${path} has no named columns.`,
        { hint: 'Leave corruption.column out.' },
      );
    }
    const close = nearest(asked, names);
    throw new RethinkError(
      'usage',
      `${path} has no column ${quoted(asked)}; it has ${named(names, 20)}.`,
      {
        ...(close === undefined ? {} : { hint: `Did you mean corruption.column=${close}?` }),
      },
    );
  }
  const noisy = names.filter((name) => !name.startsWith('clean_') && !CLEAN.includes(name));
  const called = noisy.filter((name) => /^labels?$/i.test(name));
  const candidates = called.length === 1 ? called : noisy;
  if (candidates.length === 1) return candidates[0]!;
  throw new RethinkError('usage', `${path} has ${names.length} columns: ${named(names, 20)}.`, {
    hint: `Say which holds the labels: corruption.column=${candidates[0] ?? names[0]}`,
  });
}

/**
 * The labels of some examples.
 *
 * Where `data.subset` takes a part of the classes, these are numbered anew: labels have to be names then, and only those
 * of the chosen images are looked at.
 *
 * @param indices Source indices of the examples that are used.
 * @param trueLabels Their labels, [indices.length].
 * @returns Their labels by the file, [indices.length].
 * @throws RethinkError (`data`) where an item is no class (naming it), or the file is in another order than the data.
 */
export function labelsFrom(
  file: LabelFile,
  info: DatasetInfo,
  indices: ArrayLike<number>,
  trueLabels: ArrayLike<number>,
): Int32Array {
  const { items, clean, where } = file;
  // A column of classes holds names, even where these look like numbers.
  const numbered =
    /label/i.test(file.column) &&
    clean !== undefined &&
    areNumbersOf(clean.items, file.text, indices, trueLabels);
  const labelOf = labelReader(where, info, file.text, numbered);
  if (clean !== undefined && !numbered) {
    const cleanOf = labelReader(`${file.path}, ${clean.name}`, info, file.text, false);
    checkOrder(
      file,
      info,
      Int32Array.from(indices, (i) => cleanOf(clean.items[i], i)),
      trueLabels,
    );
  }
  // Of classes that were not chosen the names aren't known here.
  if (info.subset !== undefined) return Int32Array.from(indices, (i) => labelOf(items[i], i));
  // Where true labels vouch for the order, an example that isn't used may have none.
  const used = new Set(Array.from(indices));
  const isFree = (item: unknown, i: number) => item === '' && clean !== undefined && !used.has(i);
  const labels = items.map((item, i) => (isFree(item, i) ? -1 : labelOf(item, i)));
  return Int32Array.from(indices, (i) => labels[i]!);
}

/**
 * How the labels of a file differ from true ones, counted over the whole training split: the matrix that its twin is drawn by.
 *
 * @param whole True labels of all training examples. @returns [classes, classes]
 * @throws RethinkError as `readLabelFile` and `labelsFrom`; `data` for a class of which there is no example.
 */
export async function twinMatrix(
  corruption: Pick<CorruptionConfig, 'file' | 'column' | 'sha256'>,
  info: DatasetInfo,
  { indices, labels }: SplitLabels,
): Promise<TransitionMatrix> {
  const path = corruption.file!;
  checkDigest(path, readBounded(path, MOST_BYTES, 'input'), corruption.sha256);
  const file = await readLabelFile(corruption, info);
  const given = labelsFrom(file, info, indices, labels);
  return empiricalTransition(labels, given, info.classes.length);
}

/** Whether true labels in a file are the data's own numbers: then its other numbers are, too, whatever classes are called. */
function areNumbersOf(
  items: Column,
  isText: boolean,
  indices: ArrayLike<number>,
  trueLabels: ArrayLike<number>,
): boolean {
  const number = (item: unknown) => (isText ? numberOf(item as string) : item);
  return Array.from(indices).every((index, i) => number(items[index]) === trueLabels[i]);
}

/** A file in another order than the data would give each image another one's label. */
function checkOrder(
  { path, clean }: LabelFile,
  { name }: DatasetInfo,
  said: Int32Array,
  trueLabels: ArrayLike<number>,
): void {
  const agreeing = said.reduce((sum, label, i) => sum + (label === trueLabels[i] ? 1 : 0), 0);
  if (agreeing === said.length) return;
  throw new RethinkError(
    'data',
    `${path} is not in the order of ${name}: its ${clean!.name} agrees with the data for ${grouped(agreeing)} of ${grouped(said.length)} examples (${percent(agreeing / said.length)}).`,
    {
      hint: "Bring the file into the data's order. CIFAR-10N is handed out in that of CIFAR-10's archive, and in that of TensorFlow Datasets.",
    },
  );
}

/**
 * Turns an item of the file into a label.
 *
 * @param numbered Whether numbers are known to be the data's.
 */
function labelReader(
  where: string,
  { name, classes, subset }: DatasetInfo,
  isText: boolean,
  numbered: boolean,
) {
  const byName = new Map([
    // As tables for spreadsheets have it, where that differs.
    ...classes.map((name, label) => [withoutFormula(name), label] as const),
    ...classes.map((name, label) => [name, label] as const),
  ]);
  const renumbered = !numbered && subset !== undefined && subset.of.classes !== classes.length;
  const refused = (i: number, item: unknown, why: string, hint: string) =>
    new RethinkError('data', `${where}: label ${i + 1} is ${shown(item)}, ${why}.`, { hint });
  return (item: unknown, i: number): number => {
    const named = typeof item === 'string' ? byName.get(item) : undefined;
    const number = typeof item === 'string' ? numberOf(item) : (item as number);
    const isNumber = Number.isInteger(number) && number >= 0;
    if (numbered && (isText || typeof item === 'number') && number in classes) return number;
    // Only a line of text can be both: in JSON a name is in quotes.
    if (named !== undefined && isNumber && named !== number && isText) {
      const why = `which is the name of class ${named} and may be a number as well`;
      throw refused(i, item, why, 'Write a JSON array: of strings for names, else of numbers.');
    }
    if (named !== undefined) return named;
    if (isNumber && renumbered) {
      const why = `and data.subset numbers ${classes.length} of ${subset.of.classes} classes anew`;
      throw refused(i, item, why, 'Write names of classes instead of numbers.');
    }
    if (isNumber && number < classes.length) return number;
    const why = `which is no class of ${subset === undefined ? name : 'data.subset'}`;
    const hint = renumbered
      ? 'A label of a chosen image is the name of a chosen class.'
      : `A label is a number from 0 to ${classes.length - 1}, or a class's name.`;
    throw refused(i, item, why, hint);
  };
}

function shown(item: unknown): string {
  if (typeof item === 'string') return quoted(item);
  return typeof item === 'object' && item !== null ? 'no number or name' : String(item);
}

/** A whole number, also as NumPy and spreadsheets write one: `3`, `3.0`, `3.000e+00`. An empty cell is not the class 0. */
function numberOf(text: string): number {
  const number = /^\+?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isInteger(number) ? number : Number.NaN;
}
