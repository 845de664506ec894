import type { CorruptionConfig } from '../config/corruptions.js';
import type { ChannelStatistics, ImageSize, SplitName } from '../data/types.js';
import { Random } from '../random.js';
import { gaussianByte, gaussianTables } from './gaussian.js';

/** Changes one image, bytes [height, width, channels], in place: a function of the split, the source index and the image. */
export type PixelChange = (image: Uint8Array, split: SplitName, index: number) => void;

/**
 * Prepares a kind's change of pixels (Zhang2017, section 2).
 *
 * @param statistics Of the full training set, as published.
 */
export type PreparePixels = (
  corruption: CorruptionConfig,
  seed: number,
  size: ImageSize,
  statistics: ChannelStatistics,
) => PixelChange;

/**
 * One permutation of positions for all images of both splits; it depends on the seed and the size. A position's channels
 * move together, or the permutation is one of all bytes (`channels: mixed`).
 */
export const shuffledPixels: PreparePixels = ({ channels }, seed, size) => {
  const { units, bytes } = permuted(size, channels);
  const order = new Random(seed, 'pixels/shuffled-pixels').permutation(units);
  const scratch = new Uint8Array(units * bytes);
  return (image) => permute(image, order, bytes, scratch);
};

/** The same with a permutation of its own for each image. */
export const randomPixels: PreparePixels = ({ channels }, seed, size) => {
  const { units, bytes } = permuted(size, channels);
  const identity = Uint32Array.from({ length: units }, (_, i) => i);
  const order = new Uint32Array(units);
  const scratch = new Uint8Array(units * bytes);
  return (image, split, index) => {
    order.set(identity);
    new Random(seed, `pixels/random-pixels/${split}`, index).shuffle(order);
    permute(image, order, bytes, scratch);
  };
};

/** What a permutation moves: positions of `channels` bytes, or single bytes. */
function permuted({ height, width, channels }: ImageSize, mode: 'together' | 'mixed') {
  return mode === 'together'
    ? { units: height * width, bytes: channels }
    : { units: height * width * channels, bytes: 1 };
}

/** Unit i of the result is unit order[i] of the image. */
function permute(image: Uint8Array, order: Uint32Array, bytes: number, scratch: Uint8Array): void {
  scratch.set(image);
  let to = 0;
  for (let i = 0; i < order.length; i++) {
    let from = order[i]! * bytes;
    for (let byte = 0; byte < bytes; byte++) image[to++] = scratch[from++]!;
  }
}

/** Every byte from N(mean, variance) of the full training set, rounded and clipped. */
export const gaussianPixels: PreparePixels = ({ statistics: pooling }, seed, _, statistics) => {
  const tables = gaussianTables(statistics, pooling);
  const channels = tables.length;
  return (image, split, index) => {
    const random = new Random(seed, `pixels/gaussian/${split}`, index);
    let to = 0;
    while (to < image.length) {
      for (let c = 0; c < channels; c++) image[to++] = gaussianByte(tables[c]!, random.uint32());
    }
  };
};
