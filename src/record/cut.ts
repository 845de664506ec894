import { join } from 'node:path';
import { type Confirm, renewFile, truncateTo } from '../disk/files.js';
import { visitLines } from '../disk/lines.js';
import { requireOwn } from '../disk/own-file.js';
import { fileSize, isThere } from '../disk/reading.js';
import { type Tell, tellMissing } from '../results/stored.js';
import { EPOCH_COLUMNS, epochColumns, STEP_COLUMNS } from '../results/training.js';
import { cutExamples } from './examples.js';
import {
  beginsHeader,
  foreign,
  metricsCsvPath,
  metricsJsonlPath,
  stepsCsvPath,
  tableHeader,
} from './tables.js';
import { eventCuts, eventFiles, eventsPath } from './tensorboard.js';

/** Where a run goes on, and the last row it had written by then. */
export interface CutPoint {
  epoch: number;
  step: number;
  last: { epoch: number } | null;
}

/** A file, and how much of it stays. */
export interface Cut {
  path: string;
  /** In bytes. */
  size: number;
}

/**
 * Cuts the rows, events and examples that a resumed run will write again, and lines that a crash tore. Every file is looked
 * at before the first one is cut. One truncation a file, so a kill in between leaves rows that the next resume cuts.
 *
 * @returns what should have been there and is not, a sentence each: for the person, nothing to stop for.
 * @throws RethinkError: `failed` where the disk refuses; `data`, with every file as it was, where one is not a run's, is
 * a link, has another name elsewhere, or does not say which row is which.
 */
export function cutRecord(directory: string, point: CutPoint, confirm?: Confirm): string[] {
  const { epoch, step, last } = point;
  const notes: string[] = [];
  const tell = (note: string) => notes.push(note);
  const rows = { limit: epoch, reached: last?.epoch ?? 0, tell };
  const steps = { limit: step, reached: step, tell };
  const cuts = [
    ...eventCuts(directory, step),
    ...tableCut(metricsCsvPath(directory), epochCells, rows),
    ...tableCut(metricsJsonlPath(directory), jsonKeys, rows),
    ...tableCut(stepsCsvPath(directory), stepCells, steps),
  ];
  for (const { path, size } of cuts) truncateTo(path, size, confirm);
  cutExamples(directory, epoch, confirm);
  return notes;
}

/**
 * Puts copies in the place of all files that grow: a process that had the run before, and may wake up again, can have one
 * of them open.
 *
 * @throws RethinkError as `cutRecord`.
 */
export function renewRecord(directory: string, confirm: Confirm): void {
  const events = eventsPath(directory);
  const paths = [
    metricsCsvPath(directory),
    metricsJsonlPath(directory),
    stepsCsvPath(directory),
    ...(isThere(events) ? eventFiles(events).map((name) => join(events, name)) : []),
  ];
  for (const path of paths) if (isThere(path)) renewFile(path, confirm);
}

interface Limits {
  /** Rows with a larger key are cut. */
  limit: number;
  /** Key that the last row should have. */
  reached: number;
  tell: Tell;
}

/** Gives a reader of a file's rows: their epoch or step, NaN where one is damaged, `null` for a line that is no row. */
interface Keys {
  of(path: string, tell: Tell): (line: string, number: number) => number | null;
  /** Whether text without a line feed is the beginning of the first line of a run's own file. */
  begins(text: string): boolean;
}

function tableCut(path: string, keys: Keys, { limit, reached, tell }: Limits): Cut[] {
  requireOwn(path);
  // Not every run records steps.
  if (!isThere(path)) return [];
  const keyOf = keys.of(path, tell);
  let last = 0;
  let lines = 0;
  const size = visitLines(
    path,
    ({ text, number }) => {
      lines = number;
      const key = keyOf(text, number);
      if (key === null) return true;
      // A damaged row is not above the limit either, but nothing after it can be trusted.
      if (!(key > last && key <= limit)) return false;
      last = key;
      return true;
    },
    (torn) => {
      if (lines === 0 && !keys.begins(torn)) throw foreign(path, torn);
    },
  );
  if (last < reached) {
    tell(`${path} lost rows: it ends at ${last}, and the checkpoint was made at ${reached}.`);
  }
  return size === fileSize(path) ? [] : [{ path, size }];
}

/** Of a table with a header; says which of the columns of this version it will go on without. */
function csvKeys(needed: string[], columns: readonly string[], usual: readonly string[]): Keys {
  const [key] = needed;
  return {
    of: (path, tell) => {
      let at: number | null = null;
      return (line) => {
        const cells = line.split(',');
        if (at !== null) return Number(cells[at] || 'NaN');
        tableHeader(path, cells, { needed, columns: usual });
        at = cells.indexOf(key!);
        tellMissing(
          path,
          usual.filter((column) => !cells.includes(column)),
          tell,
        );
        return null;
      };
    },
    begins: (text) => beginsHeader(text, columns),
  };
}

const epochCells = csvKeys(
  ['epoch', 'step'],
  EPOCH_COLUMNS,
  epochColumns({ corruptedTestAccuracy: false, top5: false }),
);
const stepCells = csvKeys(['step'], STEP_COLUMNS, STEP_COLUMNS);

/** As every version begins a line of `metrics.jsonl`. */
const JSON_START = '{"epoch":';

const jsonKeys: Keys = {
  of: (path) => (line, number) => {
    const epoch = epochOf(line);
    // A later line may be damaged; a first one like this was never a run's.
    if (number === 1 && typeof epoch !== 'number') throw foreign(path, line);
    return Number(epoch);
  },
  begins: (text) => text.startsWith(JSON_START) || JSON_START.startsWith(text),
};

function epochOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { epoch?: unknown } | null)?.epoch;
  } catch {
    return undefined;
  }
}
