import type { EngineInfo } from '../engines/types.js';

/** One line of `metrics.csv`, in the order of its columns. Accuracies are fractions; `null` is 'does not apply'. */
export interface EpochRow {
  /** Epochs completed, from 1. */
  epoch: number;
  /** Steps completed. */
  step: number;
  /** Wall-clock seconds of the run so far, over all its sessions. */
  seconds: number;
  /** Training alone: no evaluation, no compilation. */
  images_per_second: number;
  /** Of the epoch's last step. */
  learning_rate: number;
  /** Mean cross-entropy of the training set, inference mode, labels trained on. */
  train_loss: number;
  train_accuracy: number;
  /** Against true labels. */
  test_loss: number;
  test_accuracy: number;
  /** train_accuracy − test_accuracy. */
  generalization_gap: number;
  /** Training examples against their true labels. */
  true_label_accuracy: number;
  /** Training examples whose label was changed, against the changed label. */
  corrupted_accuracy: number | null;
  /** Training examples whose label was not changed. */
  clean_accuracy: number | null;
  /** ℓ2 norm of all trained parameters. */
  weight_norm: number;
  /** Test examples against equally corrupted labels; only with `record.corruptedTestAccuracy`. */
  corrupted_test_accuracy?: number;
  /** Training examples whose label is among the five greatest logits; this and what follows only with `record.top5`. */
  train_top5_accuracy?: number;
  test_top5_accuracy?: number;
  /** Greatest test accuracy of this epoch and all before it: what early stopping would have had. */
  best_test_accuracy?: number;
  /** The same of test_top5_accuracy, which may have been another epoch's. */
  best_test_top5_accuracy?: number;
}

/** One line of `steps.csv`. */
export interface StepRow {
  /** From 1. */
  step: number;
  /** Epoch the step belongs to, from 1. */
  epoch: number;
  learning_rate: number;
  /** Of the batch, before the step. */
  loss: number;
  /** Of the batch, before the step. */
  accuracy: number;
}

/** Thresholds of 'fitted' (PAPER, section 4): training set as trained on, current weights, inference mode. */
export const FIT_THRESHOLDS = [
  'accuracy_0.95',
  'accuracy_0.99',
  'accuracy_0.999',
  'accuracy_1',
  'loss_0.1',
  'loss_0.01',
] as const;

export type FitThreshold = (typeof FIT_THRESHOLDS)[number];

/** The first evaluation at which a threshold held. */
export interface FirstReached {
  epoch: number;
  step: number;
  seconds: number;
}

/** Everything the loop needs besides tensors to go on exactly where it stopped: goes into every checkpoint. */
export interface Progress {
  /** Epochs completed. */
  epoch: number;
  /** Steps completed. */
  step: number;
  /** Wall-clock seconds so far. */
  seconds: number;
  /** Evaluations in a row that met the stop criterion. */
  fittedInARow: number;
  reached: Record<FitThreshold, FirstReached | null>;
  /** Row with the best test accuracy so far. */
  best: EpochRow | null;
  /** Last evaluated row. */
  last: EpochRow | null;
  /** Seconds and images of training alone, for throughput over the epoch in progress. */
  trainSeconds: number;
  trainImages: number;
}

export type Outcome =
  /** The stop criterion was met. */
  | 'fitted'
  /** All epochs were used. */
  | 'finished'
  | 'diverged'
  | 'interrupted';

/** The data of a result: what was used, and of how much. */
export interface UsedData {
  name: string;
  origin: string;
  hash: string;
  /** Examples used. */
  train: number;
  test: number;
  /** Examples in the whole data set. */
  full_train: number;
  full_test: number;
  classes: number;
}

/** `result.json`: what a finished run says of itself, with the conditions of its numbers. */
export interface RunResult {
  name: string;
  config_hash: string;
  outcome: Outcome;
  /** Whether training accuracy ever reached `train.stop.accuracy` (1 where it never stops early). */
  converged: boolean;
  epochs: number;
  steps: number;
  seconds: number;
  /** Trained parameters. */
  parameters: number;
  /** In examples, steps and steps. */
  schedule: { batch_size: number; steps_per_epoch: number; decay_every: number };
  last: EpochRow | null;
  /** By test accuracy (what early stopping would have kept). */
  best: EpochRow | null;
  /** `null`: did not converge. */
  reached: Record<FitThreshold, FirstReached | null>;
  /** Step at which loss or gradient was not finite. */
  diverged_at: number | null;
  engine: EngineInfo;
  data: UsedData;
  /** Realised fraction of training labels that differ from the true ones. */
  label_noise: number;
}
