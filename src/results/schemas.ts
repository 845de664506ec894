import { z } from 'zod';
import { anyNumber } from '../disk/json.js';
import type { TheoryResult } from './theory.js';
import {
  type EpochRow,
  FIT_THRESHOLDS,
  type FirstReached,
  type Progress,
  type RunResult,
  type StepRow,
} from './training.js';

/** What the files of a run directory must look like when they are read back: they may come from a stranger. */

const count = z.int().min(0);

export const epochRowSchema = z.strictObject({
  epoch: count,
  step: count,
  seconds: anyNumber,
  images_per_second: anyNumber,
  learning_rate: anyNumber,
  train_loss: anyNumber,
  train_accuracy: anyNumber,
  test_loss: anyNumber,
  test_accuracy: anyNumber,
  generalization_gap: anyNumber,
  true_label_accuracy: anyNumber,
  corrupted_accuracy: anyNumber.nullable(),
  clean_accuracy: anyNumber.nullable(),
  weight_norm: anyNumber,
  corrupted_test_accuracy: anyNumber.optional(),
  train_top5_accuracy: anyNumber.optional(),
  test_top5_accuracy: anyNumber.optional(),
  best_test_accuracy: anyNumber.optional(),
  best_test_top5_accuracy: anyNumber.optional(),
}) satisfies z.ZodType<EpochRow>;

export const stepRowSchema = z.strictObject({
  step: count,
  epoch: count,
  learning_rate: anyNumber,
  loss: anyNumber,
  accuracy: anyNumber,
}) satisfies z.ZodType<StepRow>;

const firstReachedSchema = z.strictObject({
  epoch: count,
  step: count,
  seconds: anyNumber,
}) satisfies z.ZodType<FirstReached>;

const reachedSchema = z.record(z.enum(FIT_THRESHOLDS), firstReachedSchema.nullable());

export const progressSchema = z.strictObject({
  epoch: count,
  step: count,
  seconds: anyNumber,
  fittedInARow: count,
  reached: reachedSchema,
  best: epochRowSchema.nullable(),
  last: epochRowSchema.nullable(),
  trainSeconds: anyNumber,
  trainImages: anyNumber,
}) satisfies z.ZodType<Progress>;

const engineSchema = z.looseObject({
  name: z.enum(['tensorflow', 'xla', 'wasm']),
  version: z.string(),
  device: z.string(),
  precision: z.enum(['float32', 'bfloat16']),
  mode: z.enum(['eager', 'compiled']),
  threads: z.int().optional(),
  onednn: z.string().optional(),
});

const dataSchema = z.looseObject({
  name: z.string(),
  origin: z.string(),
  hash: z.string(),
  train: count,
  test: count,
  full_train: count,
  full_test: count,
  classes: count,
});

// Loose: a later version may say more of a run, and a report of today can still read it.
export const runResultSchema = z.looseObject({
  name: z.string(),
  config_hash: z.string(),
  outcome: z.enum(['fitted', 'finished', 'diverged', 'interrupted']),
  converged: z.boolean(),
  epochs: count,
  steps: count,
  seconds: anyNumber,
  parameters: count,
  schedule: z.looseObject({ batch_size: count, steps_per_epoch: count, decay_every: count }),
  last: epochRowSchema.nullable(),
  best: epochRowSchema.nullable(),
  reached: reachedSchema,
  diverged_at: count.nullable(),
  engine: engineSchema,
  data: dataSchema,
  label_noise: anyNumber,
}) satisfies z.ZodType<RunResult>;

/** The conditions are checked; the findings are as the experiment wrote them, and only ever shown. */
export const theoryResultSchema = z
  .looseObject({
    name: z.string(),
    config_hash: z.string(),
    experiment: z.enum(['theorem1', 'kernels', 'rademacher', 'linear']),
    outcome: z.literal('finished'),
    seconds: anyNumber,
    engine: engineSchema.nullable(),
    precision: z.enum(['float64', 'float32', 'bfloat16']),
    data: dataSchema,
    label_noise: anyNumber,
  })
  .transform((result) => result as unknown as TheoryResult);
