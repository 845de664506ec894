import { andList } from '../config/problems.js';
import { CIFAR10_CLASSES, CIFAR100_CLASSES, CIFAR100_COARSE } from '../data/published/classes.js';
import { RethinkError } from '../errors.js';
import type { Random } from '../random.js';
import { square, symmetric, type TransitionMatrix } from './transition.js';

/** How labels change that are drawn one by one, in a way that depends on nothing but their class. */
export interface LabelLaw {
  /** Names its random numbers: those of `labels/STREAM/SPLIT`. */
  stream: string;
  /** The class that replaces an example's. Its draws don't depend on `fraction`. */
  replace(random: Random, label: number): number;
  /** T, where each example is drawn with probability `fraction`. */
  transition(fraction: number): TransitionMatrix;
}

/**
 * A law for some classes.
 *
 * @throws RethinkError (`usage`) where it isn't defined for them.
 */
export type LawOf = (kind: string, classes: readonly string[]) => LabelLaw;

/** A class uniform over all classes, the example's own among them (Zhang2017, section 2). */
export const uniform: LawOf = (_, { length: n }) => ({
  stream: 'replace',
  replace: (random) => random.integer(n),
  transition: (fraction) => symmetric(1 - fraction + fraction / n, n),
});

/** Every other class alike. */
export const toAnyOther: LawOf = (kind, classes) => {
  const n = atLeastTwo(kind, classes);
  return {
    stream: 'flip',
    replace(random, label) {
      const other = random.integer(n - 1);
      return other < label ? other : other + 1;
    },
    transition: (fraction) => symmetric(1 - fraction, n),
  };
};

/** A class is only ever taken for the one that comes next (pair flips of Han et al. 2018, Co-teaching). */
export const toNext: LawOf = (kind, classes) => {
  const n = atLeastTwo(kind, classes);
  return toOneOther(
    'pair',
    classes.map((_, label) => (label + 1) % n),
  );
};

/** Classes of CIFAR-10 that people mistake for others (Patrini 2017): truck → automobile, cat ↔ dog … */
const CIFAR10_MISTAKES: Record<string, string> = {
  truck: 'automobile',
  bird: 'airplane',
  cat: 'dog',
  dog: 'cat',
  deer: 'horse',
};

/** For each class the one that it is taken for, itself where it never is, where the field has agreed on it. */
const MISTAKEN = [
  {
    dataset: 'CIFAR-10',
    classes: CIFAR10_CLASSES,
    for: CIFAR10_CLASSES.map((name) => CIFAR10_CLASSES.indexOf(CIFAR10_MISTAKES[name] ?? name)),
  },
  {
    dataset: 'CIFAR-100',
    classes: CIFAR100_CLASSES,
    // The next class of its superclass, the last one's is the first (Patrini 2017; Zhang & Sabuncu 2018).
    for: CIFAR100_COARSE.map((coarse, label) => {
      const next = CIFAR100_COARSE.indexOf(coarse, label + 1);
      return next < 0 ? CIFAR100_COARSE.indexOf(coarse) : next;
    }),
  },
];

export const toTheMistaken: LawOf = (kind, classes) => {
  const same = (known: readonly string[]) =>
    known.length === classes.length && known.every((name, i) => name === classes[i]);
  const found = MISTAKEN.find((each) => same(each.classes));
  if (found !== undefined) return toOneOther('asymmetric', found.for);
  const first = classes.slice(0, 3).join(', ');
  const known = andList(MISTAKEN.map(({ dataset }) => dataset));
  throw new RethinkError(
    'usage',
    `${kind} is defined on the classes of ${known}, not on ${classes.length} classes (${first}, …).`,
    { hint: 'Use pair-flips, or a matrix of your own: corruption.kind=transition-matrix.' },
  );
};

/**
 * Row i of a matrix for class i.
 *
 * @param matrix [classes, classes], rows sum to 1.
 */
export function byMatrix(stream: string, matrix: TransitionMatrix): LabelLaw {
  return {
    stream,
    replace: (random, label) => drawFrom(matrix[label]!, random.uniform()),
    transition: (fraction) =>
      square(matrix.length, (i, j) => fraction * matrix[i]![j]! + (i === j ? 1 - fraction : 0)),
  };
}

/**
 * The class that a uniform number stands for.
 *
 * @param weights Of each class, at least 0, in sum `total`: what has none is never drawn. @param uniform In [0, 1).
 */
export function drawFrom(weights: ArrayLike<number>, uniform: number, total = 1): number {
  let rest = uniform * total;
  let last = 0;
  for (let label = 0; label < weights.length; label++) {
    const weight = weights[label]!;
    if (weight === 0) continue;
    rest -= weight;
    if (rest < 0) return label;
    last = label;
  }
  // Rounding left a hair of the last one.
  return last;
}

/** A class that is drawn always becomes the same other one. */
function toOneOther(stream: string, others: readonly number[]): LabelLaw {
  return {
    stream,
    replace: (_, label) => others[label]!,
    transition: (fraction) =>
      square(others.length, (i, j) => {
        const moved = others[i] === j ? fraction : 0;
        return moved + (i === j ? 1 - fraction : 0);
      }),
  };
}

/** How many classes there are, where a label needs another one to become. */
export function atLeastTwo(kind: string, { length }: readonly string[]): number {
  if (length >= 2) return length;
  throw new RethinkError('usage', `${kind} needs at least 2 classes, and the data has ${length}.`);
}
