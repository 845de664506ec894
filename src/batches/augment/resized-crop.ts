import type { ImageSize } from '../../data/types.js';
import { Random } from '../../random.js';
import type { View } from './write-view.js';

/** Width over height of the window, from its inverse to this. */
const ASPECT = 4 / 3;
/** Windows that don't fit are drawn anew; so many in a row are rare but for very long images. */
const ATTEMPTS = 10;

/**
 * Draws the window of a resized crop (Szegedy 2014, 'Going deeper with convolutions', section 6): a fraction of the
 * image's area, evenly from `least` to 1, of an aspect from 3:4 to 4:3, evenly in its logarithm, anywhere in the image.
 * Where ten of them in a row don't fit it is the largest center window of such an aspect. A pure function of its
 * arguments.
 *
 * @param least Fraction of the area, above 0. @param seed `seeds.data`. @param index Source index.
 */
export function drawWindow(
  least: number,
  seed: number,
  epoch: number,
  index: number,
  { height, width }: ImageSize,
): Required<Pick<View, 'top' | 'left' | 'window'>> {
  const random = new Random(seed, 'augment/resized-crop', index, epoch);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = (least + (1 - least) * random.uniform()) * height * width;
    const aspect = ASPECT ** (2 * random.uniform() - 1);
    const h = Math.max(1, Math.round(Math.sqrt(area / aspect)));
    const w = Math.max(1, Math.round(Math.sqrt(area * aspect)));
    if (h > height || w > width) continue;
    return {
      top: random.integer(height - h + 1),
      left: random.integer(width - w + 1),
      window: [h, w],
    };
  }
  const h = Math.min(height, Math.round(width * ASPECT));
  const w = Math.min(width, Math.round(height * ASPECT));
  return { top: (height - h) >> 1, left: (width - w) >> 1, window: [h, w] };
}
