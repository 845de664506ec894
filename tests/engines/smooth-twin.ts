import * as tf from '@tensorflow/tfjs-core';
import type { Program } from '../../src/engines/types.js';
import type * as Layers from '../../src/models/layers.js';
import type * as Ops from '../../src/models/ops.js';

/**
 * Smooth twins of the models. Two engines round differently, so where a ReLU's input is next to zero, or two maxima of a
 * pool are next to each other, they may decide differently, and all gradients before that place differ: by how much is
 * chance. The twin of a model has the same layers, shapes, strides and paddings, and decides nothing: x·sigmoid(x) for
 * every ReLU and average pooling for max pooling. What two engines make of it may be held to rounding errors.
 *
 * A test file that uses it mocks both modules:
 *
 *     vi.mock('../../src/models/ops.js', async (original) =>
 *       (await import('./smooth-twin.js')).smoothOps(await original()));
 *     vi.mock('../../src/models/layers.js', async (original) =>
 *       (await import('./smooth-twin.js')).smoothLayers(await original()));
 */
let smooth = false;

/** From now on models compute as their twins do, or again as themselves. A session keeps to what it was compiled from. */
export function useSmoothTwins(on: boolean): void {
  smooth = on;
}

/** The program of a model that trains as its twin and is evaluated as itself: both in one session. */
export function smoothTraining(program: Program): Program {
  return {
    ...program,
    trainStep(...inputs) {
      const before = smooth;
      smooth = true;
      try {
        return program.trainStep(...inputs);
      } finally {
        smooth = before;
      }
    },
  };
}

/** x·sigmoid(x): its slope turns where ReLU's jumps. */
export function swish<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x)) as T;
}

/** `models/ops.ts` with ReLU and BatchNorm with ReLU as functions that {@link useSmoothTwins} switches. */
export function smoothOps(ops: typeof Ops): typeof Ops {
  return {
    ...ops,
    relu: (x) => (smooth ? swish(x) : ops.relu(x)),
    batchNormReluTraining(...inputs) {
      if (!smooth) return ops.batchNormReluTraining(...inputs);
      const { y, ...moments } = ops.batchNormTraining(...inputs);
      return { y: swish(y), ...moments };
    },
  };
}

/** `models/layers.ts` with a pooling that {@link useSmoothTwins} switches. */
export function smoothLayers(layers: typeof Layers): typeof Layers {
  const maxPool3x3: typeof Layers.maxPool3x3 = (x, padding = 'same') =>
    smooth ? averagePool3x3(x, padding) : layers.maxPool3x3(x, padding);
  return { ...layers, maxPool3x3 };
}

/**
 * 3×3 average pooling of stride 2; what SAME adds at the edges is averaged as zeros, so that the pool itself needs no
 * padding: with some, the gradient of tfjs' reference is another one than TensorFlow's.
 */
function averagePool3x3(x: tf.Tensor4D, padding: 'same' | 'valid'): tf.Tensor4D {
  if (padding === 'valid') return tf.avgPool(x, 3, 2, 'valid');
  const [, height, width] = x.shape;
  return tf.avgPool(tf.pad(x, [[0, 0], added(height), added(width), [0, 0]]), 3, 2, 'valid');
}

/** What SAME adds before and behind a side, for a window of 3 and a stride of 2. */
function added(side: number): [number, number] {
  const all = Math.max(2 * (Math.ceil(side / 2) - 1) + 3 - side, 0);
  return [Math.floor(all / 2), Math.ceil(all / 2)];
}
