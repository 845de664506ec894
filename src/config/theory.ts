import { KeyError } from './problems.js';
import type { Config } from './resolve.js';
import type { ParsedConfig } from './schema.js';
import type { FeatureName } from './theory-schema.js';

/** Every key of `theory` with its default; what does not belong to the experiment is left as it is by default. */
export interface TheoryConfig {
  depth: number;
  directions: number;
  features: FeatureName;
  filters: number;
  bandwidths: number[];
  ridge: number;
  draws: number;
  delta: number;
  steps: number;
}

export type TheoryExperiment = Exclude<ParsedConfig['experiment'], 'train'>;

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

const KEYS: Record<TheoryExperiment, (keyof TheoryConfig)[]> = {
  theorem1: ['depth', 'directions'],
  kernels: ['features', 'filters', 'bandwidths', 'ridge'],
  rademacher: ['draws', 'delta'],
  linear: ['steps'],
};

/**
 * The `theory` section of a resolved config; nothing for `experiment: train`.
 *
 * @throws KeyError (`usage`) for a key of another experiment, which would silently do nothing.
 */
export function resolveTheory({ experiment, theory = {} }: ParsedConfig): {
  theory?: TheoryConfig;
} {
  const given = Object.entries(theory).filter(([, value]) => value !== undefined);
  const allowed: string[] = keysOf({ experiment, features: theory.features ?? DEFAULTS.features });
  for (const [key] of given) {
    if (!allowed.includes(key)) throw new KeyError(`theory.${key}`, ownerOf(key, experiment));
  }
  if (experiment === 'train') return {};
  return { theory: { ...DEFAULTS, ...Object.fromEntries(given) } };
}

/** The `theory` section as a config file would say it: with the keys of its experiment alone. */
export function portableTheory({ experiment, theory }: Config): {
  theory?: Partial<TheoryConfig>;
} {
  if (theory === undefined) return {};
  const own = keysOf({ experiment, features: theory.features });
  return { theory: Object.fromEntries(own.map((key) => [key, theory[key]])) };
}

function keysOf(given: {
  experiment: Config['experiment'];
  features: FeatureName;
}): (keyof TheoryConfig)[] {
  if (given.experiment === 'train') return [];
  const keys = KEYS[given.experiment];
  return given.features === 'random-conv' ? keys : keys.filter((key) => key !== 'filters');
}

function ownerOf(key: string, experiment: Config['experiment']): string {
  const owner = Object.entries(KEYS).find(([, keys]) => (keys as string[]).includes(key))?.[0];
  if (owner === experiment) return 'is for theory.features=random-conv.';
  return `is for experiment ${owner}, and experiment is ${experiment}.`;
}
