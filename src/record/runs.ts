import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ExperimentOptions, loadExperiment } from '../config/experiment.js';
import type { Config } from '../config/resolve.js';
import { diskError } from '../disk/errors.js';
import { parseJson, readJson } from '../disk/json.js';
import { visitLines } from '../disk/lines.js';
import { refuseLink } from '../disk/own-file.js';
import { isThere } from '../disk/reading.js';
import { RethinkError, readOr } from '../errors.js';
import { atOnce } from '../progress.js';
import { type Tell, tellMissing } from '../results/stored.js';
import { missingFindings, type TheoryResult, theoryResultSchema } from '../results/theory.js';
import {
  epochRow,
  type RunResult,
  runResult,
  runResultSchema,
  STEP_COLUMNS,
  type StoredEpochRow,
  type StoredStepRow,
  stepRow,
} from '../results/training.js';
import { grouped } from '../text.js';
import { type RunStatus, readStatus } from './status.js';
import { columnsOf, metricsJsonlPath, stepsCsvPath } from './tables.js';

/** A run directory as far as it can be read. */
export interface FoundRun {
  /** Absolute. */
  path: string;
  /** `null` where it is missing or damaged. */
  status: RunStatus | null;
  /** Of a training; `null` until it has ended. */
  result: RunResult | null;
  /** Of an experiment of the theory; `null` until it has ended. */
  theory: TheoryResult | null;
}

export const resultPath = (runDir: string) => join(runDir, 'result.json');

/** Deeper than `results/<sweep>/<name>/<run>`, and not a walk over somebody's whole disk. */
const DEEPEST = 6;

/** Any of them makes a run directory, should the others be lost. */
const MARKS = ['config.json', 'status.json', 'metrics.jsonl', 'result.json'];

/**
 * Run directories at or below folders, by path. One that is half written or damaged is still found.
 *
 * @throws RethinkError: `data` where a folder does not exist, `failed` where it can't be read.
 */
export function findRuns(directories: readonly string[]): FoundRun[] {
  return atOnce(searchRuns(directories));
}

/** The same step by step: each gives how many were found by then. */
export function searchRuns(directories: readonly string[]): Generator<number, FoundRun[]> {
  return searchFolders(directories, (path) => {
    const tolerant = <T>(read: (path: string) => T) => readOr(() => read(path), null);
    const [status, result] = [tolerant(readStatus), tolerant(readResult)];
    return { path, status, result, theory: tolerant(readTheoryResult) };
  });
}

/** As `findRuns`, but without a look into the runs: their paths. */
export function findRunFolders(directories: readonly string[]): string[] {
  return atOnce(searchFolders(directories, (path) => path));
}

/** @param found Makes of the path of a run directory what is wanted of it. */
function* searchFolders<T>(
  directories: readonly string[],
  found: (path: string) => T,
): Generator<number, T[]> {
  const runs = new Map<string, T>();
  for (const directory of directories) {
    const path = resolve(directory);
    if (!existsSync(path)) {
      throw new RethinkError('data', `There is no folder ${directory}.`, {
        hint: 'Give run directories, or a folder that holds some: results.',
      });
    }
    yield* search(path, 0, (run) => runs.set(run, found(run)).size, runs.size);
  }
  return [...runs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, run]) => run);
}

/** @param take Is given each run directory, and gives back how many there are by now. */
function* search(
  path: string,
  depth: number,
  take: (path: string) => number,
  count = 0,
): Generator<number, number> {
  yield count;
  const entries = list(path);
  if (entries.some(({ name }) => MARKS.includes(name))) return take(path);
  let found = count;
  if (depth === DEEPEST) return found;
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.')) {
      found = yield* search(join(path, entry.name), depth + 1, take, found);
    }
  }
  return found;
}

function list(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw diskError(error, 'read', path);
  }
}

/**
 * The config of a run, with overrides on top.
 *
 * @throws RethinkError: `data` where `config.json` is a symbolic link, else as `loadExperiment`.
 */
export async function readConfig(
  runDir: string,
  options: Pick<ExperimentOptions, 'overrides'> = {},
): Promise<Config> {
  const path = join(runDir, 'config.json');
  refuseLink(path);
  return (await loadExperiment(path, options)).trials[0]!.config;
}

/**
 * `result.json`; `null` where the run has not ended.
 *
 * @param tell Hears what another version left out; here and below.
 * @throws RethinkError (`data`) where it is damaged, or of an experiment of the theory.
 */
export function readResult(runDir: string, tell?: Tell): RunResult | null {
  const path = resultPath(runDir);
  if (!isThere(path)) return null;
  const result = readJson(path, runResultSchema);
  tellMissing(path, runResult.missing(result), tell);
  return result;
}

/**
 * `result.json` of an experiment of the theory; `null` where it has not ended.
 *
 * @throws RethinkError (`data`) where it is damaged, or of a training.
 */
export function readTheoryResult(runDir: string, tell?: Tell): TheoryResult | null {
  const path = resultPath(runDir);
  if (!isThere(path)) return null;
  const result = readJson(path, theoryResultSchema);
  tellMissing(path, missingFindings(result), tell);
  return result;
}

/**
 * Rows of `metrics.jsonl`, oldest first; a torn last line is left out.
 *
 * @throws RethinkError (`data`) naming file and line.
 */
export function readMetrics(runDir: string, tell?: Tell): StoredEpochRow[] {
  const path = metricsJsonlPath(runDir);
  const rows: StoredEpochRow[] = [];
  if (!isThere(path)) return rows;
  const missing = new Set<string>();
  visitLines(path, ({ text, number }) => {
    const row = parseJson(text, epochRow.schema, `${path}:${number}`);
    for (const column of epochRow.missing(row)) missing.add(column);
    pushRow(rows, row, path);
    return true;
  });
  tellMissing(path, missing, tell);
  return rows;
}

/**
 * Rows of `steps.csv`, oldest first; a torn last line is left out.
 *
 * @throws RethinkError (`data`) naming file and line.
 */
export function readSteps(runDir: string, tell?: Tell): StoredStepRow[] {
  const path = stepsCsvPath(runDir);
  const rows: StoredStepRow[] = [];
  const columns = readStepColumns(runDir, tell);
  if (columns === null) return rows;
  visitLines(path, ({ text, number }) => {
    if (number > 1) pushRow(rows, stepRowOf(columns, text, `${path}:${number}`), path);
    return true;
  });
  return rows;
}

/** Steps of ImageNet for a hundred epochs, and not more than fit into memory. */
const MOST_ROWS = 2_000_000;

function pushRow<T>(rows: T[], row: T, path: string): void {
  rows.push(row);
  if (rows.length <= MOST_ROWS) return;
  throw new RethinkError('data', `${path} has more than ${grouped(MOST_ROWS)} rows.`);
}

/**
 * The header of `steps.csv`; `null` where there is none.
 *
 * @throws RethinkError (`data`) where it is damaged.
 */
export function readStepColumns(runDir: string, tell?: Tell): string[] | null {
  const path = stepsCsvPath(runDir);
  const columns = isThere(path) ? columnsOf(path) : null;
  if (columns !== null) {
    tellMissing(
      path,
      STEP_COLUMNS.filter((column) => !columns.includes(column)),
      tell,
    );
  }
  return columns;
}

function stepRowOf(columns: string[], text: string, where: string): StoredStepRow {
  const cells = text.split(',');
  const values = columns.flatMap((column, i) =>
    (STEP_COLUMNS as readonly string[]).includes(column) ? [[column, numberOf(cells[i])]] : [],
  );
  const row = Object.fromEntries(values) as Record<string, unknown>;
  const parsed = stepRow.schema.safeParse(row);
  const whole = cells.length === columns.length && !Object.values(row).includes(undefined);
  if (!parsed.success || !whole) {
    throw new RethinkError('data', `${where} is damaged: ${JSON.stringify(text.slice(0, 80))}.`);
  }
  return parsed.data;
}

/** A cell as `CsvTable` writes numbers; anything else is no number for the schema to accept. */
function numberOf(cell: string | undefined): unknown {
  if (cell === undefined || cell === '') return undefined;
  if (cell === 'NaN' || cell === 'Infinity' || cell === '-Infinity') return cell;
  const value = Number(cell);
  return Number.isNaN(value) ? undefined : value;
}
