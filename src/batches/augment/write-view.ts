import type { ImageSize } from '../../data/types.js';

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
  else if (view.window) writeScaled(images, from, size, crop, view, out, to);
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
const writeRotated: Write = (images, from, size, crop, view, out, to) => {
  const { height, width, channels } = size;
  const { top, left, flip, angle, window = [crop, crop] } = view;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const centerY = (height - 1) / 2;
  const centerX = (width - 1) / 2;
  const [stepY, stepX] = [window[0] / crop, window[1] / crop];
  for (let y = 0; y < crop; y++) {
    const dy = top + ((y + 0.5) * stepY - 0.5) - centerY;
    for (let x = 0; x < crop; x++) {
      const column = flip ? crop - 1 - x : x;
      const dx = left + ((column + 0.5) * stepX - 0.5) - centerX;
      const sourceY = clamp(centerY + sin * dx + cos * dy, height - 1);
      const sourceX = clamp(centerX + cos * dx - sin * dy, width - 1);
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

/**
 * Bilinear, between the centers of the image's pixels, without smoothing before the image is made smaller (as TensorFlow
 * resizes). Where each column comes from is worked out once for all rows.
 */
const writeScaled: Write = (images, from, size, crop, view, out, to) => {
  const { height, width, channels } = size;
  const { top, left, flip, window = [crop, crop] } = view;
  const columns = new Int32Array(crop);
  const weights = new Float64Array(crop);
  for (let x = 0; x < crop; x++) {
    const column = flip ? crop - 1 - x : x;
    const at = clamp(left + (column + 0.5) * (window[1] / crop) - 0.5, width - 1);
    // The last column has no neighbor: it is its own, with all of the weight.
    columns[x] = Math.max(0, Math.min(at | 0, width - 2)) * channels;
    weights[x] = width === 1 ? 0 : at - Math.min(at | 0, width - 2);
  }
  const right = width === 1 ? 0 : channels;
  for (let y = 0; y < crop; y++) {
    const at = clamp(top + (y + 0.5) * (window[0] / crop) - 0.5, height - 1);
    const upper = from + (at | 0) * width * channels;
    const lower = (at | 0) + 1 < height ? upper + width * channels : upper;
    const fy = at - (at | 0);
    for (let x = 0; x < crop; x++) {
      const offset = columns[x]!;
      const fx = weights[x]!;
      for (let c = offset; c < offset + channels; c++) {
        const above = images[upper + c]! + fx * (images[upper + c + right]! - images[upper + c]!);
        const below = images[lower + c]! + fx * (images[lower + c + right]! - images[lower + c]!);
        out[to++] = (above + fy * (below - above) + 0.5) | 0;
      }
    }
  }
};

function clamp(x: number, last: number): number {
  return Math.max(0, Math.min(last, x));
}

/** How a crop × crop window is taken from an image. */
export interface View {
  /** Upper left corner of the window in the (rotated) image, in pixels. */
  top: number;
  left: number;
  /** Height and width of the window in the image, in pixels, where it is scaled; else they are the crop's side. */
  window?: [height: number, width: number];
  /** Mirrored left to right, after rotation and crop. */
  flip: boolean;
  /** Counter-clockwise, in radians, about the center of the whole image. */
  angle: number;
}
