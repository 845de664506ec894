import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ExperimentOptions, loadExperiment } from '../config/experiment.js';
import type { Config } from '../config/resolve.js';
import { diskError } from '../disk/errors.js';
import { readJson } from '../disk/json.js';
import { refuseLink } from '../disk/own-file.js';
import { isThere } from '../disk/reading.js';
import { RethinkError, readOr } from '../errors.js';
import { atOnce } from '../progress.js';
import { predictions, type StoredPredictions } from '../results/predictions.js';
import { type Tell, tellMissing } from '../results/stored.js';
import { missingFindings, type TheoryResult, theoryResultSchema } from '../results/theory.js';
import { type RunResult, runResult, runResultSchema } from '../results/training.js';
import { type RunStatus, readStatus } from './status.js';

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
  return atOnce(searchRunFolders(directories));
}

/**
 * The same step by step, as `searchRuns`.
 *
 * @param list Gives what a folder holds: whoever searches again and again knows of some that they are as before.
 */
export function searchRunFolders(
  directories: readonly string[],
  list = listFolder,
): Generator<number, string[]> {
  return searchFolders(directories, (path) => path, list);
}

/**
 * Looks for run directories at or below folders, step by step.
 *
 * @param found Makes of the path of a run directory what is wanted of it.
 * @param list Gives what a folder holds.
 * @returns By path. @throws RethinkError as `findRuns`.
 */
export function* searchFolders<T>(
  directories: readonly string[],
  found: (path: string) => T,
  list = listFolder,
): Generator<number, T[]> {
  const runs = new Map<string, T>();
  for (const directory of directories) {
    const path = resolve(directory);
    if (!existsSync(path)) {
      throw new RethinkError('data', `There is no folder ${directory}.`, {
        hint: 'Give run directories, or a folder that holds some: results.',
      });
    }
    const take = (run: string) => (runs.has(run) ? runs : runs.set(run, found(run))).size;
    yield* search(path, 0, { take, list }, runs.size);
  }
  return [...runs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, run]) => run);
}

interface Search {
  /** Is given each run directory, and gives back how many there are by now. */
  take: (path: string) => number;
  list: (path: string) => Dirent[];
}

function* search(
  path: string,
  depth: number,
  { take, list }: Search,
  count = 0,
): Generator<number, number> {
  yield count;
  const entries = list(path);
  if (entries.some(({ name }) => MARKS.includes(name))) return take(path);
  let found = count;
  if (depth === DEEPEST) return found;
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.')) {
      found = yield* search(join(path, entry.name), depth + 1, { take, list }, found);
    }
  }
  return found;
}

/** @throws RethinkError (`failed`) where the folder can't be read. */
export function listFolder(path: string): Dirent[] {
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

export const predictionsPath = (runDir: string) => join(runDir, 'predictions.json');

/**
 * `predictions.json`; `null` where the run has not ended, or an earlier version ran it.
 *
 * @throws RethinkError (`data`) where it is damaged.
 */
export function readPredictions(runDir: string, tell?: Tell): StoredPredictions | null {
  const path = predictionsPath(runDir);
  if (!isThere(path)) return null;
  const read = readJson(path, predictions.schema);
  tellMissing(path, predictions.missing(read), tell);
  return read;
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
