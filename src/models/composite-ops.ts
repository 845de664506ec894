import * as tf from '@tensorflow/tfjs-core';
import type { ModelKeys } from '../config/models.js';

/** Operations that every engine computes from the same smaller ones; `ops.ts` has those with fused kernels. */

/**
 * 3×3 average pooling of stride 1, SAME: the mean over those elements of the window that lie inside the image.
 *
 * The gradient is the pool's adjoint, which for windows that lie evenly about their element is a pool again. tfjs' own
 * divides by 9 at the borders, too, where fewer elements were averaged.
 *
 * @param x [batch, height, width, channels].
 */
export function averagePool3x3(x: tf.Tensor4D): tf.Tensor4D {
  const op = tf.customGrad((input) => {
    const value = tf.avgPool(input as tf.Tensor4D, 3, 1, 'same');
    const gradFunc = (dy: tf.Tensor) => {
      const counts = windowCounts(x.shape[1], x.shape[2]);
      const share = tf.div(dy, counts) as tf.Tensor4D;
      return tf.mul(tf.avgPool(share, 3, 1, 'same'), counts);
    };
    return { value, gradFunc };
  });
  return op(x) as tf.Tensor4D;
}

/** How many elements of each 3×3 window lie inside the image, [1, height, width, 1]. */
function windowCounts(height: number, width: number): tf.Tensor4D {
  const inside = (at: number, side: number) => Math.min(at + 1, side - 1) - Math.max(at - 1, 0) + 1;
  const counts = Float32Array.from(
    { length: height * width },
    (_, i) => inside(Math.floor(i / width), height) * inside(i % width, width),
  );
  return tf.tensor4d(counts, [1, height, width, 1]);
}

/**
 * How many classes come before the label in the order of logits, the greatest first and of equal ones the class with the
 * smaller number (as `argMax` takes them): 0 where the label is predicted, below 5 where it is among the top 5. A label
 * whose logit is NaN comes after all classes.
 *
 * @param logits [batch, classes].
 * @param labels [batch], int32.
 * @returns [batch], int32.
 */
export function labelRank(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const classes = logits.shape[1];
  const number = classNumbers(classes);
  const column = tf.expandDims(labels, 1);
  const isLabel = tf.equal(number, column);
  const own = tf.sum(tf.where(isLabel, logits, tf.zerosLike(logits)), 1, true);
  const isEqual = tf.logicalAnd(tf.equal(logits, own), tf.greaterEqual(number, column));
  // Counted from behind, the label itself among them: a NaN is greater than nothing and equal to nothing.
  const notBefore = tf.logicalOr(tf.less(logits, own), isEqual);
  const count = tf.sum(tf.cast(notBefore, 'int32'), 1);
  return tf.sub(tf.scalar(classes, 'int32'), count) as tf.Tensor1D;
}

/** Below every logit. */
const LEAST_FLOAT = -3.4028234663852886e38;

/**
 * The margin of each example: the logit of its label minus the greatest of the others (Pleiss 2020, section 3.1).
 *
 * @param logits [batch, classes].
 * @param labels [batch], int32.
 * @returns [batch].
 */
export function labelMargin(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const isLabel = tf.equal(classNumbers(logits.shape[1]), tf.expandDims(labels, 1));
  const own = tf.sum(tf.where(isLabel, logits, tf.zerosLike(logits)), 1);
  const others = tf.max(tf.where(isLabel, tf.fill(logits.shape, LEAST_FLOAT), logits), 1);
  return tf.sub(own, others) as tf.Tensor1D;
}

/** 0, 1, …, as a row: [1, classes]. */
function classNumbers(classes: number): tf.Tensor2D {
  return tf.tensor2d(
    Int32Array.from({ length: classes }, (_, i) => i),
    [1, classes],
  );
}

/**
 * Local response normalization across channels (Krizhevsky 2012, section 3.3):
 * y = x / (bias + alpha · Σ of x² over the window of 2·radius + 1 channels)^beta.
 *
 * The window sum is a product with a banded 0/1 matrix: it runs on the fast matrix kernels everywhere, where the native
 * operation is single-threaded and raises to a power element by element.
 *
 * @param x [batch, height, width, channels].
 */
export function localResponseNormalization(
  x: tf.Tensor4D,
  { radius, bias, alpha, beta }: ModelKeys['lrn'],
): tf.Tensor4D {
  const channels = x.shape[3];
  const band = bandMatrix(channels, radius);
  const windowSum = (t: tf.Tensor, matrix: tf.Tensor2D) =>
    tf.reshape(tf.matMul(tf.reshape(t, [-1, channels]) as tf.Tensor2D, matrix), x.shape);

  const op = tf.customGrad((input, matrix, save) => {
    const inputs = input as tf.Tensor4D;
    const window = matrix as tf.Tensor2D;
    const norm = tf.add(tf.mul(windowSum(tf.square(inputs), window), alpha), bias);
    const factor = negativePower(norm, beta);
    const y = tf.mul(inputs, factor);
    (save as tf.GradSaveFunc)([inputs, y, norm, factor, window]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x0, y0, norm0, factor0, window0] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor2D,
      ];
      const spread = windowSum(tf.div(tf.mul(dy, y0), norm0), window0);
      const dx = tf.sub(tf.mul(dy, factor0), tf.mul(tf.mul(x0, 2 * alpha * beta), spread));
      return [dx, tf.zerosLike(window0)];
    };
    return { value: y, gradFunc };
  });
  return op(x, band) as tf.Tensor4D;
}

/** x^(−beta) for positive x; the usual 0.75 without a power function: x^(−1/2) · x^(−1/4). */
function negativePower(x: tf.Tensor, beta: number): tf.Tensor {
  if (beta !== 0.75) return tf.pow(x, tf.scalar(-beta));
  const root = tf.rsqrt(x);
  return tf.mul(root, tf.sqrt(root));
}

/** [channels, channels], 1 where |row − column| ≤ radius. */
function bandMatrix(channels: number, radius: number): tf.Tensor2D {
  const values = new Float32Array(channels * channels);
  for (let row = 0; row < channels; row++) {
    const last = Math.min(channels - 1, row + radius);
    for (let column = Math.max(0, row - radius); column <= last; column++) {
      values[row * channels + column] = 1;
    }
  }
  return tf.tensor2d(values, [channels, channels]);
}
