import { describe, expect, it } from 'vitest';
import { centerView, drawView, writeView } from '../../../src/batches/augment/augment.js';
import type { View } from '../../../src/batches/augment/write-view.js';
import type { ImageSize } from '../../../src/data/types.js';
import { byteAt, IMAGE_BYTES, positionLabelled, SIZE } from '../helpers.js';

const FULL = { crop: true, flip: true, rotation: 25 };
const split = positionLabelled(3);

function viewOf(image: Uint8Array, size: ImageSize, crop: number, view: Partial<View>) {
  const out = new Uint8Array(crop * crop * size.channels);
  const whole = { top: 0, left: 0, flip: false, angle: 0, ...view };
  writeView(image, 0, size, crop, whole, out, 0);
  return out;
}

/** Rotation as its definition says, one byte at a time. */
function naiveRotated(i: number, crop: number, { top, left, flip, angle }: View): number[] {
  const [lastY, lastX] = [SIZE.height - 1, SIZE.width - 1];
  const inside = (v: number, last: number) => Math.min(last, Math.max(0, v));
  const out: number[] = [];
  for (let y = 0; y < crop; y++) {
    for (let x = 0; x < crop; x++) {
      for (let c = 0; c < SIZE.channels; c++) {
        const dy = top + y - lastY / 2;
        const dx = left + (flip ? crop - 1 - x : x) - lastX / 2;
        const sy = inside(lastY / 2 + Math.cos(angle) * dy + Math.sin(angle) * dx, lastY);
        const sx = inside(lastX / 2 + Math.cos(angle) * dx - Math.sin(angle) * dy, lastX);
        let value = 0;
        for (let py = 0; py <= lastY; py++) {
          for (let px = 0; px <= lastX; px++) {
            const weight = Math.max(0, 1 - Math.abs(sy - py)) * Math.max(0, 1 - Math.abs(sx - px));
            value += weight * byteAt(split, i, py, px, c);
          }
        }
        out.push(value);
      }
    }
  }
  return out;
}

describe('centerView', () => {
  it('starts at floor((side − crop) / 2)', () => {
    const size = (height: number, width: number) => ({ height, width, channels: 1 });
    expect(centerView(size(32, 32), 28)).toEqual({ top: 2, left: 2, flip: false, angle: 0 });
    expect(centerView(size(10, 13), 8)).toMatchObject({ top: 1, left: 2 });
    expect(centerView(size(28, 28), 28)).toMatchObject({ top: 0, left: 0 });
  });

  it('refuses a crop that does not fit', () => {
    expect(() => centerView(SIZE, 11)).toThrow('data.crop is 11, but the images are 10×12.');
  });
});

describe('writeView', () => {
  it.each([
    { top: 0, left: 0, flip: false },
    { top: 2, left: 3, flip: false },
    { top: 2, left: 4, flip: true },
    { top: 1, left: 0, flip: true },
  ])('cuts and mirrors as a byte-by-byte copy does: %j', (view) => {
    const out = new Uint8Array(10 + 8 * 8 * 3).fill(7);
    writeView(split.images, 2 * IMAGE_BYTES, SIZE, 8, { ...view, angle: 0 }, out, 10);
    expect([...out.subarray(0, 10)]).toEqual(new Array(10).fill(7));
    let at = 10;
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) {
        const column = view.left + (view.flip ? 7 - x : x);
        for (let c = 0; c < 3; c++) {
          expect(out[at++]).toBe(byteAt(split, 2, view.top + y, column, c));
        }
      }
    }
  });

  it.each([
    { top: 0, left: 1, flip: false, angle: 0.3 },
    { top: 2, left: 4, flip: true, angle: -0.4 },
    { top: 1, left: 2, flip: false, angle: 2.5 },
    { top: 1, left: 2, flip: true, angle: Math.PI / 2 },
  ])('rotates as the definition says: %j', (view) => {
    const out = new Uint8Array(8 * 8 * 3);
    writeView(split.images, IMAGE_BYTES, SIZE, 8, view, out, 0);
    naiveRotated(1, 8, view).forEach((value, i) => {
      // Half a byte of rounding, and a hair for another order of additions.
      expect(Math.abs(out[i]! - value)).toBeLessThanOrEqual(0.5 + 1e-9);
    });
  });

  it('leaves an image as it is when the angle is next to nothing', () => {
    const image = split.images.subarray(0, IMAGE_BYTES);
    expect(viewOf(image, SIZE, 10, { angle: 1e-12 })).toEqual(viewOf(image, SIZE, 10, {}));
  });

  it('turns counter-clockwise by a quarter exactly', () => {
    const size = { height: 3, width: 3, channels: 1 };
    const image = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const turned = viewOf(image, size, 3, { angle: Math.PI / 2 });
    expect([...turned]).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7]);
  });

  it('turns a smooth image as mathematics does', () => {
    const size = { height: 32, width: 32, channels: 1 };
    const wave = (y: number, x: number) => 128 + 50 * Math.sin(x / 8) + 50 * Math.cos(y / 9);
    const image = Uint8Array.from({ length: 1024 }, (_, i) => Math.round(wave(i >> 5, i & 31)));
    const angle = (7 * Math.PI) / 180;
    const out = viewOf(image, size, 24, { top: 4, left: 4, angle });
    for (let i = 0; i < out.length; i++) {
      const [dy, dx] = [4 + Math.floor(i / 24) - 15.5, 4 + (i % 24) - 15.5];
      const y = 15.5 + Math.cos(angle) * dy + Math.sin(angle) * dx;
      const x = 15.5 + Math.cos(angle) * dx - Math.sin(angle) * dy;
      // Rounding twice, and interpolation: an eighth of the second derivative, below 0.2.
      expect(Math.abs(out[i]! - wave(y, x))).toBeLessThan(1.3);
    }
  });
});

describe('drawView', () => {
  const n = 20_000;
  const size = { height: 32, width: 32, channels: 3 };
  const center = centerView(size, 28);
  const draw = (i: number, augment = FULL, seed = 1, epoch = 0) =>
    drawView(augment, seed, epoch, i, size, center, 28);
  const views = Array.from({ length: n }, (_, i) => draw(i));

  it('puts the window everywhere alike', () => {
    const counts = new Array<number>(25).fill(0);
    for (const { top, left } of views) counts[5 * top + left]!++;
    const chi2 = counts.reduce((sum, count) => sum + (count - n / 25) ** 2 / (n / 25), 0);
    // 24 degrees of freedom: above 85 about once in 10⁸ seeds.
    expect(chi2).toBeLessThan(85);
  });

  it('flips half of them and turns uniformly within the range', () => {
    const flipped = views.filter(({ flip }) => flip).length / n;
    expect(Math.abs(flipped - 0.5)).toBeLessThan(3 / Math.sqrt(n));
    const degrees = views.map(({ angle }) => (angle * 180) / Math.PI);
    expect(Math.max(...degrees.map(Math.abs))).toBeLessThanOrEqual(25);
    const mean = degrees.reduce((sum, d) => sum + d / n, 0);
    const variance = degrees.reduce((sum, d) => sum + d ** 2 / n, 0);
    // Of a uniform number on ±25: variance 625/3, and 625·√(4/45) the deviation of its square.
    expect(Math.abs(mean)).toBeLessThan((6 * 25) / Math.sqrt(3 * n));
    expect(Math.abs(variance - 625 / 3)).toBeLessThan(6 * 625 * Math.sqrt(4 / 45 / n));
  });

  it('depends on seed, epoch and source index', () => {
    expect(draw(3)).toEqual(views[3]);
    const others = [draw(3, FULL, 2), draw(3, FULL, 1, 1), draw(4), draw(1, FULL, 1, 3)];
    expect(new Set([views[3]!, ...others].map(({ angle }) => angle)).size).toBe(5);
  });

  it('draws each part whether or not the others are on', () => {
    for (let i = 0; i < 50; i++) {
      const { top, left, flip, angle } = views[i]!;
      const cropOnly = draw(i, { crop: true, flip: false, rotation: 0 });
      expect(cropOnly).toMatchObject({ top, left, flip: false });
      expect(cropOnly.angle).toBeCloseTo(0, 15);
      expect(draw(i, { crop: false, flip: true, rotation: 25 })).toEqual({
        ...center,
        flip,
        angle,
      });
    }
  });
});
