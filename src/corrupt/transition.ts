import { RethinkError } from '../errors.js';

/** T[i][j] = P(noisy label = j | true label = i); every row sums to 1 (Patrini 2017). */
export type TransitionMatrix = number[][];

/** `keep` on the diagonal, the rest spread evenly over the other classes. */
export function symmetric(keep: number, classes: number): TransitionMatrix {
  const other = classes > 1 ? (1 - keep) / (classes - 1) : 0;
  return square(classes, (i, j) => (i === j ? keep : other));
}

/** a · b: what `a` and then `b` do. */
export function multiply(a: TransitionMatrix, b: TransitionMatrix): TransitionMatrix {
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
        { hint: 'Use a training set that holds every class.' },
      );
    }
    return row.map((count) => count / total);
  });
}

/** A matrix [classes, classes] by its entries. */
export function square(classes: number, entry: (i: number, j: number) => number): TransitionMatrix {
  return Array.from({ length: classes }, (_, i) =>
    Array.from({ length: classes }, (_, j) => entry(i, j)),
  );
}
