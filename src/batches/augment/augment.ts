import type { AugmentConfig } from '../../config/resolve.js';
import type { ImageSize } from '../../data/types.js';
import { RethinkError } from '../../errors.js';
import { Random } from '../../random.js';
import { isRecolored } from './color.js';
import { drawWindow } from './resized-crop.js';
import type { View } from './write-view.js';

export { writeView } from './write-view.js';

/** Whether an image is seen otherwise than as it is in its middle. */
export function isAugmented(augment: AugmentConfig): boolean {
  const { crop, flip, rotation, resizedCrop = 0 } = augment;
  return crop || flip || rotation > 0 || resizedCrop > 0 || isRecolored(augment);
}

/**
 * The window in the middle, at floor((side − crop) / 2).
 *
 * @throws RethinkError (`usage`) where the window doesn't fit.
 */
export function centerView({ height, width }: ImageSize, crop: number): View {
  if (crop > height || crop > width) {
    throw new RethinkError(
      'usage',
      `data.crop is ${crop}, but the images are ${height}×${width}.`,
      {
        hint: `Give a crop of at most ${Math.min(height, width)}.`,
      },
    );
  }
  const top = Math.floor((height - crop) / 2);
  const left = Math.floor((width - crop) / 2);
  return { top, left, flip: false, angle: 0 };
}

/**
 * Draws the view of one example in one epoch: a pure function of its arguments. All four numbers are always drawn, and the
 * window of a resized crop from a stream of its own, so that switching one augmentation on leaves the others as they were.
 *
 * @param seed `seeds.data`. @param index Source index.
 */
export function drawView(
  augment: AugmentConfig,
  seed: number,
  epoch: number,
  index: number,
  size: ImageSize,
  center: View,
  crop: number,
): View {
  const { height, width } = size;
  const random = new Random(seed, 'augment', index, epoch);
  const flip = random.uint32() >= 0x8000_0000;
  // From −1 to 1.
  const turn = random.uint32() / 0x8000_0000 - 1;
  const top = random.integer(height - crop + 1);
  const left = random.integer(width - crop + 1);
  return {
    top: augment.crop ? top : center.top,
    left: augment.crop ? left : center.left,
    flip: augment.flip && flip,
    angle: turn * augment.rotation * (Math.PI / 180),
    ...(augment.resizedCrop ? drawWindow(augment.resizedCrop, seed, epoch, index, size) : {}),
  };
}
