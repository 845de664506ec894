import { z } from 'zod';
import { KeyError, refuseOthers } from './problems.js';
import { count, fraction, optional, positive } from './values.js';

/** Keys of `model` beside its name: what a row of `MODELS` may have, and what its builder reads. */
export interface ModelKeys {
  /** Sizes of the hidden layers. */
  hidden: number[];
  batchNorm: boolean;
  /** Of the running statistics, per step. */
  batchNormDecay: number;
  batchNormEpsilon: number;
  /** Constants of local response normalization. */
  lrn: { radius: number; bias: number; alpha: number; beta: number };
  /** k of the widths k, 2k, 4k, 8k; only where the model has it, as all that follow. */
  width?: number;
  /** Layers with parameters. */
  depth?: number;
  /** How many times wider than 16, 32, 64. */
  widen?: number;
}

/** The `model` section of a resolved config. */
export interface ModelConfig extends ModelKeys {
  name: ModelName;
}

/** What config, command line, documentation and report know of a model; its layers are in `models/`. */
export interface ModelRow {
  /** The keys that it has, with their defaults; those of others are refused. */
  keys: Partial<ModelKeys>;
  /** Of these, the keys that say how large it is, as an axis names them. */
  sizes: Partial<Record<keyof ModelKeys, string>>;
  /** Default of `train.learningRate`. */
  learningRate: number;
  /** For people; the report knows the paper's networks by it. */
  label: (model: ModelConfig) => string;
  /** Side of the smallest images that leave something to every layer. */
  smallestSide: number;
  /** What it is made for and measured on. */
  images: { side: number; classes: number };
  /** What is wrong with the value of a key, if anything. */
  problem?: (model: ModelConfig) => { key: keyof ModelKeys; is: string } | undefined;
  /** Why its logits are no sum over paths, where they aren't: `measures` have no path norm of it. */
  pathless?: string;
  /** Whether a training step is few, small operations: see `shortSteps` of an engine's context. */
  shortSteps: boolean;
}

/** CIFAR-10's images. */
export const CIFAR = { side: 32, classes: 10 };
/** ImageNet's as Inception V3 takes them. */
const IMAGENET = { side: 299, classes: 1000 };

const BATCH_NORM = { batchNorm: true, batchNormDecay: 0.9, batchNormEpsilon: 1e-3 };
const LRN = { radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 };
const WIDTH = 64;

const ofWidth = ({ width }: ModelConfig) => (width === WIDTH ? '' : `, width ${width}`);
const orWithout = (label: string) => (model: ModelConfig) =>
  model.batchNorm ? label : `${label} w/o BatchNorm`;

/** One row for each model; `BUILDERS` in `models/index.ts` has its layers. */
const ROWS = {
  mlp: {
    keys: { hidden: [512] },
    sizes: { hidden: 'width of the hidden layers' },
    learningRate: 0.01,
    label: ({ hidden }) => mlpLabel(hidden),
    smallestSide: 1,
    images: CIFAR,
    shortSteps: true,
  },
  alexnet: {
    keys: { lrn: LRN },
    sizes: {},
    learningRate: 0.01,
    label: () => 'AlexNet',
    pathless: 'local response normalization divides by what other paths bring',
    smallestSide: 1,
    images: CIFAR,
    shortSteps: false,
  },
  inception: {
    keys: BATCH_NORM,
    sizes: {},
    learningRate: 0.1,
    label: orWithout('Inception'),
    smallestSide: 1,
    images: CIFAR,
    shortSteps: false,
  },
  'inception-v3': {
    keys: BATCH_NORM,
    sizes: {},
    learningRate: 0.1,
    label: orWithout('Inception V3'),
    // Below, the last of its five halvings would have nothing left to halve.
    smallestSide: 75,
    images: IMAGENET,
    shortSteps: false,
  },
  resnet18: {
    keys: { ...BATCH_NORM, width: WIDTH },
    sizes: { width: 'width k' },
    learningRate: 0.1,
    label: (model) => orWithout(`ResNet-18${ofWidth(model)}`)(model),
    smallestSide: 1,
    images: CIFAR,
    shortSteps: false,
  },
  'wide-resnet': {
    keys: { ...BATCH_NORM, depth: 28, widen: 10 },
    sizes: { widen: 'widening factor', depth: 'depth' },
    learningRate: 0.1,
    label: (model) => orWithout(`WRN-${model.depth}-${model.widen}`)(model),
    problem: ({ depth = 0 }) =>
      depth >= 10 && depth % 6 === 4
        ? undefined
        : { key: 'depth', is: `must be 6n + 4 (10, 16, 22, 28, 34, 40 …), and is ${depth}.` },
    smallestSide: 1,
    images: CIFAR,
    shortSteps: false,
  },
  cnn5: {
    keys: { ...BATCH_NORM, width: WIDTH },
    sizes: { width: 'width k' },
    learningRate: 0.1,
    label: (model) => orWithout(`CNN-5${ofWidth(model)}`)(model),
    // It is halved twice.
    smallestSide: 4,
    images: CIFAR,
    shortSteps: false,
  },
} satisfies Record<string, ModelRow>;

export type ModelName = keyof typeof ROWS;
export const MODELS: Record<ModelName, ModelRow> = ROWS;
export const MODEL_NAMES = Object.keys(ROWS) as ModelName[];

/** `linear`, `MLP 3×512`, or `MLP 100-50` where sizes differ. */
function mlpLabel(hidden: number[]): string {
  const [first] = hidden;
  if (first === undefined) return 'linear';
  const isEven = hidden.every((units) => units === first);
  return `MLP ${isEven ? `${hidden.length}×${first}` : hidden.join('-')}`;
}

/** A size of a model as a number: of a list, where all in it are the same; `null` where there is none. */
export function modelSize(model: ModelConfig, key: keyof ModelKeys): number | null {
  const [first, ...others] = [model[key]].flat();
  return typeof first === 'number' && others.every((each) => each === first) ? first : null;
}

/** The models of whose rows something holds. */
export function modelsWhere(holds: (row: ModelRow) => boolean): ModelName[] {
  return MODEL_NAMES.filter((name) => holds(MODELS[name]));
}

/** Whether a model has a key of `model`. */
export function hasModelKey(name: ModelName, key: string): boolean {
  return Object.hasOwn(MODELS[name].keys, key);
}

const ownersOf = (key: keyof ModelKeys) => modelsWhere(({ keys }) => key in keys);

/** `0.01 (mlp, alexnet), 0.1 (inception)`: every value with the models that have it. */
export function byModel(value: (row: ModelRow) => number): string {
  const values = [...new Set(MODEL_NAMES.map((name) => value(MODELS[name])))];
  return values
    .map((one) => `${one} (${modelsWhere((row) => value(row) === one).join(', ')})`)
    .join(', ');
}

/** Of so many classes or fewer, being among the top 5 says little: it is recorded where it is asked for. */
export const FEW_CLASSES = 10;

/** Whether top-5 accuracies are recorded by default: of many classes, or by a network made for many. */
export function recordsTop5(name: ModelName, classes: number): boolean {
  return Math.max(classes, MODELS[name].images.classes) > FEW_CLASSES;
}

/**
 * What a resolved config says of a key that its model hasn't. They have been written, and hashed, since 0.1.0; a key that
 * came later is left out there, so that old runs keep their hashes.
 */
const ABSENT: ModelKeys = {
  hidden: [],
  batchNorm: false,
  batchNormDecay: BATCH_NORM.batchNormDecay,
  batchNormEpsilon: BATCH_NORM.batchNormEpsilon,
  lrn: LRN,
};

/** A key of the models that have it. */
const own = <T extends z.ZodType>(key: keyof ModelKeys, value: T, means: string) =>
  optional(value, `${ownersOf(key).join(', ')}: ${means}`);

/** The `model` section as a person writes it. */
export const modelSchema = z
  .strictObject({
    name: z.enum(MODEL_NAMES).default('inception').describe('Which network.'),
    hidden: own(
      'hidden',
      z.array(count(1_000_000)).max(64),
      `sizes of the hidden layers; default [${ROWS.mlp.keys.hidden}].`,
    ),
    batchNorm: own('batchNorm', z.boolean(), `with BatchNorm; default ${BATCH_NORM.batchNorm}.`),
    batchNormDecay: own(
      'batchNormDecay',
      fraction,
      `decay of the running statistics, per step; default ${BATCH_NORM.batchNormDecay}.`,
    ),
    batchNormEpsilon: own(
      'batchNormEpsilon',
      positive,
      `added to variances; default ${BATCH_NORM.batchNormEpsilon}.`,
    ),
    lrn: own(
      'lrn',
      z.strictObject({
        radius: z.int().min(0).max(64).default(LRN.radius),
        bias: positive.default(LRN.bias),
        alpha: positive.default(LRN.alpha),
        beta: positive.default(LRN.beta),
      }),
      'constants of local response normalization.',
    ),
    width: own('width', count(4096), `k of its stages' widths k, 2k, 4k, 8k; default ${WIDTH}.`),
    depth: own(
      'depth',
      count(1000),
      `its layers, 6n + 4; default ${ROWS['wide-resnet'].keys.depth}.`,
    ),
    widen: own(
      'widen',
      count(1000),
      `how many times wider than ResNet its stages are; default ${ROWS['wide-resnet'].keys.widen}.`,
    ),
  })
  .prefault({});

/**
 * Fills in the defaults of a model.
 *
 * @throws KeyError (`usage`) for a value that the model can't have, and for a key of another model, which would do nothing; `batchNorm: false` is true of those
 *   that have none.
 */
export function resolveModel({ name, ...keys }: z.output<typeof modelSchema>): ModelConfig {
  const given = Object.entries(keys).filter(([, value]) => value !== undefined);
  const written = given.flatMap(([key, value]) => (value === false ? [] : [key]));
  refuseOthers('model', name, written, {
    names: MODEL_NAMES,
    keysOf: (each) => MODELS[each].keys,
  });
  const model = { name, ...ABSENT, ...MODELS[name].keys, ...Object.fromEntries(given) };
  const wrong = MODELS[name].problem?.(model);
  if (wrong !== undefined) throw new KeyError(`model.${wrong.key}`, wrong.is);
  return model;
}

/** The `model` section as a config file would say it: with the keys of its model alone. */
export function portableModel(model: ModelConfig): Record<string, unknown> {
  const { name } = model;
  return Object.fromEntries(
    Object.entries(model).filter(([key]) => key === 'name' || hasModelKey(name, key)),
  );
}
