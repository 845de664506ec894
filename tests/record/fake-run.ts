import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { writeExampleLabels } from '../../src/record/examples.js';
import type { RunDirectory } from '../../src/record/run-directory.js';
import {
  type EpochRow,
  noProgress,
  type StepRow,
  type WrittenResult,
} from '../../src/results/training.js';
import type { Checkpoint } from '../../src/train/types.js';

export const EPOCHS = 2;
export const STEPS_PER_EPOCH = 3;

export const META = {
  configHash: '0123456789abcdef',
  dataHash: 'data',
  corruptionHash: 'corruption',
  version: '0.0.0',
  seeds: { data: 1, corruption: 2, init: 3 },
};

/** A row whose every number is a function of the epoch, with digits that rounding would lose. */
export function epochRow(epoch: number): EpochRow {
  return {
    epoch,
    step: epoch * STEPS_PER_EPOCH,
    seconds: epoch / 3,
    images_per_second: 1e5 / 7,
    learning_rate: 0.1 * 0.95 ** epoch,
    train_loss: Math.fround(2.3 / epoch),
    train_accuracy: epoch / 7,
    test_loss: Number.MIN_VALUE,
    test_accuracy: epoch / 11,
    generalization_gap: epoch / 7 - epoch / 11,
    true_label_accuracy: 0.1,
    corrupted_accuracy: null,
    clean_accuracy: 1,
    weight_norm: 1e21 / 3,
  };
}

export function stepRow(step: number): StepRow {
  const epoch = Math.ceil(step / STEPS_PER_EPOCH);
  return { step, epoch, learning_rate: 0.1 / 3, loss: 1 / step, accuracy: step / 128 };
}

export function checkpointAt(epoch: number): Checkpoint {
  const row = epochRow(epoch);
  const progress = { ...noProgress(), epoch, step: row.step, seconds: row.seconds };
  return {
    state: {
      'param/dense/kernel': { shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, epoch]) },
      'velocity/dense/kernel': { shape: [2, 3], data: new Float32Array(6).fill(epoch / 3) },
      'statistic/bn/mean': { shape: [1], data: new Float32Array([epoch]) },
    },
    progress: { ...progress, best: row, last: row },
  };
}

/** Writes all that a run can write. */
export function recorderOf(directory: RunDirectory) {
  return directory.recorder({
    meta: META,
    steps: true,
    corruptedTestAccuracy: false,
    top5: false,
    tensorboard: true,
    examples: true,
  });
}

/** Two examples, by the epoch. */
const EXAMPLES = {
  index: Uint32Array.from([3, 5]),
  true_label: Int32Array.from([0, 1]),
  given_label: Int32Array.from([1, 1]),
  drawn: Uint8Array.from([1, 0]),
  changed: Uint8Array.from([1, 0]),
  classes: ['a', 'b'],
  source: 6,
};
const evaluationAt = (epoch: number) => ({
  loss: Float32Array.from([epoch, 1 / epoch]),
  margin: Float32Array.from([-epoch, epoch]),
  prediction: Int32Array.from([epoch % 2, 1]),
  rank: new Int32Array(2),
});

/** What the training loop does to a run directory, without training: from its checkpoint, if any, to the end. */
export function trainInto(directory: RunDirectory): string[] {
  const path = directory.lastCheckpoint;
  const done = path === null ? null : loadCheckpoint(path).checkpoint.progress;
  const notes = directory.cutAfter(done ?? { epoch: 0, step: 0, last: null });
  writeExampleLabels(directory.path, EXAMPLES);
  const recorder = recorderOf(directory);
  for (let epoch = (done?.epoch ?? 0) + 1; epoch <= EPOCHS; epoch++) {
    for (let i = 1; i <= STEPS_PER_EPOCH; i++) {
      recorder.steps([stepRow((epoch - 1) * STEPS_PER_EPOCH + i)]);
    }
    recorder.examples!(epoch, evaluationAt(epoch));
    recorder.epoch(epochRow(epoch));
    recorder.checkpoint(checkpointAt(epoch), true);
  }
  directory.close('finished');
  return notes;
}

/** What a finished training says of itself. */
export const RESULT: WrittenResult = {
  name: 'NaN',
  config_hash: '01234567',
  outcome: 'fitted',
  converged: true,
  epochs: 2,
  steps: 6,
  seconds: 1 / 3,
  parameters: 1_649_402,
  schedule: { batch_size: 128, steps_per_epoch: 3, decay_every: 390 },
  last: { ...epochRow(2), train_loss: Number.NaN },
  best: null,
  reached: { ...checkpointAt(1).progress.reached, accuracy_1: { epoch: 1, step: 3, seconds: 0.5 } },
  diverged_at: null,
  engine: { name: 'wasm', version: '4', device: 'cpu', precision: 'float32', mode: 'eager' },
  data: {
    name: 'mnist',
    origin: 'official',
    hash: 'h',
    train: 5,
    test: 6,
    full_train: 7,
    full_test: 8,
    classes: 10,
  },
  label_noise: 0.9,
};
