import { packageVersion } from '../../version.js';

/** Name and version of what decodes here: another one may give other pixels. */
export const PLAIN_DECODER = `@napi-rs/image ${packageVersion('@napi-rs/image')}`;

/** From here on libjpeg's own scaling, which decodes a fraction of the image, is the faster way. */
const MOST_SHRUNK = 3;

/** Baseline, extended and progressive JPEGs with Huffman coding: ITU-T T.81, table B.1. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2]);

/** JFIF's Y, Cb and Cr; others may be red, green and blue. */
const COMPONENTS = [1, 2, 3];

/** Sampling of the luma, where chroma has 1×1: 4:4:4, 4:2:2 and 4:2:0. */
const SAMPLINGS = new Set([0x11, 0x21, 0x22]);

/** The size of an image in pixels. */
interface Extent {
  width: number;
  height: number;
}

/**
 * Decodes a JPEG and scales it down to cover a square, cut to the center (Lanczos, a = 3): RGB bytes
 * [side, side, 3]. Several times as fast as libvips, whose pipelines cost more to set up than a small image takes.
 *
 * Only for what leaves no question open: 8-bit YCbCr without a color profile or an orientation, whole to its last
 * marker, scaled down to more than a third. For all else, damage included, the answer is `undefined`; so it is for what
 * has the size already, and keeps libjpeg's own bits, those of every other reader of the set.
 */
export async function coverPlainJpeg(
  bytes: Uint8Array,
  side: number,
  mostPixels: number,
): Promise<Uint8Array | undefined> {
  const extent = plainJpeg(bytes);
  if (extent === undefined || extent.width * extent.height > mostPixels) return undefined;
  const shorter = Math.min(extent.width, extent.height);
  if (shorter <= side || shorter >= MOST_SHRUNK * side) return undefined;
  const scaled = {
    width: Math.round((extent.width * side) / shorter),
    height: Math.round((extent.height * side) / shorter),
  };
  const { FastResizeFilter, ResizeFit, Transformer } = await import('@napi-rs/image');
  try {
    const image = new Transformer(bytes).fastResize({
      ...scaled,
      filter: FastResizeFilter.Lanczos3,
      fit: ResizeFit.Fill,
    });
    return cutToCenter(await image.rawPixels(), scaled, side);
  } catch {
    return undefined;
  }
}

/**
 * The size of a JPEG of three components with nothing in its header that changes how its samples are read. Of the end
 * only the marker is looked at: decoders fill in what is missing from a file that was cut.
 */
export function plainJpeg(bytes: Uint8Array): Extent | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const marker = (at: number) => (at >= 0 && at + 2 <= bytes.length ? view.getUint16(at) : 0);
  if (marker(0) !== 0xffd8 || marker(bytes.length - 2) !== 0xffd9) return undefined;
  let extent: Extent | undefined;
  for (let at = 2; marker(at) !== 0xffda; ) {
    const code = marker(at) & 0xff;
    const length = marker(at + 2);
    if (bytes[at] !== 0xff || length < 2 || changesSamples(code)) return undefined;
    if (code >= 0xc0 && code <= 0xcf && code !== 0xc4) {
      if (extent !== undefined || !FRAMES.has(code) || !isYcc(bytes.subarray(at + 4, at + 19))) {
        return undefined;
      }
      extent = { height: marker(at + 5), width: marker(at + 7) };
    }
    at += 2 + length;
  }
  return extent;
}

/** Of a frame's header: precision, height, width, count of components, then identifier, sampling and table of each. */
function isYcc(frame: Uint8Array): boolean {
  return (
    frame[0] === 8 &&
    frame[5] === 3 &&
    COMPONENTS.every((id, n) => frame[6 + 3 * n] === id) &&
    SAMPLINGS.has(frame[7]!) &&
    frame[10] === 0x11 &&
    frame[13] === 0x11
  );
}

/** Application data may hold Exif (1), a color profile (2) or the transform of colors (14). */
function changesSamples(code: number): boolean {
  return code === 0xe1 || code === 0xe2 || code === 0xee;
}

/** RGB of the square in the middle of RGBA pixels [height, width, 4]. */
function cutToCenter(rgba: Uint8Array, { width, height }: Extent, side: number): Uint8Array {
  const rgb = new Uint8Array(3 * side * side);
  const [top, left] = [(height - side) >> 1, (width - side) >> 1];
  let to = 0;
  for (let row = 0; row < side; row++) {
    let from = 4 * ((top + row) * width + left);
    for (const end = from + 4 * side; from < end; from += 4, to += 3) {
      rgb[to] = rgba[from]!;
      rgb[to + 1] = rgba[from + 1]!;
      rgb[to + 2] = rgba[from + 2]!;
    }
  }
  return rgb;
}
