import sharp from 'sharp';
import type { ImageSize } from '../types.js';

/** Space between images, in pixels before scaling. */
const GAP = 2;
/** Smaller images are enlarged up to this side, at most threefold. */
const SIDE = 96;

/** An image and its place on a sheet. */
export interface Tile {
  /** [height, width, channels]. */
  image: Uint8Array;
  size: ImageSize;
  row: number;
  column: number;
}

/** A PNG of images in rows and columns, small ones enlarged without smoothing, each in the middle of its cell. */
export async function sheetOf(
  tiles: readonly Tile[],
  { rows, columns }: { rows: number; columns: number },
): Promise<Buffer> {
  const largest = (side: 'height' | 'width') => Math.max(...tiles.map(({ size }) => size[side]));
  const [height, width] = [largest('height'), largest('width')];
  const sheet = {
    width: columns * (width + GAP) + GAP,
    height: rows * (height + GAP) + GAP,
    channels: 3 as const,
  };
  const pixels = Buffer.alloc(sheet.width * sheet.height * 3, 255);
  for (const { image, size, row, column } of tiles) {
    const colors = rgb(image, size.channels);
    const top = GAP + row * (height + GAP) + ((height - size.height) >> 1);
    const left = GAP + column * (width + GAP) + ((width - size.width) >> 1);
    for (let y = 0; y < size.height; y++) {
      const line = colors.subarray(y * size.width * 3, (y + 1) * size.width * 3);
      pixels.set(line, ((top + y) * sheet.width + left) * 3);
    }
  }
  const scale = Math.max(1, Math.min(3, Math.floor(SIDE / width)));
  return sharp(pixels, { raw: sheet })
    .resize(sheet.width * scale, sheet.height * scale, { kernel: 'nearest' })
    .png()
    .toBuffer();
}

/** A PNG of one image, a pixel for a pixel. */
export async function pngOf(
  image: Uint8Array,
  { height, width, channels }: ImageSize,
): Promise<Buffer> {
  return sharp(rgb(image, channels), { raw: { height, width, channels: 3 } })
    .png()
    .toBuffer();
}

/** Three channels of any number of them: gray is each of the three, and a fourth isn't shown. */
function rgb(image: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return image;
  const pixels = image.length / channels;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) out[3 * i + c] = image[i * channels + (channels < 3 ? 0 : c)]!;
  }
  return out;
}
