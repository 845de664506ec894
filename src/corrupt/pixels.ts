import type { CorruptionConfig } from '../config/resolve.js';
import type { ChannelStatistics, ImageSize, SplitName } from '../data/types.js';
import { Random } from '../random.js';
import { gaussianByte, gaussianTables } from './gaussian.js';

/**
 * Corrupts one image, bytes [height, width, channels], in place, and says whether it was selected. What comes out is a
 * pure function of the corruption, its seed, the split, the source index and the image.
 */
export type PixelCorruption = (image: Uint8Array, split: SplitName, index: number) => boolean;

type Change = (image: Uint8Array, split: SplitName, index: number) => void;

/**
 * Prepares a pixel corruption (Zhang2017, section 2; PAPER.md, section 2).
 *
 * - `shuffled-pixels`: one permutation of positions for all images of both splits; it depends on the seed and the size.
 * - `random-pixels`: a permutation of its own for each image.
 * - `gaussian`: every byte from N(mean, variance) of the full training set, rounded and clipped.
 *
 * Permutations move a position's channels together, or are permutations of all bytes (`channels: mixed`). With
 * `fraction` < 1 each image is selected on its own with that probability (randX of Arpit 2017), at 0.3 a subset of those
 * at 0.5. A label corruption selects nothing.
 *
 * @param statistics Of the full training set, as published: before any corruption, whatever subset is used.
 */
export function pixelCorruption(
  corruption: CorruptionConfig,
  seed: number,
  size: ImageSize,
  statistics: ChannelStatistics,
): PixelCorruption {
  const change = prepareChange(corruption, seed, size, statistics);
  if (change === undefined) return () => false;
  return (image, split, index) => {
    if (!selectsImage(corruption, seed, split, index)) return false;
    change(image, split, index);
    return true;
  };
}

/** Whether a pixel corruption selects an image: known without the image. */
export function selectsImage(
  { kind, fraction }: CorruptionConfig,
  seed: number,
  split: SplitName,
  index: number,
): boolean {
  return new Random(seed, `pixels/${kind}/selected/${split}`, index).uniform() < fraction;
}

function prepareChange(
  corruption: CorruptionConfig,
  seed: number,
  size: ImageSize,
  statistics: ChannelStatistics,
): Change | undefined {
  switch (corruption.kind) {
    case 'shuffled-pixels':
      return shuffledPixels(seed, size, corruption.channels);
    case 'random-pixels':
      return randomPixels(seed, size, corruption.channels);
    case 'gaussian':
      return gaussian(seed, statistics, corruption.statistics);
    default:
      return undefined;
  }
}

function shuffledPixels(seed: number, size: ImageSize, channels: 'together' | 'mixed'): Change {
  const { units, bytes } = permuted(size, channels);
  const order = new Random(seed, 'pixels/shuffled-pixels').permutation(units);
  const scratch = new Uint8Array(units * bytes);
  return (image) => permute(image, order, bytes, scratch);
}

function randomPixels(seed: number, size: ImageSize, channels: 'together' | 'mixed'): Change {
  const { units, bytes } = permuted(size, channels);
  const identity = Uint32Array.from({ length: units }, (_, i) => i);
  const order = new Uint32Array(units);
  const scratch = new Uint8Array(units * bytes);
  return (image, split, index) => {
    order.set(identity);
    new Random(seed, `pixels/random-pixels/${split}`, index).shuffle(order);
    permute(image, order, bytes, scratch);
  };
}

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

function gaussian(
  seed: number,
  statistics: ChannelStatistics,
  pooling: 'channel' | 'global',
): Change {
  const tables = gaussianTables(statistics, pooling);
  const channels = tables.length;
  return (image, split, index) => {
    const random = new Random(seed, `pixels/gaussian/${split}`, index);
    let to = 0;
    while (to < image.length) {
      for (let c = 0; c < channels; c++) image[to++] = gaussianByte(tables[c]!, random.uint32());
    }
  };
}
