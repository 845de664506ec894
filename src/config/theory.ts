import { z } from 'zod';
import { KeyError } from './problems.js';
import { count, notNegative, optional, positive } from './values.js';

export const FEATURES = ['pixels', 'gabor', 'random-conv'] as const;
export type FeatureName = (typeof FEATURES)[number];

/** Keys of the experiments of the theory as a person writes them; defaults are filled in by `resolveTheory`. */
export const theorySchema = z
  .strictObject({
    depth: optional(
      z.int().min(2).max(1000),
      'theorem1: layers with weights; default 2. More make it narrower: width about n/(depth − 1).',
    ),
    directions: optional(
      count(1000),
      'theorem1: random directions tried, of which the one with the widest smallest gap is used; default 8.',
    ),
    features: optional(
      z.enum(FEATURES),
      'kernels: what the Gaussian kernel compares; default pixels.',
    ),
    filters: optional(
      count(262_144),
      'kernels: random filters of random-conv; default 2048 (the paper: 32000).',
    ),
    bandwidths: optional(
      z.array(positive).min(1).max(32),
      'kernels: fractions of the median squared distance, of which the best on held-out training data is used; default [0.25, 0.5, 1, 2].',
    ),
    ridge: optional(
      notNegative,
      'kernels: λ of (K + λI)α = y; default 0, the interpolating solution.',
    ),
    draws: optional(
      count(10_000),
      'rademacher: draws of random signs, each with a training of its own; default 3.',
    ),
    delta: optional(
      z.number().gt(0).lt(1),
      'rademacher: probability with which the bounds may fail; default 0.05.',
    ),
    steps: optional(count(100_000_000), 'linear: steps of SGD; default 5000.'),
  })
  .describe(
    'Experiments that train no network, or none for its own sake; each key names its experiment.',
  );

type ParsedTheory = z.output<typeof theorySchema>;

/** Every key of `theory` with its default; what does not belong to the experiment is left as it is by default. */
export type TheoryConfig = { [K in keyof ParsedTheory]-?: NonNullable<ParsedTheory[K]> };

const DEFAULTS: TheoryConfig = {
  depth: 2,
  directions: 8,
  features: 'pixels',
  filters: 2048,
  bandwidths: [0.25, 0.5, 1, 2],
  ridge: 0,
  draws: 3,
  delta: 0.05,
  steps: 5000,
};

/** All that is known of an experiment of the theory without running it. */
export interface ExperimentRow {
  /** Its keys of the section `theory`. */
  keys: readonly (keyof TheoryConfig)[];
  /**
   * What it computes with: any engine, in that engine's precision; one that has doubles; `null`: JavaScript's own
   * doubles, so no engine has to be had.
   */
  engine: 'any' | 'doubles' | null;
  /** Whether it trains the network of the section `model`. */
  trains: boolean;
  /** Whether it needs the images in memory, or not even one of them. */
  images: 'memory' | 'none';
}

/** The experiments of the theory. */
const ROWS = {
  theorem1: {
    keys: ['depth', 'directions'],
    engine: null,
    trains: false,
    images: 'memory',
  },
  kernels: {
    keys: ['features', 'filters', 'bandwidths', 'ridge'],
    engine: 'doubles',
    trains: false,
    images: 'memory',
  },
  rademacher: { keys: ['draws', 'delta'], engine: 'any', trains: true, images: 'memory' },
  linear: { keys: ['steps'], engine: null, trains: false, images: 'memory' },
  // Its networks are trainings of their own: see config/memorization.ts.
  memorization: { keys: [], engine: null, trains: true, images: 'none' },
} as const satisfies Record<string, ExperimentRow>;

export type TheoryExperiment = keyof typeof ROWS;
export const THEORY_EXPERIMENTS = Object.keys(ROWS) as TheoryExperiment[];

/** What a config can ask for: to train a network, or an experiment of the theory. */
export type ExperimentName = 'train' | TheoryExperiment;

/** What an experiment computes with: a training with any engine. */
export function engineNeeded(experiment: ExperimentName): ExperimentRow['engine'] {
  return experiment === 'train' ? 'any' : ROWS[experiment].engine;
}

/** Whether an experiment trains the network of the section `model`. */
export function trainsNetwork(experiment: ExperimentName): boolean {
  return experiment === 'train' || ROWS[experiment].trains;
}

/** Whether an experiment of the theory needs the images in memory. */
export function needsImages(experiment: TheoryExperiment): boolean {
  return (ROWS[experiment] as ExperimentRow).images === 'memory';
}

/** Whether a key of the section `theory` is one of the config's experiment. */
export function hasTheoryKey({ experiment }: Given<unknown>, key: keyof TheoryConfig): boolean {
  return experiment !== 'train' && (ROWS[experiment] as ExperimentRow).keys.includes(key);
}

/** An experiment and the `theory` section that stands beside it. */
interface Given<T> {
  experiment: ExperimentName;
  theory?: T | undefined;
}

/**
 * The `theory` section of a resolved config; nothing for `experiment: train`.
 *
 * @throws KeyError (`usage`) for a key of another experiment, which would silently do nothing.
 */
export function resolveTheory({ experiment, theory = {} }: Given<ParsedTheory>): {
  theory?: TheoryConfig;
} {
  const given = Object.entries(theory).filter(([, value]) => value !== undefined);
  const allowed: string[] = keysOf(experiment, theory.features ?? DEFAULTS.features);
  for (const [key] of given) {
    if (!allowed.includes(key)) throw new KeyError(`theory.${key}`, ownerOf(key, experiment));
  }
  if (experiment === 'train') return {};
  return { theory: { ...DEFAULTS, ...Object.fromEntries(given) } };
}

/** The `theory` section as a config file would say it: with the keys of its experiment alone. */
export function portableTheory({ experiment, theory }: Given<TheoryConfig>): {
  theory?: Partial<TheoryConfig>;
} {
  if (theory === undefined) return {};
  const own = keysOf(experiment, theory.features);
  return { theory: Object.fromEntries(own.map((key) => [key, theory[key]])) };
}

function keysOf(experiment: ExperimentName, features: FeatureName): (keyof TheoryConfig)[] {
  if (experiment === 'train') return [];
  const keys: readonly (keyof TheoryConfig)[] = ROWS[experiment].keys;
  return features === 'random-conv' ? [...keys] : keys.filter((key) => key !== 'filters');
}

function ownerOf(key: string, experiment: ExperimentName): string {
  const owner = Object.entries(ROWS).find(([, { keys }]) =>
    (keys as readonly string[]).includes(key),
  )?.[0];
  if (owner === experiment) return 'is for theory.features=random-conv.';
  return `is for experiment ${owner}, and experiment is ${experiment}.`;
}
