import * as tf from '@tensorflow/tfjs-core';
import type { ImageSize } from '../../data/types.js';
import { Random } from '../../random.js';
import type { FeatureLayer } from '../context.js';
import { unitFilter } from './gabor.js';

/** Side of a patch in pixels. */
const PATCH = 6;
/** Below this deviation (of pixels in 0…1) a patch counts as flat. */
const FLAT = 0.1;
/** What a filter has to find in a patch before its unit opens. */
const THRESHOLD = 1;

/**
 * A random convolutional layer (Zhang2017, Table 3; in the manner of Coates and Ng 2011): 6×6 patches brought to
 * mean 0 and deviation 1, times random Gaussian unit filters, ReLU(z − 1), averaged over the four quarters of the image.
 * Gives [batch, 2, 2, filters].
 */
export function randomConvLayer(size: ImageSize, filters: number, seed: number): FeatureLayer {
  const { channels } = size;
  const inputs = PATCH * PATCH * channels;
  const average = new Float32Array(inputs).fill(1 / inputs);
  const [rows, columns] = [size.height - PATCH + 1, size.width - PATCH + 1];
  return {
    filters,
    weights: [
      {
        shape: [PATCH, PATCH, channels, filters],
        data: gaussianFilters(filters, inputs, seed),
      },
      { shape: [PATCH, PATCH, channels, 1], data: average },
    ],
    apply(images, kernel, average) {
      const mean = tf.conv2d(images, average!, 1, 'valid');
      const square = tf.conv2d(tf.square(images), average!, 1, 'valid');
      const variance = tf.relu(tf.sub(square, tf.square(mean)));
      const deviation = tf.sqrt(tf.add(variance, FLAT ** 2));
      // The filters sum to zero, so a patch's mean needs no subtracting.
      const found = tf.div(tf.conv2d(images, kernel!, 1, 'valid'), deviation);
      const open = tf.relu(tf.sub(found, THRESHOLD)) as tf.Tensor4D;
      return quarters(open, rows, columns);
    },
  };
}

/** Means over quarters, which share the middle row and column where there is one. */
function quarters(x: tf.Tensor4D, rows: number, columns: number): tf.Tensor4D {
  const size: [number, number] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const strides: [number, number] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return tf.avgPool(x, size, strides, 'valid');
}

/** Filters of norm 1 and sum 0, [inputs, filters]: each filter's numbers are a stream of their own. */
function gaussianFilters(filters: number, inputs: number, seed: number): Float32Array {
  const all = new Float32Array(inputs * filters);
  for (let f = 0; f < filters; f++) {
    const random = new Random(seed, 'kernels/random-conv', f);
    const filter = unitFilter(Float64Array.from({ length: inputs }, () => random.normal()));
    for (const [k, value] of filter.entries()) all[k * filters + f] = value;
  }
  return all;
}
