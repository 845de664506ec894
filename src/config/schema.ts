import { z } from 'zod';
import { corruptionSchema } from './corruptions.js';
import { DATASET_NAMES, OWN_NAMES } from './datasets.js';
import { ENGINES, PRECISIONS } from './engines.js';
import { lossSchema } from './loss.js';
import { byModel, FEW_CLASSES, modelSchema, modelsWhere } from './models.js';
import { orList } from './problems.js';
import { THEORY_EXPERIMENTS, theorySchema } from './theory.js';

/**
 * The configuration as a person writes it. Strict: an unknown key is an error.
 *
 * A default given here is the same for every model and data set; one that depends on another key (learning rate,
 * BatchNorm, crop) is left out here and filled in by `resolveConfig`, after overrides.
 */

const seed = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const fraction = z.number().min(0).max(1);

export const AUGMENTATIONS = ['none', 'crop', 'full', 'imagenet'] as const;
export const EXPERIMENTS = ['train', ...THEORY_EXPERIMENTS] as const;

/** Whose images have any size, can be read one by one and are many. */
const OWN = OWN_NAMES.join(', ');

const dataSchema = z.strictObject({
  name: z.enum(DATASET_NAMES).default('cifar10').describe('Which data set.'),
  dir: z
    .string()
    .min(1)
    .optional()
    .describe('Folder or archive of the data; default: the data folder (see README).'),
  limit: z
    .int()
    .min(1)
    .optional()
    .describe('Use a seeded, class-balanced subset of this many training examples.'),
  testLimit: z.int().min(1).optional().describe('The same for test examples.'),
  size: z
    .int()
    .min(4)
    .max(1024)
    .optional()
    .describe(
      `Side in pixels to which images of other sizes are resized (${OWN}); default 32, or that of the packed images.`,
    ),
  crop: z
    .int()
    .min(4)
    .max(1024)
    .optional()
    .describe(
      "Side of the center crop in pixels; default 28 for 32×32 images (the paper's), else no crop.",
    ),
  split: z
    .strictObject({
      from: z.enum(['train', 'test']).describe('The only half of the data set that is read.'),
      train: z.int().min(1).describe('Examples of it to train on …'),
      test: z.int().min(1).describe('… and others of it to test on.'),
    })
    .optional()
    .describe('Divide one half of the data set by a seeded draw, and leave the other half alone.'),
  subset: z
    .strictObject({
      synsets: z
        .array(z.string().min(1))
        .min(2)
        .max(100_000)
        .optional()
        .describe('Classes by name; default: all.'),
      classes: z
        .int()
        .min(2)
        .max(100_000)
        .optional()
        .describe('A seeded choice of this many of them.'),
      perClass: z
        .int()
        .min(1)
        .optional()
        .describe('A seeded choice of this many training images of each class.'),
      testPerClass: z.int().min(1).optional().describe('The same for test images.'),
      seed: seed.default(0).describe('Of the choice.'),
    })
    .optional()
    .describe(`${OWN}: use a part of the classes and of their images.`),
  stream: z
    .union([z.literal('auto'), z.boolean()])
    .optional()
    .describe(
      `${OWN}: read images from the disk batch by batch (true), or hold all in memory (false); default auto: hold what fits.`,
    ),
  memory: z
    .int()
    .min(1)
    .optional()
    .describe(
      'MiB that images held in memory may take, for stream: auto; default: a quarter of what this machine or its container has.',
    ),
});

const augmentObject = z.strictObject({
  crop: z
    .boolean()
    .default(false)
    .describe('Random crop of side data.crop instead of the center crop.'),
  flip: z.boolean().default(false).describe('Horizontal flip with probability ½.'),
  rotation: z
    .number()
    .min(0)
    .max(180)
    .default(0)
    .describe('Largest rotation, in degrees, either way.'),
  resizedCrop: fraction
    .default(0)
    .describe(
      'Random part of the image, of at least this fraction of its area and an aspect from 3:4 to 4:3, scaled to data.crop; 0: none; usual: 0.08.',
    ),
  brightness: fraction
    .default(0)
    .describe('Most that is added to all channels or taken off, as a fraction of full scale.'),
  contrast: fraction
    .default(0)
    .describe('Distances from the mean color are multiplied by 1 − this to 1 + this.'),
  saturation: fraction
    .default(0)
    .describe("Distances from a pixel's own gray are multiplied by 1 − this to 1 + this."),
  hue: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe('Colors turn about the gray axis by at most this, in turns, either way.'),
});

const stopObject = z.strictObject({
  accuracy: fraction.default(1).describe('Training accuracy to reach …'),
  patience: z.int().min(1).default(2).describe('… this many evaluations in a row.'),
});

const sweepValues = z.array(z.unknown()).min(1);

const sweepSchema = z
  .object({
    grid: z
      .record(z.string(), sweepValues)
      .optional()
      .describe('Every combination; keys given directly under sweep mean the same.'),
    zip: z
      .record(z.string(), sweepValues)
      .optional()
      .describe('Lists of one length, walked together: first with first, second with second.'),
    trials: z
      .array(z.record(z.string(), z.unknown()))
      .min(1)
      .optional()
      .describe('Written out: one mapping of keys to values for each.'),
    seeds: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Repeat everything with this many seeds: seed, seed + 1, …'),
  })
  .catchall(sweepValues)
  .describe(
    'Keys with the values to try, such as `corruption.kind: [none, random-labels]`: a grid, one trial for each combination.',
  );

export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors.'),
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/,
      'at most 80 letters, digits, ".", "_" and "-", beginning with a letter or digit',
    )
    .optional()
    .describe('Names the run directory; default: the name of the config file.'),
  experiment: z
    .enum(EXPERIMENTS)
    .default('train')
    .describe('What to do: train a network, or one of the experiments of the theory (see theory).'),
  seed: seed.default(0).describe('All other seeds are derived from it.'),
  seeds: z
    .strictObject({
      data: seed.optional().describe('Subset, order of batches, augmentation, dropout.'),
      corruption: seed.optional().describe('Which labels and pixels are corrupted, and how.'),
      init: seed.optional().describe('Initial weights.'),
    })
    .prefault({}),
  data: dataSchema.prefault({}),
  corruption: corruptionSchema,
  model: modelSchema,
  regularization: z
    .strictObject({
      weightDecay: z
        .number()
        .min(0)
        .default(0)
        .describe(
          'ℓ2 coefficient λ: λ·w is added to the gradient of every weight matrix (not biases); the paper-like value is 0.0005.',
        ),
      dropout: z
        .number()
        .min(0)
        .lt(1)
        .default(0)
        .describe('Probability of dropping a unit that enters a dense layer (not the pixels).'),
      augment: z
        .union([z.enum(AUGMENTATIONS), augmentObject])
        .default('none')
        .describe(
          'none; crop: random crop; full: crop, flip and rotation up to 25°; imagenet: resized crop, flip and colors; or each by itself.',
        ),
    })
    .prefault({}),
  loss: lossSchema,
  train: z
    .strictObject({
      epochs: z.int().min(1).max(1_000_000).default(100).describe('At most this many.'),
      batchSize: z.int().min(1).max(65_536).default(128),
      learningRate: z
        .number()
        .positive()
        .optional()
        .describe(`Default: ${byModel((row) => row.learningRate)}.`),
      decay: z
        .number()
        .positive()
        .max(1)
        .default(0.95)
        .describe('The learning rate is multiplied by this every decayEvery steps.'),
      decayEvery: z
        .int()
        .min(1)
        .optional()
        .describe('In steps; default floor(full training set / batch size): 390 on CIFAR-10.'),
      momentum: z.number().min(0).lt(1).default(0.9).describe('Heavy ball, not Nesterov.'),
      stop: z
        .union([z.enum(['fitted', 'never']), stopObject])
        .default('fitted')
        .describe('fitted: at 100 % training accuracy twice in a row; never: use all epochs.'),
      evaluateEvery: z.int().min(1).default(1).describe('In epochs.'),
    })
    .prefault({}),
  engine: z
    .strictObject({
      name: z.enum(['auto', ...ENGINES]).default('auto'),
      precision: z
        .enum(PRECISIONS)
        .default('float32')
        .describe('bfloat16: for GPUs, and CPUs with AVX512_BF16 or AMX; on others it is slower.'),
      threads: z.int().min(1).max(1024).optional().describe('CPU threads; default: all.'),
      device: z.int().min(0).max(1023).default(0).describe('Index of the GPU.'),
      eager: z
        .boolean()
        .default(false)
        .describe('Op by op instead of compiled: slow, the reference.'),
      deterministic: z
        .boolean()
        .default(false)
        .describe('Same bits every time on a GPU, at some cost.'),
    })
    .prefault({}),
  record: z
    .strictObject({
      steps: z.boolean().default(true).describe('Write the loss of every step to steps.csv.'),
      tensorboard: z.boolean().default(true).describe('Write TensorBoard events.'),
      checkpointEvery: z
        .int()
        .min(0)
        .default(1)
        .describe('Epochs between checkpoints; 0: only at the end or when interrupted.'),
      checkpointMinutes: z
        .number()
        .min(0)
        .default(0)
        .describe('Minutes between checkpoints, within an epoch too; 0: none by the clock.'),
      corruptedTestAccuracy: z
        .boolean()
        .default(false)
        .describe('Also report accuracy against equally corrupted test labels.'),
      top5: z
        .boolean()
        .optional()
        .describe(
          `Also report top-5 and best-so-far accuracies; default: with more than ${FEW_CLASSES} classes or ${orList(modelsWhere(({ images }) => images.classes > FEW_CLASSES))}.`,
        ),
    })
    .prefault({}),
  theory: theorySchema.optional(),
  sweep: sweepSchema.optional(),
});

/** A config after parsing, before the defaults that depend on other keys. */
export type ParsedConfig = z.output<typeof configSchema>;
