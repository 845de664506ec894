import type { CorruptionConfig } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { MISTAKEN_FOR } from './asymmetric.js';

/** T[i][j] = P(noisy label = j | true label = i); every row sums to 1 (Patrini 2017). */
export type TransitionMatrix = number[][];

/**
 * The matrix that a list of corruptions stands for: the product, in order, of one symmetric matrix for each label
 * corruption, or that of CIFAR-10's mistaken classes. Pixel corruptions leave labels alone. Labels from a file follow no
 * law: {@link empiricalTransition} counts them.
 */
export function transitionMatrix(
  corruptions: readonly CorruptionConfig[],
  classes: number,
): TransitionMatrix {
  return corruptions.reduce(
    (before, corruption) => multiply(before, matrixOf(corruption, classes)),
    symmetric(1, classes),
  );
}

function matrixOf(corruption: CorruptionConfig, classes: number): TransitionMatrix {
  const { kind, fraction } = corruption;
  if (kind !== 'asymmetric-flips') return symmetric(keepProbability(corruption, classes), classes);
  return square(classes, (i, j) => {
    const moved = MISTAKEN_FOR[i] === j ? fraction : 0;
    return moved + (i === j ? 1 - fraction : 0);
  });
}

/** Probability that a label comes out as it was. */
function keepProbability({ kind, fraction }: CorruptionConfig, classes: number): number {
  switch (kind) {
    case 'partial-labels':
      return 1 - fraction + fraction / classes;
    case 'random-labels':
      return 1 / classes;
    case 'flip-labels':
      return 1 - fraction;
    default:
      return 1;
  }
}

/** `keep` on the diagonal, the rest spread evenly over the other classes. */
function symmetric(keep: number, classes: number): TransitionMatrix {
  const other = classes > 1 ? (1 - keep) / (classes - 1) : 0;
  return square(classes, (i, j) => (i === j ? keep : other));
}

function multiply(a: TransitionMatrix, b: TransitionMatrix): TransitionMatrix {
  return square(a.length, (i, j) => a[i]!.reduce((sum, x, k) => sum + x * b[k]![j]!, 0));
}

/**
 * The matrix counted from pairs of labels.
 *
 * @param trueLabels [count]. @param noisyLabels [count], in the same order.
 * @throws RethinkError (`data`) for a class of which there is no example: its row can't be known.
 */
export function empiricalTransition(
  trueLabels: ArrayLike<number>,
  noisyLabels: ArrayLike<number>,
  classes: number,
): TransitionMatrix {
  const counts = square(classes, () => 0);
  for (let i = 0; i < trueLabels.length; i++) counts[trueLabels[i]!]![noisyLabels[i]!]!++;
  return counts.map((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    if (total === 0) {
      throw new RethinkError(
        'data',
        `No example of class ${label} is there, so how its labels change can't be measured.`,
        { hint: 'Use a subset (data.limit) that holds every class.' },
      );
    }
    return row.map((count) => count / total);
  });
}

function square(classes: number, entry: (i: number, j: number) => number): TransitionMatrix {
  return Array.from({ length: classes }, (_, i) =>
    Array.from({ length: classes }, (_, j) => entry(i, j)),
  );
}
