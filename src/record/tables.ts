import { join } from 'node:path';
import { csvLines } from '../csv.js';
import { append, appendDurably, type Confirm, syncFile, writeFileAtomic } from '../disk/files.js';
import { toJson } from '../disk/json.js';
import { visitLines } from '../disk/lines.js';
import { isThere } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import { quoted } from '../text.js';

/** As every version names its columns. */
const COLUMN = /^[a-z][a-z0-9_]{0,63}$/;

export const metricsCsvPath = (directory: string) => join(directory, 'metrics.csv');
export const metricsJsonlPath = (directory: string) => join(directory, 'metrics.jsonl');
export const stepsCsvPath = (directory: string) => join(directory, 'steps.csv');

/**
 * A CSV file of numbers that grows by rows. What does not apply is empty; what is not finite is `NaN`, `Infinity` or
 * `-Infinity`.
 */
export class CsvTable<Row extends object> {
  private readonly columns: readonly string[];
  private readonly confirm: Confirm | undefined;

  /**
   * Makes the file with its header, or goes on with the columns of the one that is there: what another version or other
   * options left out stays out, and a column unknown here stays empty.
   *
   * @param anew Without the rows of one that is there.
   * @param confirm Throws where the folder is no longer this process's.
   * @throws RethinkError: `failed` where the disk refuses, `data` where there is a file that is no table, or another's.
   */
  constructor(
    private readonly path: string,
    columns: readonly string[],
    { anew = false, confirm }: { anew?: boolean; confirm?: Confirm | undefined } = {},
  ) {
    this.confirm = confirm;
    const there = isThere(path) ? ownColumns(path, columns) : null;
    const found = anew ? null : there;
    this.columns = found ?? columns;
    if (found === null) writeFileAtomic(path, csvLines([columns]), 'run', confirm);
  }

  /** Appends rows; they are on the disk after the next `sync`. */
  append(rows: Row[]): void {
    if (rows.length === 0) return;
    const cells = (row: Row) =>
      this.columns.map((column) => (row as Record<string, unknown>)[column]);
    append(this.path, csvLines(rows.map(cells)), this.confirm);
  }

  sync(): void {
    syncFile(this.path);
  }
}

/** One JSON object a line, as `toJson` writes it. */
export function appendJsonLine(path: string, row: object, confirm?: Confirm): void {
  appendDurably(path, `${toJson(row)}\n`, confirm);
}

/**
 * The header of a CSV file; `null` where it has not one complete line.
 *
 * @param onTorn Told what there is instead of one.
 * @throws RethinkError (`data`) where it names no columns.
 */
export function columnsOf(path: string, onTorn?: (text: string) => void): string[] | null {
  let columns: string[] | null = null;
  const first = (line: { text: string }) => {
    columns ??= line.text.split(',');
    return false;
  };
  visitLines(path, first, onTorn);
  checkColumns(path, columns ?? []);
  return columns;
}

/** The header of a table of a run's own; `null` where it was torn. @throws RethinkError (`data`) for any other file. */
function ownColumns(path: string, columns: readonly string[]): string[] | null {
  const found = columnsOf(path, (torn) => {
    if (!beginsHeader(torn, columns)) throw foreign(path, torn);
  });
  if (found !== null) tableHeader(path, found, { needed: [], columns });
  return found;
}

/** Whether text without a line feed is what a crash can leave of a header of some of these columns. */
export function beginsHeader(text: string, columns: readonly string[]): boolean {
  const whole = text.split(',');
  const torn = whole.pop()!;
  return (
    whole.every((name) => columns.includes(name)) && columns.some((name) => name.startsWith(torn))
  );
}

/** @throws RethinkError (`data`) where a name is none of a column, or stands twice. */
function checkColumns(path: string, columns: readonly string[]): void {
  const strange = columns.find((name, i) => !COLUMN.test(name) || columns.indexOf(name) < i);
  if (strange === undefined) return;
  const what = COLUMN.test(strange) ? 'twice a column' : 'a column';
  throw new RethinkError('data', `${path} is damaged: it has ${what} ${quoted(strange)}.`);
}

/**
 * Checks that a header is that of a run's own table: of this version or another, which may have had more columns and
 * fewer.
 *
 * @param wanted Columns without which no row can be told from another, and all that this version writes.
 * @throws RethinkError (`data`) naming the file.
 */
export function tableHeader(
  path: string,
  header: readonly string[],
  wanted: { needed: readonly string[]; columns: readonly string[] },
): void {
  checkColumns(path, header);
  const known = wanted.columns.filter((column) => header.includes(column));
  if (known.length < wanted.columns.length / 2) throw foreign(path, header.join(','));
  const lacking = wanted.needed.find((column) => !header.includes(column));
  if (lacking === undefined) return;
  throw new RethinkError(
    'data',
    `${path} is damaged: it has no column ${lacking}, so nothing tells which rows come after the checkpoint.`,
    { hint: MOVE_AWAY },
  );
}

const MOVE_AWAY = 'Move the file away to go on without it.';

/** What a file of a run's name is answered with that no run has written: it may be the only copy of something else. */
export function foreign(path: string, start: string): RethinkError {
  return new RethinkError(
    'data',
    `${path} was not written by a run: it begins with ${quoted(start.slice(0, 40))}.`,
    { hint: MOVE_AWAY },
  );
}
