import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createObjectCsvStringifier } from 'csv-writer';
import { append, appendDurably, syncFile, writeFileAtomic } from '../disk/files.js';
import { toJson } from '../disk/json.js';
import { visitLines } from '../disk/lines.js';
import { RethinkError } from '../errors.js';
import { quoted } from '../text.js';

/** As every version names its columns. */
const COLUMN = /^[a-z][a-z0-9_]{0,63}$/;

export const metricsCsvPath = (directory: string) => join(directory, 'metrics.csv');
export const metricsJsonlPath = (directory: string) => join(directory, 'metrics.jsonl');
export const stepsCsvPath = (directory: string) => join(directory, 'steps.csv');

/**
 * A CSV file that grows by rows. Numbers are written in full, so that they read back as the same bits; what does not apply
 * is empty; what is not finite is `NaN`, `Infinity` or `-Infinity`.
 */
export class CsvTable<Row extends object> {
  private readonly stringifier: ReturnType<typeof createObjectCsvStringifier>;

  /**
   * Makes the file with its header, or goes on with the columns of the one that is there: what another version or other
   * options left out stays out, and a column unknown here stays empty.
   *
   * @throws RethinkError: `failed` where the disk refuses, `data` where there is a file that is no table.
   */
  constructor(
    private readonly path: string,
    columns: readonly string[],
  ) {
    const found = existsSync(path) ? columnsOf(path) : null;
    const header = (found ?? columns).map((id) => ({ id, title: id }));
    this.stringifier = createObjectCsvStringifier({ header });
    if (found === null) writeFileAtomic(path, this.stringifier.getHeaderString() ?? '');
  }

  /** Appends rows; they are on the disk after the next `sync`. */
  append(rows: Row[]): void {
    if (rows.length > 0) append(this.path, this.stringifier.stringifyRecords(rows));
  }

  sync(): void {
    syncFile(this.path);
  }
}

/** One JSON object a line, as `toJson` writes it. */
export function appendJsonLine(path: string, row: object): void {
  appendDurably(path, `${toJson(row)}\n`);
}

/**
 * The header of a CSV file; `null` where it has not one complete line.
 *
 * @throws RethinkError (`data`) where it names no columns.
 */
export function columnsOf(path: string): string[] | null {
  let columns: string[] | null = null;
  visitLines(path, ({ text }) => {
    columns ??= text.split(',');
    return false;
  });
  checkColumns(path, columns ?? []);
  return columns;
}

/** @throws RethinkError (`data`) where a name is none of a column, or stands twice. */
export function checkColumns(path: string, columns: readonly string[]): void {
  const strange = columns.find((name, i) => !COLUMN.test(name) || columns.indexOf(name) < i);
  if (strange === undefined) return;
  const what = COLUMN.test(strange) ? 'twice a column' : 'a column';
  throw new RethinkError('data', `${path} is damaged: it has ${what} ${quoted(strange)}.`);
}
