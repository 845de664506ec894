import type { EpochRow, StepRow } from './training.js';

/** Columns of `metrics.csv`, in order; the others follow where they are asked for. */
export const EPOCH_COLUMNS = [
  'epoch',
  'step',
  'seconds',
  'images_per_second',
  'learning_rate',
  'train_loss',
  'train_accuracy',
  'test_loss',
  'test_accuracy',
  'generalization_gap',
  'true_label_accuracy',
  'corrupted_accuracy',
  'clean_accuracy',
  'weight_norm',
] as const satisfies (keyof EpochRow)[];

/** With `record.top5`. */
export const TOP5_COLUMNS = [
  'train_top5_accuracy',
  'test_top5_accuracy',
  'best_test_accuracy',
  'best_test_top5_accuracy',
] as const satisfies (keyof EpochRow)[];

/** With `record.corruptedTestAccuracy`. */
export const CORRUPTED_TEST_COLUMN = 'corrupted_test_accuracy' satisfies keyof EpochRow;

/** All that a row may have. */
export const ALL_EPOCH_COLUMNS = [
  ...EPOCH_COLUMNS,
  CORRUPTED_TEST_COLUMN,
  ...TOP5_COLUMNS,
] as const;

/** Columns of `steps.csv`, in order. */
export const STEP_COLUMNS = [
  'step',
  'epoch',
  'learning_rate',
  'loss',
  'accuracy',
] as const satisfies (keyof StepRow)[];
