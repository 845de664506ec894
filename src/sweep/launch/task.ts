import { setTimeout } from 'node:timers';
import type { Trial } from '../../config/experiment.js';
import type { LauncherConfig } from '../../config/launcher.js';
import { RethinkError, readOr } from '../../errors.js';
import { readStatus } from '../../record/status.js';
import { isTheoryResult } from '../../results/theory.js';
import type { RunEvents } from '../../setup/events.js';
import { readSweep } from '../directory.js';
import { findEarlierRun } from '../find.js';
import type { SweepWatcher, TrialWatcher } from '../options.js';
import { runSweep } from '../run.js';
import { isComplete, type TrialRecord } from '../types.js';
import { LaunchFolder } from './folder.js';
import { ownTask } from './slurm.js';

export interface TaskOptions {
  /** Root under which run directories are made. */
  out: string;
  submission: string;
  /** Which of the submission's tasks, from 0. */
  task: number;
  dataDir?: string | undefined;
  /** Aborting it ends the trials under way with a checkpoint each: the task was cancelled. */
  cancelled: AbortSignal;
  /** Aborting it does the same, and the task comes again: its time is up. */
  outOfTime: AbortSignal;
  watcher: SweepWatcher;
  env?: NodeJS.ProcessEnv;
}

/** How a task ended. `requeued`: it is in the queue again, and the scheduler ends this process. */
export interface TaskEnd {
  end: 'done' | 'cancelled' | 'requeued' | 'stuck' | 'often enough' | 'stopped';
  records: TrialRecord[];
}

/**
 * Runs the trials of one task: goes on with interrupted ones, starts none that there is no time for, and queues itself again
 * where its time is up and there was progress.
 *
 * @param directory The folder of the sweep.
 * @throws RethinkError (`data`) where the sweep or the submission is damaged or has no such task.
 */
export async function runTask(directory: string, options: TaskOptions): Promise<TaskEnd> {
  const { out, cancelled, outOfTime, env = process.env } = options;
  const definition = await readSweep(directory);
  const folder = new LaunchFolder(directory);
  const submission = folder.readSubmission(options.submission);
  const ids = submission.tasks[options.task];
  if (ids === undefined) {
    throw new RethinkError(
      'data',
      `Submission ${submission.id} has no task ${options.task}, only ${submission.tasks.length}.`,
    );
  }
  const { launcher } = submission;
  const clock = new TaskClock(await ownTask.secondsLeft(env), launcher);
  const own = definition.trials.filter(({ id }) => ids.includes(id));
  const before = await stepsBefore(out, own);
  const records = await runSweep(definition, {
    out,
    dataDir: options.dataDir,
    jobs: launcher.parallel,
    only: new Set(ids),
    mayStart: () =>
      clock.hasTime() && folder.failures().size < (launcher.stopAfterFailures ?? Infinity),
    signal: AbortSignal.any([cancelled, outOfTime, clock.signal]),
    watcher: observed(options.watcher, clock, folder),
  });
  clock.stop();
  const ended = records.filter(({ trial }) => ids.includes(trial.id));
  const end = await endOf(ended, { launcher, folder, before, env, options, clock });
  return { end, records: ended };
}

/** The same watcher; the clock learns from it, and each failure is noted when it comes, for the tasks beside this one as well. */
function observed(watcher: SweepWatcher, clock: TaskClock, folder: LaunchFolder): SweepWatcher {
  return {
    started: (...args) => watcher.started(...args),
    trial: (given) => clock.timed(watcher.trial(given)),
    ended(record) {
      if (record.state === 'failed') folder.noteFailure(record.trial.id, record);
      watcher.ended(record);
    },
    note: (message) => watcher.note(message),
  };
}

/** What decides whether a task comes again. */
interface Ending {
  launcher: LauncherConfig;
  folder: LaunchFolder;
  /** Steps of each trial, by its id, as the last session left them. */
  before: ReadonlyMap<string, number>;
  env: NodeJS.ProcessEnv;
  options: TaskOptions;
  clock: TaskClock;
}

async function endOf(
  records: readonly TrialRecord[],
  { launcher, folder, before, env, options, clock }: Ending,
): Promise<TaskEnd['end']> {
  // What another process has is its own to bring to an end.
  const left = records.filter(
    (record) => !['failed', 'elsewhere'].includes(record.state) && !isComplete(record),
  );
  if (left.length === 0) return 'done';
  if (options.cancelled.aborted) return 'cancelled';
  if (!options.outOfTime.aborted && clock.hasTime()) return 'stopped';
  const advanced = records.some((record) => {
    if (record.state !== 'ended' || record.foundEarlier) return false;
    const steps = isTheoryResult(record.result) ? 0 : (record.result.steps ?? 0);
    return steps > (before.get(record.trial.id) ?? 0) || isComplete(record);
  });
  if (!advanced) {
    for (const { trial } of left.slice(0, launcher.parallel)) {
      folder.noteFailure(trial.id, { error: noProgress(launcher), runDir: null });
    }
    return 'stuck';
  }
  if (ownTask.restarts(env) >= launcher.requeues) return 'often enough';
  await ownTask.requeue(env);
  return 'requeued';
}

function noProgress({ time, ahead }: LauncherConfig) {
  return {
    kind: 'failed' as const,
    message: `The time limit${time === undefined ? '' : ` (${time})`} is too short: no step was made between the start and the signal ${ahead} s ahead of it.`,
    hint: 'Give it a longer launcher.time; queued again, it would only do the same.',
    bug: false,
  };
}

async function stepsBefore(out: string, trials: readonly Trial[]): Promise<Map<string, number>> {
  const steps = new Map<string, number>();
  for (const trial of trials) {
    const earlier = await findEarlierRun(out, trial);
    if (earlier?.found !== 'resumable') continue;
    steps.set(
      trial.id,
      readOr(() => readStatus(earlier.runDir).step ?? 0, 0),
    );
  }
  return steps;
}

/** When a task has to end, and what starting a trial takes. */
class TaskClock {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly end: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Seconds from the beginning of a trial to its first step: the longest so far. */
  private start = 0;

  constructor(
    secondsLeft: number | undefined,
    private readonly launcher: LauncherConfig,
  ) {
    this.signal = this.controller.signal;
    this.end = secondsLeft === undefined ? undefined : performance.now() / 1000 + secondsLeft;
    this.arm();
  }

  /** Whether a further trial has time to begin and to write a checkpoint. */
  hasTime(): boolean {
    return !this.signal.aborted && this.left() > this.ahead() + this.start;
  }

  /** Whoever watches a trial that begins now; the clock learns how long it takes to its first step. */
  timed({ events, close }: TrialWatcher): TrialWatcher {
    const began = performance.now();
    let stepped = false;
    const steps: RunEvents['steps'] = (event) => {
      if (!stepped) this.took((performance.now() - began) / 1000);
      stepped = true;
      events.steps?.(event);
    };
    return { events: { ...events, steps }, close };
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private took(seconds: number): void {
    this.start = Math.max(this.start, seconds);
    this.arm();
  }

  private ahead(): number {
    return Math.max(this.launcher.ahead, this.start);
  }

  private left(): number {
    return this.end === undefined ? Infinity : this.end - performance.now() / 1000;
  }

  /** Ends the trials by itself where they need longer than the scheduler's signal leaves them. */
  private arm(): void {
    clearTimeout(this.timer);
    if (this.end === undefined) return;
    const seconds = Math.max(0, this.left() - this.ahead());
    // Longer ones than a timer holds are set anew when it ends.
    const wait = Math.min(seconds, 1e6);
    this.timer = setTimeout(
      () => (wait < seconds ? this.arm() : this.controller.abort()),
      wait * 1000,
    );
    this.timer.unref();
  }
}
