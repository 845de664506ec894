import * as tf from '@tensorflow/tfjs-core';
import type { TransitionMatrix } from '../corrupt/transition.js';
import { RethinkError } from '../errors.js';
import { softmaxCrossEntropy } from '../models/ops.js';
import type { ExampleLoss } from './types.js';

/** A correction of the loss for label noise (Patrini 2017, sections 4.1 and 4.2). */
export interface Correction {
  kind: 'forward' | 'backward';
  /** T[i][j] = P(noisy = j | true = i), row-stochastic. */
  matrix: TransitionMatrix;
}

/** ln of a probability of 0, near enough: e⁻¹⁰⁰ is below the smallest float32, and differences of logits stay below. */
const LOG_ZERO = -100;

/**
 * With p̂ the softmax and y the noisy label: forward −ln (Tᵀp̂)ᵧ, backward −Σⱼ (T⁻¹)ᵧⱼ·ln p̂ⱼ.
 *
 * @throws RethinkError (`usage`) where T has no inverse (backward) or says that a label never occurs (forward).
 */
export function correctedLoss({ kind, matrix }: Correction): ExampleLoss {
  return kind === 'forward' ? forward(matrix) : backward(matrix);
}

/**
 * −ln Σᵢ p̂ᵢTᵢᵧ is the difference of two cross-entropies, of the logits and of the logits with ln Tᵢᵧ added to each, which
 * neither overflows nor takes the logarithm of 0, and needs nothing that engines do not have fused already.
 */
function forward(matrix: TransitionMatrix): ExampleLoss {
  const classes = matrix.length;
  const never = matrix.findIndex((_, label) => matrix.every((row) => row[label] === 0));
  if (never !== -1) {
    throw new RethinkError(
      'usage',
      `The transition matrix says that label ${never} never occurs.`,
      {
        hint: 'Give a matrix in which each label has a positive probability for some class.',
      },
    );
  }
  const log = (p: number) => Math.max(LOG_ZERO, Math.log(p));
  const byLabel = matrix.map((_, label) => matrix.map((row) => log(row[label]!)));
  const kept = matrix.map((row, i) => log(row[i]!));
  return (logits, labels) => {
    const target = tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D;
    const shift = tf.matMul(target, tf.tensor2d(byLabel));
    const shifted = tf.add(logits, shift) as tf.Tensor2D;
    const own = tf.reshape(tf.matMul(target, tf.tensor2d(kept, [classes, 1])), [-1]);
    const difference = tf.sub(
      softmaxCrossEntropy(logits, labels),
      softmaxCrossEntropy(shifted, labels),
    );
    return tf.sub(difference, own) as tf.Tensor1D;
  };
}

/** As the rows of T⁻¹ sum to 1, Σⱼ Wᵧⱼ·(−ln p̂ⱼ) is the plain cross-entropy and a linear function of the logits. */
function backward(matrix: TransitionMatrix): ExampleLoss {
  const inverse = invert(matrix);
  const weights = inverse.map((row, i) => row.map((w, j) => (i === j ? 1 : 0) - w));
  return (logits, labels) => {
    const target = tf.cast(tf.oneHot(labels, matrix.length), 'float32') as tf.Tensor2D;
    const linear = tf.sum(tf.mul(logits, tf.matMul(target, tf.tensor2d(weights))), 1);
    return tf.add(softmaxCrossEntropy(logits, labels), linear) as tf.Tensor1D;
  };
}

/** Below this a pivot is rounding: what the inverse then says is noise. */
const SMALLEST_PIVOT = 1e-9;

/**
 * The inverse, by elimination with row exchange.
 *
 * @throws RethinkError (`usage`) where there is none.
 */
export function invert(matrix: TransitionMatrix): TransitionMatrix {
  const n = matrix.length;
  const work = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < n; column++) {
    const sizes = work.slice(column).map((row) => Math.abs(row[column]!));
    const pivot = column + sizes.indexOf(Math.max(...sizes));
    if (Math.abs(work[pivot]![column]!) < SMALLEST_PIVOT) throw singular(n);
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    const top = work[column]!.map((x) => x / work[column]![column]!);
    work.forEach((row, i) => {
      work[i] = i === column ? top : row.map((x, j) => x - row[column]! * top[j]!);
    });
  }
  return work.map((row) => row.slice(n));
}

function singular(n: number): RethinkError {
  return new RethinkError(
    'usage',
    `The transition matrix (${n}×${n}) has no inverse, so loss.correction backward is not defined.`,
    {
      hint: 'Labels then say nothing of some classes, as with random labels; forward needs no inverse.',
    },
  );
}
