import type { ImageSize } from '../data/types.js';
import type { PreparedData } from '../setup/data.js';

/** What a model of the theory sees: center crop, whitened as for training (Zhang2017, appendix A), in doubles. */
export interface Inputs {
  count: number;
  /** Numbers of one input. */
  dimension: number;
  /** Writes input `i` to `out`, [dimension]. */
  read(i: number, out: Float64Array): void;
}

/**
 * Inputs made from bytes as they are asked for: all of CIFAR-10 as doubles would take a gigabyte.
 *
 * @param images [count, height, width, channels].
 */
export function whitenedInputs(
  images: Uint8Array,
  count: number,
  { height, width, channels }: ImageSize,
  crop: number,
): Inputs {
  const dimension = crop * crop * channels;
  const top = Math.floor((height - crop) / 2);
  const left = Math.floor((width - crop) / 2);
  const rowBytes = width * channels;
  const read = (i: number, out: Float64Array) => {
    let at = 0;
    for (let y = 0; y < crop; y++) {
      const start = (i * height + top + y) * rowBytes + left * channels;
      for (let k = 0; k < crop * channels; k++) out[at++] = images[start + k]! / 255;
    }
    whiten(out);
  };
  return { count, dimension, read };
}

/** Those of a split of prepared data. */
export function splitInputs({ data, info, crop }: PreparedData, split: 'train' | 'test'): Inputs {
  return whitenedInputs(data[split].images, data[split].count, info, crop);
}

/** (x − μ) / max(σ, 1/√d), in place. */
function whiten(x: Float64Array): void {
  let sum = 0;
  for (const value of x) sum += value;
  const mean = sum / x.length;
  let squares = 0;
  for (const value of x) squares += (value - mean) ** 2;
  const deviation = Math.max(Math.sqrt(squares / x.length), 1 / Math.sqrt(x.length));
  for (let k = 0; k < x.length; k++) x[k] = (x[k]! - mean) / deviation;
}

/** All inputs, [count, dimension]. */
export function readAll({ count, dimension, read }: Inputs): Float64Array {
  const all = new Float64Array(count * dimension);
  for (let i = 0; i < count; i++) read(i, all.subarray(i * dimension, (i + 1) * dimension));
  return all;
}
