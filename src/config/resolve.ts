import { deriveSeed } from '../random.js';
import { type CorruptionConfig, resolveCorruption } from './corruptions.js';
import { checkDataKeys } from './datasets.js';
import { type LossConfig, mixes, resolveLoss } from './loss.js';
import { type MemorizationConfig, resolveMemorization } from './memorization.js';
import { MODELS, type ModelConfig, resolveModel } from './models.js';
import { type OptimizerConfig, ownLearningRate, resolveOptimizer } from './optimizer.js';
import { KeyError } from './problems.js';
import { resolveSchedule, type ScheduleConfig } from './schedule.js';
import type { ParsedAugment, ParsedConfig } from './schema.js';
import { checkSinks } from './sinks.js';
import { type ExperimentName, resolveTheory, type TheoryConfig } from './theory.js';

/** Augmentations as a resolved config holds them: what came later is left out where it is 0, so that old hashes hold. */
export type AugmentConfig = Omit<ParsedAugment, Later> & Partial<Pick<ParsedAugment, Later>>;

const LATER = ['resizedCrop', 'brightness', 'contrast', 'saturation', 'hue'] as const;
type Later = (typeof LATER)[number];

/**
 * The config of one run (a trial of a sweep is one run) with every default filled in: what `config.json` holds. Its
 * `experiment` says what comes of it: see `runExperiment`.
 */
export type Config = { [E in ExperimentName]: ConfigOf<E> }[ExperimentName];

/** The config of one kind of experiment. */
export interface ConfigOf<E extends ExperimentName> {
  name: string;
  experiment: E;
  seed: number;
  seeds: { data: number; corruption: number; init: number };
  data: ParsedConfig['data'];
  /** Empty for true data. */
  corruption: CorruptionConfig[];
  model: ModelConfig;
  regularization: {
    weightDecay: number;
    dropout: number;
    augment: AugmentConfig;
    /** α, where batches are mixed. */
    mixup?: number;
  };
  /** Where it isn't the plain cross-entropy. */
  loss?: LossConfig;
  train: Omit<
    ParsedConfig['train'],
    'learningRate' | 'stop' | 'optimizer' | 'schedule' | 'initGain'
  > & {
    learningRate: number;
    /** Where it isn't 1. */
    initGain?: number;
    /** Where it isn't SGD with heavy-ball momentum. */
    optimizer?: OptimizerConfig;
    /** Where it isn't the staircase of `decay` and `decayEvery`. */
    schedule?: ScheduleConfig;
    /** `null`: never stop early. */
    stop: { accuracy: number; patience: number } | null;
  };
  engine: ParsedConfig['engine'];
  record: ParsedConfig['record'];
  /** Where `experiment` is not `train`. */
  theory?: TheoryConfig;
  /** Of `experiment: memorization`, and of one of its networks. */
  memorization?: MemorizationConfig;
}

/**
 * Fills in the defaults that depend on other keys and checks what the schema cannot.
 *
 * @param parsed A config that passed the schema, overrides applied, without a sweep.
 * @param fallbackName The run's name where the config gives none.
 * @throws KeyError (a RethinkError, `usage`) naming the key path.
 */
export function resolveConfig(parsed: ParsedConfig, fallbackName: string): Config {
  const { model } = parsed;
  const { optimizer, schedule, initGain, ...train } = parsed.train;
  const { mixup, ...regularization } = parsed.regularization;
  const loss = resolveLoss(parsed.loss);
  if (mixup > 0 && !mixes(loss.loss)) {
    throw new KeyError(
      'regularization.mixup',
      `is not defined with loss.name ${parsed.loss.name}, which remembers of each image what the network says of it alone.`,
      { hint: 'Leave one of the two out.' },
    );
  }
  checkDataKeys(parsed.data);
  checkSinks(parsed.record.sinks);
  return {
    name: parsed.name ?? fallbackName,
    experiment: parsed.experiment,
    seed: parsed.seed,
    seeds: {
      data: parsed.seeds.data ?? deriveSeed(parsed.seed, 'data'),
      corruption: parsed.seeds.corruption ?? deriveSeed(parsed.seed, 'corruption'),
      init: parsed.seeds.init ?? deriveSeed(parsed.seed, 'init'),
    },
    data: parsed.data,
    corruption: resolveCorruption(parsed.corruption, parsed.data.split?.from),
    model: resolveModel(model),
    regularization: {
      ...regularization,
      augment: resolveAugment(regularization.augment),
      ...(mixup > 0 && { mixup }),
    },
    ...loss,
    train: {
      ...train,
      learningRate:
        train.learningRate ?? ownLearningRate(optimizer.name) ?? MODELS[model.name].learningRate,
      ...resolveOptimizer(optimizer),
      ...resolveSchedule(schedule),
      ...(initGain !== 1 && { initGain }),
      stop:
        train.stop === 'never'
          ? null
          : train.stop === 'fitted'
            ? { accuracy: 1, patience: 2 }
            : train.stop,
    },
    engine: parsed.engine,
    record: parsed.record,
    ...resolveTheory(parsed),
    ...resolveMemorization(parsed.experiment, parsed.memorization),
  };
}

/**
 * What Inception V3's published code does to a training image: a crop of 8 % of it or more, a flip, and colors up to
 * 32 of 255 brighter or darker, up to half more or less contrast and saturation, and up to a fifth of a turn of hue.
 */
const IMAGENET: AugmentConfig = {
  crop: false,
  flip: true,
  rotation: 0,
  resizedCrop: 0.08,
  brightness: 32 / 255,
  contrast: 0.5,
  saturation: 0.5,
  hue: 0.2,
};

/**
 * Writes out the short names of `regularization.augment`.
 *
 * @throws KeyError for two crops at once.
 */
export function resolveAugment(augment: ParsedConfig['regularization']['augment']): AugmentConfig {
  if (augment === 'none') return { crop: false, flip: false, rotation: 0 };
  if (augment === 'crop') return { crop: true, flip: false, rotation: 0 };
  if (augment === 'full') return { crop: true, flip: true, rotation: 25 };
  if (augment === 'imagenet') return { ...IMAGENET };
  const { crop, flip, rotation } = augment;
  if (crop && augment.resizedCrop > 0) {
    throw new KeyError('regularization.augment.resizedCrop', 'cannot be given with crop: true.', {
      hint: 'Choose one: crop has the size of data.crop, resizedCrop is scaled to it.',
    });
  }
  const later = LATER.filter((key) => augment[key] > 0).map((key) => [key, augment[key]] as const);
  return { crop, flip, rotation, ...Object.fromEntries(later) };
}
