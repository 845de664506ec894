import type { Config } from '../config/resolve.js';
import type { DatasetInfo } from '../data/types.js';
import type { EngineInfo } from '../engines/types.js';
import type { TheoryResult } from '../results/theory.js';
import type { EpochRow, RunResult } from '../train/types.js';

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

export interface StepsDone {
  epoch: number;
  /** Steps done in this epoch. */
  stepInEpoch: number;
  stepsPerEpoch: number;
  loss: number;
  /** Over the last chunk. */
  imagesPerSecond: number;
}

/** Fraction done of something long before training: a download, decoding, compiling. */
export interface Preparing {
  /** What is being done, in a few words: `reading cifar10`. */
  what: string;
  done: number;
  /** 0 where the total isn't known. */
  total: number;
  unit: 'bytes' | 'images' | 'steps';
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

/** Progress of a long job outside a run (download, import, install). */
export type OnProgress = (event: Preparing) => void;
