import type { Config } from '../config/resolve.js';
import type { DatasetInfo } from '../data/types.js';
import type { EngineInfo } from '../engines/types.js';
import type { Preparing, StepsDone } from '../progress.js';
import type { TheoryResult } from '../results/theory.js';
import type { EpochRow, RunResult } from '../results/training.js';

/** A run has been set up and is about to train. */
export interface RunStarted {
  runDir: string;
  config: Config;
  dataset: DatasetInfo;
  trainCount: number;
  testCount: number;
  parameters: number;
  engine: EngineInfo;
  stepsPerEpoch: number;
  /** Epochs already done, where the run is resumed. */
  epochsDone: number;
  labelNoise: number;
}

/**
 * What a run tells whoever watches it; every handler is optional. The command line draws bars and lines from these and
 * `--json` prints them; the library works the same without.
 */
export interface RunEvents {
  preparing?(event: Preparing): void;
  started?(event: RunStarted): void;
  steps?(event: StepsDone): void;
  epoch?(row: EpochRow): void;
  /** Something a person should know that isn't an error: which engine was picked and why, a partial batch dropped. */
  note?(message: string): void;
  finished?(result: RunResult | TheoryResult, runDir: string): void;
}
