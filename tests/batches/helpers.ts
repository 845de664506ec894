import type { Split } from '../../src/data/types.js';
import { Random } from '../../src/random.js';

export const SIZE = { height: 10, width: 12, channels: 3 };
export const IMAGE_BYTES = 360;

/** Random images of SIZE; labels are positions, so that a batch says which examples it holds. */
export function positionLabelled(count: number): Split {
  const random = new Random(11, 'test batches');
  return {
    images: Uint8Array.from({ length: count * IMAGE_BYTES }, () => random.integer(256)),
    labels: Int32Array.from({ length: count }, (_, i) => i),
    indices: Uint32Array.from({ length: count }, (_, i) => 2 * i + 5),
    count,
  };
}

/** The byte of image `i` at row y, column x, channel c. */
export function byteAt(split: Split, i: number, y: number, x: number, c: number): number {
  return split.images[i * IMAGE_BYTES + (y * SIZE.width + x) * SIZE.channels + c]!;
}
