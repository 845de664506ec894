import type { AugmentConfig } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import type { ImageSize } from './types.js';

/** Whether an image is seen in more views than the one in its middle. */
export function isAugmented({ crop, flip, rotation }: AugmentConfig): boolean {
  return crop || flip || rotation > 0;
}

/** How a crop × crop window is taken from an image. */
export interface View {
  /** Upper left corner of the window in the (rotated) image, in pixels. */
  top: number;
  left: number;
  /** Mirrored left to right, after rotation and crop. */
  flip: boolean;
  /** Counter-clockwise, in radians, about the centre of the whole image. */
  angle: number;
}

/**
 * The window in the middle, at floor((side − crop) / 2).
 *
 * @throws RethinkError (`usage`) where the window doesn't fit.
 */
export function centreView({ height, width }: ImageSize, crop: number): View {
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
 * Draws the view of one example in one epoch: a pure function of its arguments. All four numbers are always drawn, so
 * that switching one augmentation on leaves the others as they were.
 *
 * @param seed `seeds.data`. @param index Source index.
 */
export function drawView(
  augment: AugmentConfig,
  seed: number,
  epoch: number,
  index: number,
  { height, width }: ImageSize,
  centre: View,
  crop: number,
): View {
  const random = new Random(seed, 'augment', index, epoch);
  const flip = random.uint32() >= 0x8000_0000;
  // From −1 to 1.
  const turn = random.uint32() / 0x8000_0000 - 1;
  const top = random.integer(height - crop + 1);
  const left = random.integer(width - crop + 1);
  return {
    top: augment.crop ? top : centre.top,
    left: augment.crop ? left : centre.left,
    flip: augment.flip && flip,
    angle: turn * augment.rotation * (Math.PI / 180),
  };
}

/**
 * Writes one view of an image: [crop, crop, channels] bytes into `out` from `to` on.
 *
 * @param images Images one after another, [height, width, channels] each. @param from Where the image begins.
 */
export function writeView(
  images: Uint8Array,
  from: number,
  size: ImageSize,
  crop: number,
  view: View,
  out: Uint8Array,
  to: number,
): void {
  if (view.angle !== 0) writeRotated(images, from, size, crop, view, out, to);
  else if (view.flip) writeMirrored(images, from, size, crop, view, out, to);
  else writeRows(images, from, size, crop, view, out, to);
}

type Write = typeof writeView;

const writeRows: Write = (images, from, { width, channels }, crop, { top, left }, out, to) => {
  const bytes = crop * channels;
  // Whole rows lie one after another.
  if (crop === width) {
    const start = from + top * width * channels;
    out.set(images.subarray(start, start + crop * bytes), to);
    return;
  }
  for (let y = 0; y < crop; y++) {
    const start = from + ((top + y) * width + left) * channels;
    out.set(images.subarray(start, start + bytes), to + y * bytes);
  }
};

const writeMirrored: Write = (images, from, { width, channels }, crop, { top, left }, out, to) => {
  for (let y = 0; y < crop; y++) {
    const row = from + ((top + y) * width + left) * channels;
    for (let x = crop - 1; x >= 0; x--) {
      const pixel = row + x * channels;
      for (let c = 0; c < channels; c++) out[to++] = images[pixel + c]!;
    }
  }
};

/**
 * Bilinear; what lies outside the image is its nearest edge. The whole image turns before the window is cut, so that
 * the window's corners hold the image's own pixels where it has them.
 */
const writeRotated: Write = (images, from, size, crop, { top, left, flip, angle }, out, to) => {
  const { height, width, channels } = size;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const centreY = (height - 1) / 2;
  const centreX = (width - 1) / 2;
  for (let y = 0; y < crop; y++) {
    const dy = top + y - centreY;
    for (let x = 0; x < crop; x++) {
      const dx = left + (flip ? crop - 1 - x : x) - centreX;
      const sourceY = clamp(centreY + sin * dx + cos * dy, height - 1);
      const sourceX = clamp(centreX + cos * dx - sin * dy, width - 1);
      // Truncation is floor here, and in range: never negative.
      const y0 = sourceY | 0;
      const x0 = sourceX | 0;
      const right = x0 + 1 < width ? channels : 0;
      const below = y0 + 1 < height ? width * channels : 0;
      const fy = sourceY - y0;
      const fx = sourceX - x0;
      const lowerRight = fy * fx;
      const lowerLeft = fy - lowerRight;
      const upperRight = fx - lowerRight;
      const upperLeft = 1 - fy - upperRight;
      const end = from + (y0 * width + x0 + 1) * channels;
      for (let i = end - channels; i < end; i++) {
        const value =
          images[i]! * upperLeft +
          images[i + right]! * upperRight +
          images[i + below]! * lowerLeft +
          images[i + below + right]! * lowerRight;
        out[to++] = (value + 0.5) | 0;
      }
    }
  }
};

function clamp(x: number, last: number): number {
  return Math.max(0, Math.min(last, x));
}
