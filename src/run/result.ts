import { configHash } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import type { Engine } from '../engines/types.js';
import { parameterCount } from '../models/index.js';
import {
  type Progress,
  type StoredEpochRow,
  type WrittenResult,
  weightNormPeak,
} from '../results/training.js';
import { usedData } from '../setup/data.js';
import type { Prepared } from '../setup/training.js';
import type { LoopResult } from '../train/loop.js';

/** What a run says of itself at its end, with the conditions of its numbers. */
export function resultOf(run: {
  config: Config;
  prepared: Prepared;
  engine: Engine;
  progress: Progress;
  loop: LoopResult;
  /** Of `metrics.csv`. */
  rows: readonly StoredEpochRow[];
  examples?: WrittenResult['examples'];
  measures?: WrittenResult['measures'];
}): WrittenResult {
  const { config, prepared, engine, progress, loop, rows, examples, measures } = run;
  const { batches, decayEvery } = prepared;
  const peak = weightNormPeak(rows);
  return {
    name: config.name,
    config_hash: configHash(config),
    outcome: loop.outcome,
    converged: loop.outcome === 'fitted' || progress.reached.accuracy_1 != null,
    epochs: progress.epoch,
    steps: progress.step,
    seconds: progress.seconds,
    parameters: parameterCount(prepared.model),
    schedule: {
      batch_size: batches.batchSize,
      steps_per_epoch: batches.stepsPerEpoch,
      decay_every: decayEvery,
    },
    last: progress.last,
    best: progress.best,
    reached: progress.reached,
    diverged_at: loop.divergedAt,
    engine: engine.info,
    data: usedData(prepared),
    label_noise: prepared.corruption.train.labels_changed,
    ...(peak && { weight_norm_peak: peak }),
    ...(examples && { examples }),
    ...(measures && { measures }),
  };
}
