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
/** x0, x1, … → bool scalar: whether all elements of all of them are finite. */
export const ALL_FINITE = 'RethinkGenAllFinite';
/** images → the same whitened, float32. */
export const WHITEN = 'RethinkGenWhiten';

function has(kernel: string): boolean {
  return tf.getKernel(kernel, tf.getBackend()) !== undefined;
}

function run(kernel: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor[] {
  return tf.engine().runKernel(kernel, inputs, attrs) as tf.Tensor[];
}

tf.registerGradient({
  kernelName: FUSED_BATCH_NORM,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, false, false, true, true, true],
  gradFunc: (dys, saved, attrs) => batchNormGradient((dys as tf.Tensor[])[0]!, saved, attrs),
});

tf.registerGradient({
  kernelName: FUSED_BATCH_NORM_RELU,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [true, false, false, true, true, true],
  gradFunc: (dys, [x, scale, y, ...reserves], attrs) => {
    const [dy] = run(RELU_GRAD, { dy: (dys as tf.Tensor[])[0]!, y: y! });
    return batchNormGradient(dy!, [x!, scale!, ...reserves], attrs);
  },
});

/** @param saved x, scale and the three reserves */
function batchNormGradient(
  dy: tf.Tensor,
  saved: tf.Tensor[],
  attrs: tf.NamedAttrMap,
): ReturnType<tf.GradFunc> {
  const [x, scale, r1, r2, r3] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  // Here and not in the functions below: tfjs runs each of them in a scope of its own, and disposes there whatever it
  // does not return, the other two gradients among it.
  const [dx, dscale, doffset] = run(FUSED_BATCH_NORM_GRAD, { dy, x, scale, r1, r2, r3 }, attrs);
  return { x: () => dx!, scale: () => dscale!, offset: () => doffset! };
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

type BatchNorm = (
  x: tf.Tensor4D,
  shift: tf.Tensor1D,
  epsilon: number,
  scale?: tf.Tensor1D,
) => NormalizedBatch;

/** x · scale; x where there is none. */
export function scaled(x: tf.Tensor, scale: tf.Tensor | undefined): tf.Tensor {
  return scale === undefined ? x : tf.mul(x, scale);
}

/**
 * Batch normalization in training mode: scale · (x − mean)/√(variance + ε) + shift.
 *
 * @param x [batch, height, width, channels].
 * @param shift [channels].
 * @param scale [channels]; ones that nothing trains unless given.
 */
export const batchNormTraining: BatchNorm = (x, shift, epsilon, scale) => {
  if (has(FUSED_BATCH_NORM)) return fusedBatchNorm(FUSED_BATCH_NORM, x, shift, epsilon, scale);
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const factor = scaled(tf.rsqrt(tf.add(variance, epsilon)), scale);
  const y = tf.add(tf.mul(tf.sub(x, mean), factor), shift);
  return { y, mean, variance } as NormalizedBatch;
};

/** {@link batchNormTraining}, then ReLU. */
export const batchNormReluTraining: BatchNorm = (...inputs) => {
  if (has(FUSED_BATCH_NORM_RELU)) return fusedBatchNorm(FUSED_BATCH_NORM_RELU, ...inputs);
  const { y, ...moments } = batchNormTraining(...inputs);
  return { y: relu(y), ...moments };
};

function fusedBatchNorm(
  kernel: string,
  ...[x, shift, epsilon, scale = tf.ones([x.shape[3]])]: Parameters<BatchNorm>
): NormalizedBatch {
  const n = x.size / x.shape[3];
  const [y, mean, variance] = run(kernel, { x, scale, offset: shift }, { epsilon });
  // TensorFlow's kernels return the Bessel-corrected variance; running statistics want the population's.
  return { y, mean, variance: tf.mul(variance!, (n - 1) / n) } as NormalizedBatch;
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
 * Whether all elements of all tensors are finite. Without a kernel for it, a sum of them is tested, which is never finite
 * with a NaN or an infinity in it.
 */
export function allFinite(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (has(ALL_FINITE)) {
    const named = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
    return run(ALL_FINITE, named)[0] as tf.Scalar;
  }
  const total = tensors.map((tensor) => tf.sum(tensor)).reduce((a, b) => tf.add(a, b));
  return tf.isFinite(total) as tf.Scalar;
}

/**
 * Per-image whitening (TensorFlow's per-image standardization): (x − μ)/max(σ, 1/√N) for pixels x in [0, 1], with μ and
 * population σ over the N pixels and channels of each image. A gray image becomes zeros. Bytes are used as they are:
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
    const centered = tf.sub(x, tf.mean(x, [1, 2, 3], true));
    const deviation = tf.sqrt(tf.tidy(() => tf.mean(tf.square(centered), [1, 2, 3], true)));
    return tf.div(centered, tf.maximum(deviation, 255 / Math.sqrt(n)));
  });
}
