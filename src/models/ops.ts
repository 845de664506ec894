import * as tf from '@tensorflow/tfjs-core';

/**
 * Operations for which some engines have one fused native kernel. Each is one function with a portable composite; an
 * engine that registers the kernel named here for its tfjs backend (the tracer does so, too) gets its own version.
 */

/** x, scale, offset → y, mean, Bessel-corrected variance and three reserves for the gradient; attr `epsilon`. */
export const FUSED_BATCH_NORM = 'FusedBatchNormV3';
/** The same, with max(y, 0) for y. */
export const FUSED_BATCH_NORM_RELU = '_MklNativeFusedBatchNormEx';
/** dy, x, scale, r1, r2, r3 → dx, dscale, doffset and two empties; attr `epsilon`. */
export const FUSED_BATCH_NORM_GRAD = 'FusedBatchNormGradV3';
/** features, labels → loss of each example and its gradient with respect to the features. */
export const SPARSE_CROSS_ENTROPY = 'SparseSoftmaxCrossEntropyWithLogits';
/** dy, y → dy where y > 0, else 0; y is what ReLU returned. */
export const RELU_GRAD = 'ReluGrad';
/** p, v, g, learningRate → p − η·v′, v′ = μ·v + g; attr `momentum`. */
export const APPLY_MOMENTUM = 'ApplyMomentum';
/** images → the same whitened, float32. */
export const WHITEN = 'RethinkGenWhiten';

function has(kernel: string): boolean {
  return tf.getKernel(kernel, tf.getBackend()) !== undefined;
}

function run(kernel: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor[] {
  return tf.engine().runKernel(kernel, inputs, attrs) as tf.Tensor[];
}

for (const kernelName of [FUSED_BATCH_NORM, FUSED_BATCH_NORM_RELU]) {
  const rectified = kernelName === FUSED_BATCH_NORM_RELU;
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x', 'scale'],
    outputsToSave: [rectified, false, false, true, true, true],
    gradFunc: (dys, saved, attrs) => {
      const [x, scale, ...outputs] = saved as [tf.Tensor, tf.Tensor, ...tf.Tensor[]];
      const [r1, r2, r3] = outputs.slice(-3) as [tf.Tensor, tf.Tensor, tf.Tensor];
      let dy = (dys as tf.Tensor[])[0]!;
      if (rectified) dy = run(RELU_GRAD, { dy, y: outputs[0]! })[0]!;
      // Here and not in the functions below: tfjs runs each of them in a scope of its own, and disposes there whatever
      // it does not return, the other two gradients among it.
      const inputs = { dy, x, scale, r1, r2, r3 };
      const [dx, dscale, doffset] = run(FUSED_BATCH_NORM_GRAD, inputs, attrs as tf.NamedAttrMap);
      return { x: () => dx!, scale: () => dscale!, offset: () => doffset! };
    },
  });
}

tf.registerGradient({
  kernelName: SPARSE_CROSS_ENTROPY,
  outputsToSave: [false, true],
  gradFunc: (dys, saved) => ({
    features: () => tf.mul(saved[0]!, tf.expandDims((dys as tf.Tensor[])[0]!, 1)),
    labels: () => {
      throw new Error('labels have no gradient');
    },
  }),
});

/** max(x, 0). Its gradient is one kernel where the engine has one; tfjs' own is five, and reads x again. */
export function relu<T extends tf.Tensor>(x: T): T {
  return (has(RELU_GRAD) ? fusedRelu(x) : tf.relu(x)) as T;
}

const fusedRelu = tf.customGrad((x, save) => {
  const value = tf.relu(x as tf.Tensor);
  (save as tf.GradSaveFunc)([value]);
  return {
    value,
    gradFunc: (dy: tf.Tensor, [y]: tf.Tensor[]) => run(RELU_GRAD, { dy, y: y! })[0]!,
  };
});

export interface NormalizedBatch {
  /** Same shape as the input. */
  y: tf.Tensor4D;
  /** Batch mean, [channels]. */
  mean: tf.Tensor1D;
  /** Batch variance, population (divided by n, not n − 1), [channels]. */
  variance: tf.Tensor1D;
}

/**
 * Batch normalization in training mode with a shift and no scale: (x − mean)/√(variance + ε) + shift.
 *
 * @param x [batch, height, width, channels].
 * @param shift [channels].
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  shift: tf.Tensor1D,
  epsilon: number,
): NormalizedBatch {
  if (has(FUSED_BATCH_NORM)) return fusedBatchNorm(FUSED_BATCH_NORM, x, shift, epsilon);
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const y = tf.add(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon))), shift);
  return {
    y: y as tf.Tensor4D,
    mean: mean as tf.Tensor1D,
    variance: variance as tf.Tensor1D,
  };
}

/** {@link batchNormTraining}, then ReLU. */
export function batchNormReluTraining(
  x: tf.Tensor4D,
  shift: tf.Tensor1D,
  epsilon: number,
): NormalizedBatch {
  if (has(FUSED_BATCH_NORM_RELU)) return fusedBatchNorm(FUSED_BATCH_NORM_RELU, x, shift, epsilon);
  const { y, ...moments } = batchNormTraining(x, shift, epsilon);
  return { y: relu(y), ...moments };
}

function fusedBatchNorm(
  kernel: string,
  x: tf.Tensor4D,
  shift: tf.Tensor1D,
  epsilon: number,
): NormalizedBatch {
  const n = x.size / x.shape[3];
  const scale = tf.ones([x.shape[3]]);
  const outputs = run(kernel, { x, scale, offset: shift }, { epsilon });
  return {
    y: outputs[0] as tf.Tensor4D,
    mean: outputs[1] as tf.Tensor1D,
    // TensorFlow's kernels return the Bessel-corrected variance; running statistics want the population's.
    variance: tf.mul(outputs[2]!, (n - 1) / n) as tf.Tensor1D,
  };
}

/**
 * Cross-entropy of each example with its label, in nats.
 *
 * @param logits [batch, classes].
 * @param labels [batch], int32.
 * @returns [batch].
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  if (has(SPARSE_CROSS_ENTROPY)) {
    return run(SPARSE_CROSS_ENTROPY, { features: logits, labels })[0] as tf.Tensor1D;
  }
  const target = tf.oneHot(labels, logits.shape[1]);
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), target), -1)) as tf.Tensor1D;
}

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
  const number = tf.tensor2d(
    Int32Array.from({ length: classes }, (_, i) => i),
    [1, classes],
  );
  const column = tf.expandDims(labels, 1);
  const isLabel = tf.equal(number, column);
  const own = tf.sum(tf.where(isLabel, logits, tf.zerosLike(logits)), 1, true);
  const isEqual = tf.logicalAnd(tf.equal(logits, own), tf.greaterEqual(number, column));
  // Counted from behind, the label itself among them: a NaN is greater than nothing and equal to nothing.
  const notBefore = tf.logicalOr(tf.less(logits, own), isEqual);
  const count = tf.sum(tf.cast(notBefore, 'int32'), 1);
  return tf.sub(tf.scalar(classes, 'int32'), count) as tf.Tensor1D;
}

export interface LrnConstants {
  radius: number;
  bias: number;
  alpha: number;
  beta: number;
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
  { radius, bias, alpha, beta }: LrnConstants,
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

/**
 * One heavy-ball step: v′ = momentum · v + g, p′ = p − learningRate · v′.
 *
 * @returns [p′, v′], shapes of p.
 */
export function applyMomentum(
  p: tf.Tensor,
  v: tf.Tensor,
  g: tf.Tensor,
  learningRate: tf.Scalar,
  momentum: number,
): [tf.Tensor, tf.Tensor] {
  if (has(APPLY_MOMENTUM)) {
    return run(APPLY_MOMENTUM, { p, v, g, learningRate }, { momentum }) as [tf.Tensor, tf.Tensor];
  }
  // What is freed at once is still in the cache when the next parameter takes its place.
  const velocity = tf.tidy(() => tf.add(tf.mul(v, momentum), g));
  return [tf.tidy(() => tf.sub(p, tf.mul(velocity, learningRate))), velocity];
}

/**
 * Per-image whitening (TensorFlow's per-image standardization): (x − μ)/max(σ, 1/√N) for pixels x in [0, 1], with μ and
 * population σ over the N pixels and channels of each image. A grey image becomes zeros. Bytes are used as they are:
 * only the bound on σ knows their scale, and a pass over the images is saved.
 *
 * @param images Bytes as int32 or float32, [batch, height, width, channels].
 * @returns float32, same shape.
 */
export function whiten(images: tf.Tensor4D): tf.Tensor4D {
  if (has(WHITEN)) return run(WHITEN, { images })[0] as tf.Tensor4D;
  const n = images.size / images.shape[0];
  return tf.tidy(() => {
    const x = tf.cast(images, 'float32');
    const centred = tf.sub(x, tf.mean(x, [1, 2, 3], true));
    const deviation = tf.sqrt(tf.tidy(() => tf.mean(tf.square(centred), [1, 2, 3], true)));
    return tf.div(centred, tf.maximum(deviation, 255 / Math.sqrt(n)));
  });
}
