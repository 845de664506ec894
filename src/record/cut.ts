import { existsSync } from 'node:fs';
import { truncateTo } from '../disk/files.js';
import { visitLines } from '../disk/lines.js';
import { RethinkError } from '../errors.js';
import { type Tell, tellMissing } from '../results/stored.js';
import { epochColumns, STEP_COLUMNS } from '../results/training.js';
import { checkColumns, metricsCsvPath, metricsJsonlPath, stepsCsvPath } from './tables.js';

/** Where a run goes on, and the last row it had written by then. */
export interface CutPoint {
  epoch: number;
  step: number;
  last: { epoch: number } | null;
}

/**
 * Cuts the rows that a resumed run will write again, and lines that a crash tore. One truncation a file, so a kill in
 * between leaves rows that the next resume cuts.
 *
 * @returns what should have been there and is not, a sentence each: for the person, nothing to stop for.
 * @throws RethinkError: `failed` where the disk refuses, `data` where a table does not say which row is which.
 */
export function cutTables(directory: string, { epoch, step, last }: CutPoint): string[] {
  const rows = last?.epoch ?? 0;
  const lacking = epochColumns({ corruptedTestAccuracy: false, top5: false });
  return [
    ...cut(metricsCsvPath(directory), csvKeys('epoch', lacking), epoch, rows),
    ...cut(metricsJsonlPath(directory), jsonKeys, epoch, rows),
    ...cut(stepsCsvPath(directory), csvKeys('step', STEP_COLUMNS), step, step),
  ];
}

/** Gives a reader of a file's rows: their epoch or step, NaN where one is damaged, `null` for a line that is no row. */
type Keys = (path: string, tell: Tell) => (line: string) => number | null;

/**
 * @param limit Rows with a larger key are cut.
 * @param reached Key that the last row should have.
 */
function cut(path: string, keys: Keys, limit: number, reached: number): string[] {
  // Not every run records steps.
  if (!existsSync(path)) return [];
  const notes: string[] = [];
  const keyOf = keys(path, (note) => notes.push(note));
  let last = 0;
  const size = visitLines(path, ({ text }) => {
    const key = keyOf(text);
    if (key === null) return true;
    // A damaged row is not above the limit either, but nothing after it can be trusted.
    if (!(key > last && key <= limit)) return false;
    last = key;
    return true;
  });
  truncateTo(path, size);
  if (last < reached) {
    notes.push(`${path} lost rows: it ends at ${last}, and the checkpoint was made at ${reached}.`);
  }
  return notes;
}

/** Of a table with a header; says which of the columns of this version it will go on without. */
function csvKeys(key: string, columns: readonly string[]): Keys {
  return (path, tell) => {
    let at: number | null = null;
    return (line) => {
      const cells = line.split(',');
      if (at !== null) return Number(cells[at] || 'NaN');
      checkColumns(path, cells);
      at = cells.indexOf(key);
      if (at === -1) {
        throw new RethinkError(
          'data',
          `${path} is damaged: it has no column ${key}, so nothing tells which rows come after the checkpoint.`,
          { hint: 'Move the file away to go on without it.' },
        );
      }
      tellMissing(
        path,
        columns.filter((column) => !cells.includes(column)),
        tell,
      );
      return null;
    };
  };
}

const jsonKeys: Keys = () => (line) => {
  try {
    return Number((JSON.parse(line) as { epoch?: unknown }).epoch);
  } catch {
    return Number.NaN;
  }
};
