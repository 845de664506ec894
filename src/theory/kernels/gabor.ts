import * as tf from '@tensorflow/tfjs-core';
import type { FeatureLayer } from '../context.js';

/** Wavelengths in pixels: strokes of a digit are two to four pixels wide. */
const WAVELENGTHS = [4, 8];
const ORIENTATIONS = 8;
/** Deviation of the envelope, in wavelengths. */
const ENVELOPE = 0.4;
/** Height of the envelope to its width. */
const ASPECT = 0.7;
const SIDE = 13;
/** Side in pixels of the squares whose responses are averaged. */
const POOL = 4;

/**
 * Gabor wavelet features for images of one channel: an even and an odd wavelet for each of 8 orientations and 2
 * wavelengths, without mean and of norm 1, the positive and the negative part of each response averaged over squares of
 * 4×4 pixels. The bank is our own: the paper names none.
 */
export function gaborLayer(): FeatureLayer {
  const bank = WAVELENGTHS.flatMap((wavelength) =>
    Array.from({ length: ORIENTATIONS }, (_, k) => (Math.PI * k) / ORIENTATIONS).flatMap((angle) =>
      [0, Math.PI / 2].map((phase) => wavelet(wavelength, angle, phase)),
    ),
  );
  const filters = bank.length;
  const values = new Float32Array(SIDE * SIDE * filters);
  for (const [f, filter] of bank.entries()) {
    for (const [k, value] of filter.entries()) values[k * filters + f] = value;
  }
  return {
    filters: 2 * filters,
    weights: [{ shape: [SIDE, SIDE, 1, filters], data: values }],
    apply(images, kernel) {
      const response = tf.conv2d(images, kernel!, 1, 'same');
      const parts = tf.concat([tf.relu(response), tf.relu(tf.neg(response))], 3) as tf.Tensor4D;
      return tf.avgPool(parts, POOL, POOL, 'same');
    },
  };
}

/** One wavelet, [SIDE²]. */
function wavelet(wavelength: number, angle: number, phase: number): Float64Array {
  const half = (SIDE - 1) / 2;
  const sigma = ENVELOPE * wavelength;
  const drawn = Float64Array.from({ length: SIDE * SIDE }, (_, k) => {
    const [x, y] = [(k % SIDE) - half, Math.floor(k / SIDE) - half];
    const along = x * Math.cos(angle) + y * Math.sin(angle);
    const across = -x * Math.sin(angle) + y * Math.cos(angle);
    const envelope = Math.exp(-(along ** 2 + (ASPECT * across) ** 2) / (2 * sigma ** 2));
    return envelope * Math.cos((2 * Math.PI * along) / wavelength + phase);
  });
  return unitFilter(drawn);
}

/** A filter brought to sum 0 and norm 1. */
export function unitFilter(drawn: Float64Array): Float64Array {
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const centered = drawn.map((value) => value - mean);
  const norm = Math.hypot(...centered);
  return centered.map((value) => value / norm);
}
