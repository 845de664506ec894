import type { Writable } from 'node:stream';
import type { Config } from '../config/resolve.js';
import type { TrialRunner } from '../sweep/options.js';
import type { Timings } from '../sweep/timings.js';

/** What the command line needs of the library: a test gives it another one. */
export type Runner = TrialRunner;

export type Evaluator = Pick<typeof import('../run/evaluate.js'), 'evaluateRun'>;

/** What `--dry-run` asks before anything is run. */
export interface Inspector {
  /** How many numbers the config's network trains; `undefined` where only the data could tell. */
  parameters(config: Config): Promise<number | undefined>;
  /** A sentence for whatever a run would have to get or could not find; empty where all is there. */
  missing(config: Config, dataDir: string | undefined): Promise<string[]>;
  /** Floating-point operations to train on one image; `undefined` where only the data could tell. */
  flops(config: Config): Promise<number | undefined>;
}

/** What earlier runs on this machine say of the time a run takes. */
export type TimingStore = Pick<Timings, 'read' | 'note'>;

/** A stream to write to; a terminal says so. */
export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** The world as a command sees it. */
export interface CliContext {
  stdout: Output;
  stderr: Output;
  env: Record<string, string | undefined>;
  /** Loaded when it is first needed: `--help` should not wait for an engine's libraries. */
  loadRunner(): Promise<Runner>;
  loadEvaluator(): Promise<Evaluator>;
  loadInspector(): Promise<Inspector>;
  loadTimings(): Promise<TimingStore>;
  /** What a person answers; `null` where nobody can be asked. */
  ask(question: string): Promise<string | null>;
}

/** How a command that ended in order says with which code. */
export type ExitWith = (code: number) => void;

/** Color and bars are for terminals, and for those who have not declined them (no-color.org). */
export function isFancy(stream: Output, env: CliContext['env']): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}
