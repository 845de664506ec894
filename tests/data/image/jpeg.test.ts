import fc from 'fast-check';
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../../src/data/image/decode.js';
import { coverPlainJpeg, plainJpeg } from '../../../src/data/image/jpeg.js';
import { noise } from '../helpers.js';

const MOST = 25_000_000;

/** Something smooth with edges: noise, blurred, of which half is turned around. */
async function picture(width: number, height: number): Promise<Buffer> {
  const raw = { width, height, channels: 3 as const };
  const smooth = await sharp(noise(width * height * 3, width), { raw })
    .blur(1.5)
    .normalize()
    .raw();
  const pixels = await smooth.toBuffer();
  for (let i = 0; i < pixels.length / 3; i++) pixels[i] = 255 - pixels[i]!;
  return pixels;
}

function jpegOf(pixels: Buffer, width: number, height: number, options: JpegOptions = {}) {
  const raw = { width, height, channels: 3 as const };
  return sharp(pixels, { raw }).jpeg({ quality: 92, ...options });
}

/** What libvips makes of it: its shorter side scaled to `side`, then cut to the center. */
async function reference(bytes: Uint8Array, side: number): Promise<Buffer> {
  const { width, height } = await sharp(bytes).metadata();
  const scale = side / Math.min(width, height);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  return sharp(bytes, { failOn: 'error' })
    .resize(w, h, { fit: 'fill' })
    .extract({ left: (w - side) >> 1, top: (h - side) >> 1, width: side, height: side })
    .raw()
    .toBuffer();
}

function difference(a: Uint8Array, b: Uint8Array): { mean: number; most: number } {
  expect(a.length).toBe(b.length);
  const off = Array.from(a, (value, i) => Math.abs(value - b[i]!));
  return { mean: off.reduce((sum, x) => sum + x, 0) / off.length, most: Math.max(...off) };
}

describe('a plain JPEG, scaled down', () => {
  it.each([
    [213, 160, 128],
    [160, 213, 128],
    [101, 77, 31],
    [33, 400, 32],
    [190, 190, 64],
  ])(
    'of %i×%i to %i is what libvips makes of it, but for rounding',
    async (width, height, side) => {
      const pixels = await picture(width, height);
      for (const options of [
        {},
        { chromaSubsampling: '4:4:4' },
        { progressive: true },
        { optimiseCoding: false },
      ]) {
        const bytes = await jpegOf(pixels, width, height, options).toBuffer();
        expect(plainJpeg(bytes)).toEqual({ width, height });
        const ours = await coverPlainJpeg(bytes, side, MOST);
        const { mean, most } = difference(ours!, await reference(bytes, side));
        expect(mean).toBeLessThan(0.8);
        expect(most).toBeLessThan(16);
      }
    },
  );

  it('is what decodeImage gives', async () => {
    const bytes = await jpegOf(await picture(90, 70), 90, 70).toBuffer();
    const size = { height: 48, width: 48, channels: 3 };
    expect(await decodeImage(bytes, 'x.jpg', { size, fit: 'cover' })).toEqual(
      await coverPlainJpeg(bytes, 48, MOST),
    );
  });
});

describe('left to libvips is', () => {
  let pixels: Buffer;
  let plain: Buffer;
  beforeAll(async () => {
    pixels = await picture(90, 70);
    plain = await jpegOf(pixels, 90, 70).toBuffer();
  });

  it.each([
    ['an orientation', (image: Sharp) => image.withMetadata({ orientation: 6 })],
    ['a color profile', (image: Sharp) => image.withIccProfile('p3')],
    ['inks', (image: Sharp) => image.toColourspace('cmyk')],
    ['gray', (image: Sharp) => image.toColourspace('b-w')],
  ])('%s', async (_, change) => {
    const bytes = await change(jpegOf(pixels, 90, 70)).toBuffer();
    expect(bytes.readUInt16BE(0)).toBe(0xffd8);
    expect(plainJpeg(bytes)).toBeUndefined();
  });

  it('a JPEG of red, green and blue, and one of another sampling', async () => {
    const frame = plain.indexOf(Buffer.from([0xff, 0xc0]));
    for (const [at, value] of [
      [10, 'R'.charCodeAt(0)],
      [11, 0x41],
      [14, 0x21],
      [4, 12],
      [1, 0xc9],
    ] as const) {
      const changed = Buffer.from(plain);
      changed[frame + at] = value;
      expect(plainJpeg(changed)).toBeUndefined();
    }
  });

  it('what is enlarged, of the same size, shrunk to a third, or has too many pixels', async () => {
    expect(await coverPlainJpeg(plain, 71, MOST)).toBeUndefined();
    expect(await coverPlainJpeg(plain, 70, MOST)).toBeUndefined();
    expect(await coverPlainJpeg(plain, 69, MOST)).toHaveLength(69 * 69 * 3);
    expect(await coverPlainJpeg(plain, 23, MOST)).toBeUndefined();
    expect(await coverPlainJpeg(plain, 24, MOST)).toHaveLength(24 * 24 * 3);
    expect(await coverPlainJpeg(plain, 48, 90 * 70 - 1)).toBeUndefined();
  });

  it('a file cut anywhere', async () => {
    for (let length = 0; length < plain.length; length++) {
      expect(plainJpeg(plain.subarray(0, length))).toBeUndefined();
    }
  });

  it('all damage that libvips refuses', async () => {
    const byte = fc.record({ at: fc.nat(), value: fc.nat(255) });
    const changes = fc.array(byte, { minLength: 1, maxLength: 4 });
    const removed = fc.record({ at: fc.nat(), count: fc.integer({ min: 0, max: 200 }) });
    await fc.assert(
      fc.asyncProperty(changes, removed, async (bytes, { at, count }) => {
        const damaged = Buffer.from(plain);
        for (const change of bytes) damaged[change.at % damaged.length] = change.value;
        const from = at % damaged.length;
        const left = Buffer.concat([damaged.subarray(0, from), damaged.subarray(from + count)]);
        const ours = await coverPlainJpeg(left, 48, MOST);
        if (ours === undefined) return;
        await expect(reference(left, 48)).resolves.toHaveLength(ours.length);
      }),
      { numRuns: Number(process.env.RETHINK_GEN_TEST_INPUTS ?? 500) },
    );
  });
});
