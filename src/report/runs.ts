import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/resolve.js';
import { readJson } from '../disk/json.js';
import { RethinkError, readOr, tolerate } from '../errors.js';
import { inTurns, takingTurns, type Watching } from '../progress.js';
import {
  readConfig,
  readMetrics,
  readResult,
  readStepColumns,
  readTheoryResult,
  searchRuns,
} from '../record/runs.js';
import { heartbeatAge, type RunState, readStatus } from '../record/status.js';
import { keep, type Stored, type Tell, tellMissing } from '../results/stored.js';
import type { TheoryResult } from '../results/theory.js';
import type { RunResult, StoredEpochRow } from '../results/training.js';

const ENVIRONMENT = {
  rethink_gen: z.strictObject({
    version: z.string(),
    git: z.strictObject({ commit: z.string(), dirty: z.boolean() }).nullable(),
  }),
  started: z.string(),
  node: z.string(),
  os: z.string(),
  cpu: z.strictObject({ model: z.string(), cores: z.number() }),
  gpus: z.array(z.strictObject({ name: z.string() })),
};

// Conditions are shown, never computed with: nothing of them is needed.
const environment = keep(ENVIRONMENT);

/** The conditions of a run's numbers as far as a report tells them: no host name, no command line. */
export type ReportEnvironment = Stored<z.output<z.ZodObject<typeof ENVIRONMENT>>, never>;

/** A run as far as it has come and can be read. */
export interface ReportRun {
  /** Absolute. */
  path: string;
  config: Config;
  /** A run whose process has gone without a word is `interrupted`; one whose `status.json` is lost is `unknown`. */
  state: RunState | 'unknown';
  /** More about the state, for people; empty where there is nothing. */
  detail: string;
  /** Of a training that has ended. */
  result: RunResult | null;
  /** Of an experiment of the theory that has ended. */
  theory: TheoryResult | null;
  /** Oldest first. */
  metrics: StoredEpochRow[];
  environment: ReportEnvironment | null;
  /** A sentence for each file that is damaged, or lacks what this version would have written. */
  problems: string[];
}

/** A run directory of which not even the config can be read. */
export interface DamagedRun {
  path: string;
  problem: string;
}

/** A process says that it lives every ten seconds; compiling a large network can hold it up. */
const SILENCE_MS = 120_000;

/**
 * Reads every run at or below folders. What is damaged is told, not thrown.
 *
 * @throws RethinkError (`data`) where a folder is missing, or none of them holds a run.
 */
export async function readRuns(
  directories: readonly string[],
  now = Date.now(),
  watching: Watching = {},
): Promise<{ runs: ReportRun[]; damaged: DamagedRun[] }> {
  const found = await inTurns(searchRuns(directories), watching, 'looking for runs');
  if (found.length === 0) {
    throw new RethinkError('data', `There is no run at or below ${directories.join(', ')}.`, {
      hint: 'A run directory has a config.json: rethink-gen run makes one below its --out, by default results.',
    });
  }
  const runs: ReportRun[] = [];
  const damaged: DamagedRun[] = [];
  let done = 0;
  const amount = () => ({ done, total: found.length, unit: 'runs' as const });
  const turn = takingTurns(watching, 'reading runs', amount);
  for (const { path } of found) {
    await turn();
    done++;
    const run = await readRun(path, now);
    if ('problem' in run) damaged.push(run);
    else runs.push(run);
  }
  return { runs, damaged };
}

async function readRun(path: string, now: number): Promise<ReportRun | DamagedRun> {
  const config = await readConfig(path).catch(tolerate(({ message }) => message));
  if (typeof config === 'string') return { path, problem: config };
  const problems: string[] = [];
  const tell = (sentence: string) => problems.push(sentence);
  const tolerant = <T>(read: () => T, instead: T) => readOr(read, instead, tell);
  const isTraining = config.experiment === 'train';
  // The figure of the losses reads the rows, and can only do without what it lacks.
  tolerant(() => readStepColumns(path, tell), null);
  return {
    path,
    config,
    ...tolerant(() => stateOf(path, now, tell), { state: 'unknown' as const, detail: '' }),
    result: isTraining ? tolerant(() => readResult(path, tell), null) : null,
    theory: isTraining ? null : tolerant(() => readTheoryResult(path, tell), null),
    metrics: tolerant(() => readMetrics(path, tell), []),
    environment: readEnvironment(path, tell),
    problems,
  };
}

function stateOf(path: string, now: number, tell: Tell): Pick<ReportRun, 'state' | 'detail'> {
  const status = readStatus(path, tell);
  const { state, reason } = status;
  if (state !== 'running') return { state, detail: reason ?? '' };
  const age = heartbeatAge(status, now);
  const { heartbeat, epoch } = status;
  return heartbeat === undefined || now - Date.parse(heartbeat) > SILENCE_MS
    ? { state: 'interrupted', detail: `killed; last sign of life ${age}` }
    : { state, detail: epoch === undefined ? '' : `in epoch ${epoch + 1}` };
}

/** Missing in a run that has not begun to train, and no number depends on it. */
function readEnvironment(path: string, tell: Tell): ReportEnvironment | null {
  const file = join(path, 'environment.json');
  const read = readOr(() => readJson(file, environment.schema), null);
  if (read !== null) tellMissing(file, environment.missing(read), tell);
  return read;
}

/** After the last evaluated epoch, against true labels; nothing where it is not known. */
export function testError(run: ReportRun): number | undefined {
  const accuracy = lastRow(run)?.test_accuracy;
  return accuracy === undefined ? undefined : 1 - accuracy;
}

/** The last evaluated epoch; `null` before the first. */
export function lastRow({ result, metrics }: ReportRun): StoredEpochRow | null {
  return result?.last ?? metrics.at(-1) ?? null;
}
