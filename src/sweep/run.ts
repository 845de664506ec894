import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Trial } from '../config/experiment.js';
import type { Config } from '../config/resolve.js';
import { limitError } from '../disk/limits.js';
import { holderOf } from '../disk/lock.js';
import { reportOf } from '../errors.js';
import type { RunEvents } from '../setup/events.js';
import type { FinishedRun, NewRunOptions, RunOptions } from '../setup/options.js';
import type { CheckpointRequests } from '../train/due.js';
import { type SweepDefinition, SweepDirectory } from './directory.js';
import { findEarlierRun } from './find.js';
import { Forecast } from './forecast.js';
import { runInProcess, type TrialRequest } from './process.js';
import { planSlots, runPool, type Slots, thisMachine } from './slots.js';
import type { TrialRecord } from './types.js';

/** Whoever watches one trial. */
export interface TrialWatcher {
  events: RunEvents;
  close(): void;
}

/** Whoever watches a sweep. */
export interface SweepWatcher {
  /** @param toRun Trials that are to be run now, of all. */
  started(records: readonly TrialRecord[], toRun: number): void;
  trial(trial: Trial): TrialWatcher;
  ended(record: TrialRecord): void;
  note(message: string): void;
}

export interface TrialRunner {
  runExperiment(config: Config, options?: NewRunOptions): Promise<FinishedRun>;
  resumeRun(runDir: string, options?: RunOptions): Promise<FinishedRun>;
}

const UNWATCHED: SweepWatcher = {
  started: () => {},
  trial: () => ({ events: {}, close: () => {} }),
  ended: () => {},
  note: () => {},
};

export interface SweepOptions {
  /** Root under which run directories are made; default `results`. */
  out?: string | undefined;
  dataDir?: string | undefined;
  /** This many trials at once, each in a process of its own; `undefined`: one after another in this one. */
  jobs?: number | undefined;
  /** At most this many of the trials, from the first on. */
  maxTrials?: number | undefined;
  /** Aborting it ends the trials under way, with a checkpoint each; the others are left. */
  signal?: AbortSignal | undefined;
  /** Counting it up makes a trial that runs in this process write a checkpoint; others hear of the signal themselves. */
  checkpointRequests?: CheckpointRequests | undefined;
  watcher?: SweepWatcher | undefined;
  /** Of the definition's trials; it is told how they go. */
  forecast?: Forecast | undefined;
  /** Called with each result as it comes, but not with those of earlier runs. */
  onResult?: (trial: Trial, run: FinishedRun) => void;
  /** What runs a trial in this process; another one in tests. */
  loadRunner?: (() => Promise<TrialRunner>) | undefined;
  /** The compiled script of a trial's process. */
  child?: string | undefined;
}

/**
 * Runs what is missing of a sweep: finished trials are taken as they are, interrupted ones are gone on with. A trial
 * that fails is noted, and the others go on. The table is written anew after every trial.
 *
 * @returns What became of each trial, in order; some still `waiting` where the signal was aborted.
 * @throws RethinkError (`failed`) where another process runs this sweep, or the disk refuses.
 */
export async function runSweep(
  definition: SweepDefinition,
  options: SweepOptions = {},
): Promise<TrialRecord[]> {
  const {
    out = 'results',
    signal = new AbortController().signal,
    watcher = UNWATCHED,
    loadRunner = () => import('../run/index.js'),
  } = options;
  const directory = SweepDirectory.open(join(out, definition.name));
  try {
    directory.writeDefinition(definition);
    const complete = { ...options, out, signal, watcher, loadRunner };
    return await new Sweep(definition, directory, complete).run();
  } finally {
    directory.close();
  }
}

type CompleteOptions = SweepOptions &
  Required<{
    [K in 'out' | 'signal' | 'watcher' | 'loadRunner']: NonNullable<SweepOptions[K]>;
  }>;

class Sweep {
  private readonly records: TrialRecord[];
  /** Where each trial that was interrupted lies. */
  private readonly resumable = new Map<Trial, string>();
  private readonly forecast: Forecast;

  constructor(
    private readonly definition: SweepDefinition,
    private readonly directory: SweepDirectory,
    private readonly options: CompleteOptions,
  ) {
    this.records = definition.trials.map((trial) => ({ trial, state: 'waiting' }));
    this.forecast = options.forecast ?? new Forecast(definition.trials);
  }

  async run(): Promise<TrialRecord[]> {
    const { jobs, maxTrials, signal, watcher } = this.options;
    for (const index of this.records.keys()) await this.lookForEarlierRun(index);
    this.directory.writeTable(this.records);
    const toRun = [...this.records.keys()]
      .slice(0, maxTrials)
      .filter((index) => this.records[index]!.state === 'waiting');
    for (const [index, record] of this.records.entries()) {
      if (record.state === 'waiting' && !toRun.includes(index))
        this.forecast.leaveOut(record.trial);
      else this.forecast.ended(record);
    }
    watcher.started(this.records, toRun.length);
    const slots = await this.slots(jobs, toRun);
    this.forecast.divide(slots.count);
    await runPool(toRun, slots.count, signal, (index, slot) =>
      this.runTrial(index, slots.environments[slot]!),
    );
    return this.records;
  }

  private async slots(jobs: number | undefined, toRun: number[]): Promise<Slots> {
    if (jobs === undefined || toRun.length === 0) {
      return { count: 1, environments: [{}], notes: [] };
    }
    const configs = toRun.map((index) => this.definition.trials[index]!.config);
    const slots = planSlots(Math.min(jobs, toRun.length), configs, await thisMachine());
    for (const note of slots.notes) this.options.watcher.note(note);
    return slots;
  }

  private async lookForEarlierRun(index: number): Promise<void> {
    const { trial } = this.records[index]!;
    const earlier = await findEarlierRun(this.options.out, trial);
    if (earlier?.found === 'resumable') this.resumable.set(trial, earlier.runDir);
    if (earlier?.found !== 'finished') return;
    this.records[index] = { trial, state: 'ended', foundEarlier: true, ...earlier.run };
  }

  private async runTrial(index: number, env: Record<string, string>): Promise<void> {
    const { trial } = this.records[index]!;
    const { watcher } = this.options;
    const watching = watcher.trial(trial);
    const events = this.forecast.observe(trial, watching.events);
    // Where the trial writes, for one that fails later.
    let runDir = this.resumable.get(trial) ?? null;
    const started: RunEvents['started'] = (event) => {
      runDir = event.runDir;
      events.started?.(event);
    };
    try {
      const run = await this.attempt(trial, { ...events, started }, env);
      this.records[index] = { trial, state: 'ended', foundEarlier: false, ...run };
      this.options.onResult?.(trial, run);
    } catch (error) {
      const described = reportOf(limitError(error) ?? error);
      // Interrupted before it had anything to write: as if it had not begun.
      if (described.kind === 'interrupted') return;
      this.records[index] = { trial, state: 'failed', error: described, runDir };
    } finally {
      watching.close();
    }
    this.forecast.ended(this.records[index]!);
    this.directory.writeTable(this.records);
    watcher.ended(this.records[index]!);
  }

  private async attempt(
    trial: Trial,
    events: RunEvents,
    env: Record<string, string>,
  ): Promise<FinishedRun> {
    const { out, dataDir, jobs, signal, checkpointRequests, child, loadRunner } = this.options;
    const { config } = trial;
    const { source, trials, origin } = this.definition;
    const runDir = this.resumable.get(trial) ?? null;
    if (runDir !== null) await orphanGone(runDir, signal);
    const { device, devices } = config.engine;
    // An earlier run may have had others.
    const runsOn = { device, devices };
    const request: TrialRequest = {
      config,
      runDir,
      options: { out, dataDir, source, origin, runsOn },
    };
    if (jobs !== undefined) return runInProcess(request, { events, signal, env, child });
    const runner = await loadRunner();
    const othersFollow = trials.some((other) => other.config.model.name !== config.model.name);
    const shared = { ...request.options, events, signal, checkpointRequests, othersFollow };
    return runDir === null
      ? runner.runExperiment(config, shared)
      : runner.resumeRun(runDir, shared);
  }
}

const ORPHAN_SECONDS = 30;

/**
 * Waits for a process whose sweep was killed: it ends by itself as soon as the native call that it is in returns. One
 * that lives on is told of by whoever opens the directory next.
 */
async function orphanGone(runDir: string, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < ORPHAN_SECONDS && !signal.aborted; waited += 0.2) {
    if (holderOf(runDir)?.liveness !== 'alive') return;
    await setTimeout(200);
  }
}
