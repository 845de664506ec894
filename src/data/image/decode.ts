import { createRequire } from 'node:module';
import type sharp from 'sharp';
import { messageOf, RethinkError } from '../../errors.js';
import { processThreads } from '../../machine/machine.js';
import { grouped } from '../../text.js';
import type { ImageSize } from '../types.js';
import { FORMATS, formatOfBytes, READ_FORMATS } from './formats.js';
import { coverPlainJpeg, PLAIN_DECODER } from './jpeg.js';
import { decodeNetpbm } from './netpbm.js';

/** Images decoded at the same time: the pool of threads behind sharp is kept busy, and memory stays bounded. */
export const DECODERS = 2 * processThreads();

/** Photographs of data sets pass, ImageNet's by far, as do a camera's of 24 megapixels; a decompression bomb does not. */
const MAX_PIXELS = 25_000_000;

/** The largest file that is taken for one image. */
export const MAX_IMAGE_BYTES = 64 * 2 ** 20;

/** Names an image in errors; a function where that takes looking it up. */
export type Where = string | (() => string);

/** The name itself. */
export function nameOf(where: Where): string {
  return typeof where === 'string' ? where : where();
}

/** Of an image that a run stops at: packing goes on without it. */
const PACK =
  'Mend it or take it out, or pack the images, which leaves it out and lists it: rethink-gen data pack PATH --out DIR --size N';

export interface DecodeOptions {
  size: ImageSize;
  /**
   * `cover`: scale until the square is filled, then cut to the center; `exact`: an image of another size is an error.
   */
  fit: 'cover' | 'exact';
}

let loaded: typeof sharp | undefined;

/**
 * sharp, from its first use on: its library takes a quarter of a second to load, and most commands decode no image.
 * Required, not imported, as `decodedBy` can't wait.
 */
function loadSharp(): typeof sharp {
  if (loaded === undefined) {
    loaded = createRequire(import.meta.url)('sharp') as typeof sharp;
    // One image is too small a job for libvips' own threads, and no image comes twice: parallel is across images.
    loaded.concurrency(1);
    loaded.cache(false);
  }
  return loaded;
}

/** Names and versions of all that decodes where images are fitted so: other ones may give other pixels. */
export function decodedBy(fit: DecodeOptions['fit']): string {
  const { versions } = loadSharp();
  const both = `sharp ${versions.sharp}, libvips ${versions.vips}`;
  return fit === 'cover' ? `${both}, ${PLAIN_DECODER}` : both;
}

/**
 * Decodes an image (JPEG, PNG, … : see `FORMATS`) to bytes [height, width, channels] (sRGB, or gray for one channel), turned
 * upright by its EXIF orientation; what is transparent becomes black, and of several pages or frames the first is taken.
 *
 * @throws RethinkError (`data`) for another format, damage, too many pixels or a wrong size.
 */
export async function decodeImage(
  bytes: Uint8Array,
  where: Where,
  { size, fit }: DecodeOptions,
): Promise<Uint8Array> {
  // Images of one size are those of a published data set, which is not packed.
  const hint = fit === 'cover' ? { hint: PACK } : {};
  const format = formatOfBytes(bytes);
  if (format === undefined || !FORMATS[format].read) {
    const what =
      format === undefined ? 'is no image' : `is ${FORMATS[format].label}, which is not read`;
    throw new RethinkError(
      'data',
      `${nameOf(where)} ${what}, whatever its name says; ${READ_FORMATS} are read.`,
      hint,
    );
  }
  const { height, width, channels } = size;
  if (fit === 'cover' && width === height && channels === 3) {
    const pixels = await coverPlainJpeg(bytes, width, MAX_PIXELS);
    if (pixels !== undefined) return pixels;
  }
  // Outside of what is caught: a library that can't be loaded is no fault of the image.
  const decode = loadSharp();
  try {
    const limits = { limitInputPixels: MAX_PIXELS, failOn: 'error' } as const;
    const plain = format === 'netpbm' ? decodeNetpbm(bytes, MAX_PIXELS) : undefined;
    const input =
      plain === undefined
        ? decode(bytes, limits)
        : decode(plain.data, { ...limits, raw: plain.raw });
    const image = input.autoOrient();
    if (fit === 'cover') image.resize(width, height, { fit: 'cover', position: 'centre' });
    const { data, info } = await image
      .flatten()
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.height !== height || info.width !== width) {
      throw wrong(where, `is ${info.width}×${info.height} pixels`, `${width}×${height}`);
    }
    if (info.channels !== channels) {
      throw wrong(where, `has ${info.channels} channels once decoded`, String(channels));
    }
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  } catch (error) {
    if (error instanceof RethinkError) throw error;
    throw new RethinkError('data', `${nameOf(where)} cannot be decoded: ${reason(error)}.`, {
      ...hint,
      cause: error,
    });
  }
}

function wrong(where: Where, has: string, expected: string): RethinkError {
  return new RethinkError('data', `${nameOf(where)} ${has}, and ${expected} is expected.`);
}

function reason(error: unknown): string {
  const message = messageOf(error).split('\n')[0]!.trim();
  if (/pixel limit/i.test(message)) return `it has more than ${grouped(MAX_PIXELS)} pixels`;
  // libvips loses its own sentence where several images fail at once.
  return message === 'Unknown error' ? 'its data is cut off or damaged' : message;
}
