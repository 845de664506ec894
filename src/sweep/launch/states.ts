import { dirname } from 'node:path';
import type { Trial } from '../../config/experiment.js';
import type { LauncherKind } from '../../config/launcher.js';
import { holderOf } from '../../disk/lock.js';
import { messageOf, readOr } from '../../errors.js';
import { readMetrics } from '../../record/rows.js';
import { readStatus } from '../../record/status.js';
import type { FinishedRun } from '../../setup/options.js';
import type { SweepDefinition } from '../directory.js';
import { type EarlierRun, findEarlierRun, RunListing } from '../find.js';
import type { TrialRecord } from '../types.js';
import { type Failure, LaunchFolder, type Submission } from './folder.js';
import { schedulerOf } from './schedulers.js';
import type { QueuedTask } from './types.js';

/** How far a trial is that has begun. */
export interface Progress {
  runDir: string;
  epoch: number | null;
  trainAccuracy: number | null;
}

/**
 * Where a trial of a sweep stands. `interrupted`: nobody runs it, and it can be gone on with; `lost`: its task left the
 * queue and left no word.
 */
export type TrialState = { trial: Trial } & (
  | ({ state: 'done' } & FinishedRun)
  | { state: 'running'; progress: Progress; task: QueuedTask | null }
  | { state: 'waiting'; progress: Progress | null; task: QueuedTask }
  | { state: 'interrupted'; progress: Progress }
  | ({ state: 'failed' } & Failure)
  | { state: 'lost' }
  | { state: 'not begun' }
);

export interface SweepStates {
  trials: TrialState[];
  submissions: Submission[];
  /** What the scheduler said where it could not be asked; the run files alone are then known. */
  problem: string | null;
}

/**
 * Where every trial of a sweep stands: by its run files, and one question to the scheduler.
 *
 * @throws RethinkError (`data`) where a file of the sweep is damaged.
 */
export async function sweepStates(
  definition: SweepDefinition,
  directory: string,
): Promise<SweepStates> {
  const folder = new LaunchFolder(directory);
  const submissions = folder.submissions();
  const { queued, problem } = await inQueue(submissions);
  const failures = folder.failures();
  const handedOver = submissions.filter(({ arrays }) => arrays.length > 0);
  const submitted = new Set(handedOver.flatMap(({ tasks }) => tasks.flat()));
  const stopped = failures.size >= (handedOver.at(-1)?.launcher.stopAfterFailures ?? Infinity);
  const root = dirname(folder.sweep);
  const listing = new RunListing(root);
  const trials: TrialState[] = [];
  for (const trial of definition.trials) {
    const earlier = await findEarlierRun(root, trial, listing);
    const task = queued.get(trial.id) ?? null;
    if (earlier?.found === 'finished') {
      trials.push({ trial, state: 'done', ...earlier.run });
      continue;
    }
    const progress = earlier === undefined ? null : progressOf(earlier.runDir);
    const failure = failures.get(trial.id) ?? (task === null ? failureOf(earlier) : undefined);
    if (progress !== null && runsNow(progress.runDir, task)) {
      trials.push({ trial, state: 'running', progress, task });
    } else if (failure !== undefined) trials.push({ trial, state: 'failed', ...failure });
    else if (task !== null) trials.push({ trial, state: 'waiting', progress, task });
    else if (progress !== null) trials.push({ trial, state: 'interrupted', progress });
    else trials.push({ trial, state: submitted.has(trial.id) && !stopped ? 'lost' : 'not begun' });
  }
  return { trials, submissions, problem };
}

async function inQueue(
  submissions: readonly Submission[],
): Promise<{ queued: Map<string, QueuedTask>; problem: string | null }> {
  const queued = new Map<string, QueuedTask>();
  const kinds = new Set<LauncherKind>(submissions.map(({ launcher }) => launcher.kind));
  let problem: string | null = null;
  for (const kind of kinds) {
    const own = submissions.filter(({ launcher }) => launcher.kind === kind);
    try {
      for (const [id, task] of (await schedulerOf(kind)?.queue(own)) ?? []) queued.set(id, task);
    } catch (error) {
      problem = messageOf(error);
    }
  }
  return { queued, problem };
}

/** Why a run of no task failed: what a task runs again has failed before. */
function failureOf(earlier: EarlierRun | undefined): Failure | undefined {
  return earlier?.found === 'failed' ? { error: earlier.error, runDir: earlier.runDir } : undefined;
}

/** Whether somebody holds the run: a process that is seen from here, or the task that the scheduler says is at work. */
function runsNow(runDir: string, task: QueuedTask | null): boolean {
  const holder = readOr(() => holderOf(runDir), null);
  if (holder === null) return false;
  return holder.liveness === 'alive' || task?.state === 'running';
}

function progressOf(runDir: string): Progress {
  const rows = readOr(() => readMetrics(runDir), []);
  const status = readOr(() => readStatus(runDir), null);
  return {
    runDir,
    epoch: status?.epoch ?? null,
    trainAccuracy: rows.at(-1)?.train_accuracy ?? null,
  };
}

/** The trials as a finished sweep tells of them: one that goes on counts as not run. */
export function recordsOf(trials: readonly TrialState[]): TrialRecord[] {
  return trials.map((state): TrialRecord => {
    const { trial } = state;
    if (state.state === 'done') {
      return {
        trial,
        state: 'ended',
        foundEarlier: true,
        result: state.result,
        runDir: state.runDir,
      };
    }
    if (state.state === 'failed') {
      return { trial, state: 'failed', error: state.error, runDir: state.runDir };
    }
    return { trial, state: 'waiting' };
  });
}
