import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { type FlatConfig, flatConfig } from '../../config/flat.js';
import { parseJson, readJson } from '../../disk/json.js';
import { lastLine } from '../../disk/lines.js';
import { refuseLink } from '../../disk/own-file.js';
import { isThere } from '../../disk/reading.js';
import { readOr } from '../../errors.js';
import type { TheoryResult } from '../../results/theory.js';
import { epochRow, type RunResult, type StoredEpochRow } from '../../results/training.js';
import { listFolder, readResult, readTheoryResult, resultPath, searchFolders } from '../runs.js';
import { type CurrentState, currentState } from '../status.js';
import { metricsJsonlPath } from '../tables.js';
import { shortIds, startedAt } from './ids.js';
import { type FoundSweep, readFoundSweep, SWEEP_FILE } from './sweeps.js';

/** A run as a list tells of it: little is read of it, so that a list of thousands takes seconds. */
export interface ListedRun extends CurrentState {
  /** Absolute. */
  path: string;
  /** The shortest that names no other run of the list; see `shortIds`. */
  id: string;
  name: string;
  /** As its directory holds it; empty where it is damaged. */
  config: FlatConfig;
  /** Completed. */
  epoch: number | null;
  /** The last evaluated epoch; `null` before the first. */
  last: StoredEpochRow | null;
  /** Of a training; `null` until it has ended. */
  result: RunResult | null;
  /** Of an experiment of the theory; `null` until it has ended. */
  theory: TheoryResult | null;
  /** Of all its sessions. */
  seconds: number | null;
  /** ISO 8601, UTC. */
  started: string | null;
  /** A sentence where its config can't be read. */
  problem: string | null;
}

/** What lies in some folders. */
export interface RunList {
  /** By path. */
  runs: ListedRun[];
  sweeps: FoundSweep[];
}

/**
 * Runs and sweeps at or below folders, step by step: each gives how many were found by then. What is damaged is listed as far
 * as it can be read.
 *
 * @throws RethinkError: `data` where a folder does not exist, `failed` where it can't be read.
 */
export function* listRuns(
  directories: readonly string[],
  now = Date.now(),
): Generator<number, RunList> {
  const sweeps = new Map<string, FoundSweep>();
  const list = (folder: string) => {
    const entries = listFolder(folder);
    const isSweep = !sweeps.has(folder) && entries.some(({ name }) => name === SWEEP_FILE);
    if (isSweep) sweeps.set(folder, readFoundSweep(folder));
    return entries;
  };
  const runs = yield* searchFolders(directories, (path) => readListed(path, now), list);
  const ids = shortIds(runs.map(({ path }) => path));
  for (const run of runs) run.id = ids.get(run.path)!;
  return { runs, sweeps: [...sweeps.values()] };
}

const anyMapping = z.record(z.string(), z.unknown());

/** One run, its id that of its directory. */
export function readListed(path: string, now = Date.now()): ListedRun {
  let problem: string | null = null;
  const config = readOr(
    () => flatConfig(readJson(configPath(path), anyMapping)),
    new Map(),
    (message) => {
      problem = message;
    },
  );
  const current = currentState(path, now);
  const isTraining = (config.get('experiment') ?? 'train') === 'train';
  const ended = isThere(resultPath(path));
  const result = ended && isTraining ? readOr(() => readResult(path), null) : null;
  const theory = ended && !isTraining ? readOr(() => readTheoryResult(path), null) : null;
  const last = lastRow(path, result);
  return {
    path,
    id: basename(path),
    name: typeof config.get('name') === 'string' ? config.get('name') : basename(dirname(path)),
    config,
    ...current,
    epoch: theory === null ? (current.epoch ?? result?.epochs ?? last?.epoch ?? null) : null,
    last,
    result,
    theory,
    seconds: (result ?? theory)?.seconds ?? last?.seconds ?? null,
    started: startedAt(path),
    problem,
  };
}

function configPath(runDir: string): string {
  const path = join(runDir, 'config.json');
  refuseLink(path);
  return path;
}

/** A run that goes on after a result was written is further than that says. */
function lastRow(path: string, result: RunResult | null): StoredEpochRow | null {
  if (result !== null && result.outcome !== 'interrupted') return result.last ?? null;
  const file = metricsJsonlPath(path);
  const read = () => {
    const text = isThere(file) ? lastLine(file) : null;
    return text === null ? null : parseJson(text, epochRow.schema, file);
  };
  return readOr(read, null) ?? result?.last ?? null;
}
