import type { Trial } from '../config/experiment.js';
import type { Config } from '../config/resolve.js';
import type { RunEvents } from '../setup/events.js';
import type { FinishedRun, NewRunOptions, RunOptions } from '../setup/options.js';
import type { CheckpointRequests } from '../train/due.js';
import type { Forecast } from './forecast.js';
import type { SweepPart } from './part.js';
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

export interface SweepOptions {
  /** Root under which run directories are made; default `results`. */
  out?: string | undefined;
  dataDir?: string | undefined;
  /** This many trials at once, each in a process of its own; `undefined`: one after another in this one. */
  jobs?: number | undefined;
  /** At most this many of the trials, from the first on. */
  maxTrials?: number | undefined;
  /** Of so many equal parts of the trials, only this one, from 1: side by side on several machines. */
  part?: SweepPart | undefined;
  /** `never`: trials that another machine has are left to it. Default: those whose process gives no sign of life are run. */
  wait?: 'never' | 'gone' | undefined;
  /** Of a task of a sweep: only the trials of these ids. */
  only?: ReadonlySet<string> | undefined;
  /** Asked before each trial; where it says no, the trial is left. */
  mayStart?: (() => boolean) | undefined;
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
