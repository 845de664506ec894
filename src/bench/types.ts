import type { EngineName } from '../config/engines.js';
import type { ModelName } from '../config/models.js';
import type { EngineInfo, EngineOptions } from '../engines/types.js';

/** How long and how often to measure. */
export interface Effort {
  /** Of training in a round; evaluation takes a quarter of it. */
  seconds: number;
  rounds: number;
}

/** One network on one engine. */
export interface BenchCase extends Effort {
  model: ModelName;
  engine: EngineOptions & { name: EngineName };
  batchSize: number;
}

/** What one case came to, in the names of `bench --json`. Medians over rounds. */
export interface Measurement {
  model: ModelName;
  parameters: number;
  engine: EngineInfo;
  batch_size: number;
  /** Preparing batches included, as in a run. */
  train_images_per_second: number;
  /** Of each round, in order. */
  train_rounds: number[];
  evaluate_images_per_second: number;
  evaluate_rounds: number[];
  /** From handing over the program to the end of the first step, less what a step takes later. */
  compile_seconds: number;
  /** Of the process, libraries included. */
  peak_rss_bytes: number;
  /** 10⁹ floating-point operations of convolutions and dense layers for an image: one to evaluate it … */
  evaluate_gflop_per_image: number;
  /** … and to train on it. */
  train_gflop_per_image: number;
  /** Reached in training: 10⁹ of those operations a second. */
  train_gflop_per_second: number;
}

/** What a measurement is at; `stepping` anew after each call. */
export type Stage = 'compiling' | 'stepping' | 'evaluating';
