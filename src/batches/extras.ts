import type { ExtraSpec } from '../engines/types.js';
import { Random } from '../random.js';

/** What is known of a step where its extras are made. */
export interface StepGiven {
  /** `seeds.data`. */
  seed: number;
  /** Counted from the beginning of the run, from 0. */
  step: number;
  /** Positions in the training set of its examples, [batch]. */
  positions: Uint32Array;
  /** α of mixup. */
  mixup: number;
}

interface Extra extends Omit<ExtraSpec, 'name'> {
  /** A step's: a pure function of what is given. */
  of(given: StepGiven): number | ArrayLike<number>;
}

/** What the host gives a step beside images, labels, masks and learning rate where its program asks for it. */
const ROWS = {
  /** λ of mixup (Zhang et al. 2018): the share of each example in its mixture with its partner, drawn from Beta(α, α). */
  'mixup/share': {
    dtype: 'float32',
    byExample: false,
    of: ({ seed, step, mixup }) => symmetricBeta(new Random(seed, 'mixup/share', step), mixup),
  },
  /** With which example of the batch each is mixed: a permutation. */
  'mixup/partner': {
    dtype: 'int32',
    byExample: true,
    of: ({ seed, step, positions }) =>
      new Random(seed, 'mixup/partner', step).permutation(positions.length),
  },
  /** Which examples of the training set these are: no two of a batch are the same. */
  position: { dtype: 'int32', byExample: true, of: ({ positions }) => positions },
} satisfies Record<string, Extra>;

export type ExtraName = keyof typeof ROWS;
const EXTRAS: Record<ExtraName, Extra> = ROWS;

/** What an engine has to know of them. */
export function extraSpecs(names: readonly ExtraName[]): ExtraSpec[] {
  return names.map((name) => {
    const { dtype, byExample } = EXTRAS[name];
    return { name, dtype, byExample };
  });
}

/** Extras of several steps, end to end, by name. */
export function makeExtras(
  names: readonly ExtraName[],
  steps: readonly StepGiven[],
): Record<string, Float32Array | Int32Array> {
  const made = names.map((name): [string, Float32Array | Int32Array] => {
    const { dtype, of } = EXTRAS[name];
    const numbers = steps.flatMap((given) => {
      const value = of(given);
      return typeof value === 'number' ? [value] : Array.from(value);
    });
    return [name, dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers)];
  });
  return Object.fromEntries(made);
}

/**
 * A number in [0, 1] of Beta(α, α): x/(x + y) with x and y of Gamma(α), by their logarithms, as both are below the smallest
 * double where α is small.
 *
 * @param alpha Above 0.
 */
export function symmetricBeta(random: Random, alpha: number): number {
  const [x, y] = [logGammaAbove(random, alpha), logGammaAbove(random, alpha)];
  // Gamma(α) is Gamma(α + 1)·U^(1/α) (Marsaglia & Tsang 2000, section 6). 1 − U is never 0.
  const [u, v] = [Math.log(1 - random.uniform()), Math.log(1 - random.uniform())];
  return 1 / (1 + Math.exp(y - x + (v - u) / alpha));
}

/** The logarithm of a number of Gamma(α + 1) (Marsaglia & Tsang 2000). */
function logGammaAbove(random: Random, alpha: number): number {
  const d = alpha + 2 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const log = 3 * Math.log(root);
    if (Math.log(1 - random.uniform()) < x ** 2 / 2 + d * (1 - root ** 3 + log)) {
      return Math.log(d) + log;
    }
  }
}
