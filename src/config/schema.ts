import { z } from 'zod';
import { corruptionSchema } from './corruptions.js';
import { DATASET_NAMES, OWN_NAMES } from './datasets.js';
import { ENGINES, PRECISIONS } from './engines.js';
import { launcherSchema } from './launcher.js';
import { lossSchema } from './loss.js';
import { memorizationSchema } from './memorization.js';
import { byModel, FEW_CLASSES, modelSchema, modelsWhere } from './models.js';
import { optimizerSchema } from './optimizer.js';
import { orList } from './problems.js';
import { scheduleSchema } from './schedule.js';
import { sinksSchema } from './sinks.js';
import { THEORY_EXPERIMENTS, theorySchema } from './theory.js';
import { count, flag, fraction, notNegative, optional, positive, text } from './values.js';

/**
 * The configuration as a person writes it. Strict: an unknown key is an error.
 *
 * A default given here is the same for every model and data set; one that depends on another key (learning rate,
 * BatchNorm, crop) is left out here and filled in by `resolveConfig`, after overrides.
 */

const seed = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const side = z.int().min(4).max(1024);

export const AUGMENTATIONS = ['none', 'crop', 'full', 'imagenet'] as const;
export const EXPERIMENTS = ['train', ...THEORY_EXPERIMENTS] as const;

/** Whose images have any size, can be read one by one and are many. */
const OWN = OWN_NAMES.join(', ');

const dataSchema = z.strictObject({
  name: z.enum(DATASET_NAMES).default('cifar10').describe('Which data set.'),
  dir: optional(text, 'Folder or archive of the data; default: the data folder (see README).'),
  limit: optional(count(), 'Use a seeded, class-balanced subset of this many training examples.'),
  testLimit: optional(count(), 'The same for test examples.'),
  size: optional(
    side,
    `Side in pixels to which images of other sizes are resized (${OWN}); default 32, or that of the packed images.`,
  ),
  crop: optional(
    side,
    "Side of the center crop in pixels; default 28 for 32×32 images (the paper's), else no crop.",
  ),
  split: optional(
    z.strictObject({
      from: z.enum(['train', 'test']).describe('The only half of the data set that is read.'),
      train: count().describe('Examples of it to train on …'),
      test: count().describe('… and others of it to test on.'),
    }),
    'Divide one half of the data set by a seeded draw, and leave the other half alone.',
  ),
  subset: optional(
    z.strictObject({
      synsets: optional(z.array(text).min(2).max(100_000), 'Classes by name; default: all.'),
      classes: optional(z.int().min(2).max(100_000), 'A seeded choice of this many of them.'),
      perClass: optional(count(), 'A seeded choice of this many training images of each class.'),
      testPerClass: optional(count(), 'The same for test images.'),
      seed: seed.default(0).describe('Of the choice.'),
    }),
    `${OWN}: use a part of the classes and of their images.`,
  ),
  stream: optional(
    z.union([z.literal('auto'), z.boolean()]),
    `${OWN}: read images from the disk batch by batch (true), or hold all in memory (false); default auto: hold what fits.`,
  ),
  memory: optional(
    count(),
    'MiB that images held in memory may take, for stream: auto; default: a quarter of what this machine or its container has.',
  ),
});

/** What an augmentation is strong by; 0: not at all. */
const strength = (most: number, means: string) => notNegative.max(most).default(0).describe(means);

const augmentObject = z.strictObject({
  crop: flag(false, 'Random crop of side data.crop instead of the center crop.'),
  flip: flag(false, 'Horizontal flip with probability ½.'),
  rotation: strength(180, 'Largest rotation, in degrees, either way.'),
  resizedCrop: strength(
    1,
    'Random part of the image, of at least this fraction of its area and an aspect from 3:4 to 4:3, scaled to data.crop; 0: none; usual: 0.08.',
  ),
  brightness: strength(
    1,
    'Most that is added to all channels or taken off, as a fraction of full scale.',
  ),
  contrast: strength(1, 'Distances from the mean color are multiplied by 1 − this to 1 + this.'),
  saturation: strength(
    1,
    "Distances from a pixel's own gray are multiplied by 1 − this to 1 + this.",
  ),
  hue: strength(0.5, 'Colors turn about the gray axis by at most this, in turns, either way.'),
});

const stopObject = z.strictObject({
  accuracy: fraction.default(1).describe('Training accuracy to reach …'),
  patience: count().default(2).describe('… this many evaluations in a row.'),
});

const sweepValues = z.array(z.unknown()).min(1);
const sweepKeys = z.record(z.string(), sweepValues);

const sweepSchema = z
  .object({
    grid: optional(sweepKeys, 'Every combination; keys given directly under sweep mean the same.'),
    zip: optional(
      sweepKeys,
      'Lists of one length, walked together: first with first, second with second.',
    ),
    trials: optional(
      z.array(z.record(z.string(), z.unknown())).min(1),
      'Written out: one mapping of keys to values for each.',
    ),
    seeds: optional(count(10_000), 'Repeat everything with this many seeds: seed, seed + 1, …'),
  })
  .catchall(sweepValues)
  .describe(
    'Keys with the values to try, such as `corruption.kind: [none, random-labels]`: a grid, one trial for each combination.',
  );

const regularizationSchema = z.strictObject({
  weightDecay: notNegative
    .default(0)
    .describe(
      'ℓ2 coefficient λ: λ·w is added to the gradient of every weight matrix (not biases); the paper-like value is 0.0005.',
    ),
  dropout: notNegative
    .lt(1)
    .default(0)
    .describe('Probability of dropping a unit that enters a dense layer (not the pixels).'),
  mixup: notNegative
    .default(0)
    .describe(
      "α of mixup (Zhang et al. 2018): each step mixes its whitened images in pairs, λ to 1 − λ with one λ of Beta(α, α), and their losses likewise; 0: none; 1 is its authors' on CIFAR-10.",
    ),
  augment: z
    .union([z.enum(AUGMENTATIONS), augmentObject])
    .default('none')
    .describe(
      'none; crop: random crop; full: crop, flip and rotation up to 25°; imagenet: resized crop, flip and colors; or each by itself.',
    ),
});

const trainSchema = z.strictObject({
  epochs: count(1_000_000).default(100).describe('At most this many.'),
  batchSize: count(65_536).default(128),
  learningRate: optional(
    positive,
    `Default: ${byModel((row) => row.learningRate)}; 0.001 with adam and adamw.`,
  ),
  decay: positive
    .max(1)
    .default(0.95)
    .describe(
      'Schedule staircase: the learning rate is multiplied by this every decayEvery steps.',
    ),
  decayEvery: optional(
    count(),
    'In steps; default floor(full training set / batch size): 390 on CIFAR-10.',
  ),
  momentum: notNegative
    .lt(1)
    .default(0.9)
    .describe('Of sgd: heavy ball, unless train.optimizer.nesterov.'),
  optimizer: optimizerSchema,
  schedule: scheduleSchema,
  initGain: positive
    .default(1)
    .describe(
      'Factor on the standard deviation of all initial weights: √(2/fan-in), and 1/fan-in before the logits.',
    ),
  stop: z
    .union([z.enum(['fitted', 'never']), stopObject])
    .default('fitted')
    .describe('fitted: at 100 % training accuracy twice in a row; never: use all epochs.'),
  evaluateEvery: count().default(1).describe('In epochs.'),
});

const engineSchema = z.strictObject({
  name: z.enum(['auto', ...ENGINES]).default('auto'),
  precision: z
    .enum(PRECISIONS)
    .default('float32')
    .describe('bfloat16: for GPUs, and CPUs with AVX512_BF16 or AMX; on others it is slower.'),
  threads: optional(count(1024), 'CPU threads; default: all.'),
  device: z
    .int()
    .min(0)
    .max(1023)
    .default(0)
    .describe('Index of the GPU, or of the first of several.'),
  devices: optional(
    z.union([count(1024), z.literal('all')]),
    'Of xla: train on this many GPUs at once, from engine.device on, each with its share of every batch; all: on all of them; default: 1.',
  ),
  eager: flag(
    false,
    'Op by op instead of compiled: slow, the reference. With tensorflow it needs a C++ compiler.',
  ),
  deterministic: flag(false, 'Same bits every time on a GPU, at some cost.'),
});

const recordSchema = z.strictObject({
  steps: flag(true, 'Write the loss of every step to steps.csv.'),
  tensorboard: flag(true, 'Write TensorBoard events.'),
  checkpointEvery: z
    .int()
    .min(0)
    .default(1)
    .describe('Epochs between checkpoints; 0: only at the end or when interrupted.'),
  checkpointMinutes: notNegative
    .default(0)
    .describe('Minutes between checkpoints, within an epoch too; 0: none by the clock.'),
  corruptedTestAccuracy: flag(false, 'Also report accuracy against equally corrupted test labels.'),
  examples: flag(
    false,
    'Write loss, margin and prediction of every training example, each evaluated epoch, and their scores at the end (see docs/examples.md).',
  ),
  measures: flag(
    false,
    'At the end, measure what may explain generalization: norms, margins, sharpness (see docs/measures.md).',
  ),
  top5: optional(
    z.boolean(),
    `Also report top-5 and best-so-far accuracies; default: with more than ${FEW_CLASSES} classes or ${orList(modelsWhere(({ images }) => images.classes > FEW_CLASSES))}.`,
  ),
  sinks: sinksSchema,
});

export const configSchema = z.strictObject({
  $schema: optional(z.string(), 'For editors.'),
  name: optional(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/,
        'at most 80 letters, digits, ".", "_" and "-", beginning with a letter or digit',
      ),
    'Names the run directory; default: the name of the config file.',
  ),
  experiment: z
    .enum(EXPERIMENTS)
    .default('train')
    .describe('What to do: train a network, or one of the experiments of the theory (see theory).'),
  seed: seed.default(0).describe('All other seeds are derived from it.'),
  seeds: z
    .strictObject({
      data: optional(seed, 'Subset, order of batches, augmentation, dropout, mixup.'),
      corruption: optional(seed, 'Which labels and pixels are corrupted, and how.'),
      init: optional(seed, 'Initial weights.'),
    })
    .prefault({}),
  data: dataSchema.prefault({}),
  corruption: corruptionSchema,
  model: modelSchema,
  regularization: regularizationSchema.prefault({}),
  loss: lossSchema,
  train: trainSchema.prefault({}),
  engine: engineSchema.prefault({}),
  record: recordSchema.prefault({}),
  theory: theorySchema.optional(),
  memorization: memorizationSchema.optional(),
  sweep: sweepSchema.optional(),
  launcher: launcherSchema.optional(),
});

/** Augmentations one by one, as the schema leaves them. */
export type ParsedAugment = z.output<typeof augmentObject>;

/** A config after parsing, before the defaults that depend on other keys. */
export type ParsedConfig = z.output<typeof configSchema>;
