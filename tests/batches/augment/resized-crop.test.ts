import { describe, expect, it } from 'vitest';
import { centerView, drawView, writeView } from '../../../src/batches/augment/augment.js';
import { drawWindow } from '../../../src/batches/augment/resized-crop.js';
import type { View } from '../../../src/batches/augment/write-view.js';
import { resolveAugment } from '../../../src/config/resolve.js';
import type { ImageSize } from '../../../src/data/types.js';
import { byteAt, IMAGE_BYTES, positionLabelled, SIZE } from '../helpers.js';

const split = positionLabelled(3);
const LARGE = { height: 160, width: 160, channels: 3 };

function scaled(image: number[], size: ImageSize, crop: number, view: Partial<View>): number[] {
  const out = new Uint8Array(crop * crop * size.channels);
  const whole = { top: 0, left: 0, flip: false, angle: 0, ...view };
  writeView(Uint8Array.from(image), 0, size, crop, whole, out, 0);
  return [...out];
}

/** Bilinear interpolation as its definition says: every pixel of the image with its weight. */
function naive(
  i: number,
  crop: number,
  { top, left, flip, angle, window }: Required<View>,
): number[] {
  const [lastY, lastX] = [SIZE.height - 1, SIZE.width - 1];
  const inside = (v: number, last: number) => Math.min(last, Math.max(0, v));
  const out: number[] = [];
  for (let y = 0; y < crop; y++) {
    for (let x = 0; x < crop; x++) {
      const column = flip ? crop - 1 - x : x;
      const dy = top + ((y + 0.5) * window[0]) / crop - 0.5 - lastY / 2;
      const dx = left + ((column + 0.5) * window[1]) / crop - 0.5 - lastX / 2;
      const sy = inside(lastY / 2 + Math.cos(angle) * dy + Math.sin(angle) * dx, lastY);
      const sx = inside(lastX / 2 + Math.cos(angle) * dx - Math.sin(angle) * dy, lastX);
      for (let c = 0; c < SIZE.channels; c++) {
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

describe('a scaled window', () => {
  it.each([
    { top: 0, left: 0, window: [10, 12], flip: false, angle: 0 },
    { top: 3, left: 2, window: [5, 4], flip: false, angle: 0 },
    { top: 9, left: 11, window: [1, 1], flip: false, angle: 0 },
    { top: 2, left: 5, window: [8, 7], flip: true, angle: 0 },
    { top: 1, left: 3, window: [6, 8], flip: true, angle: 0.4 },
  ] satisfies Required<View>[])('is interpolated as the definition says: %j', (view) => {
    for (const crop of [4, 8, 15]) {
      const out = new Uint8Array(crop * crop * 3);
      writeView(split.images, IMAGE_BYTES, SIZE, crop, view, out, 0);
      naive(1, crop, view).forEach((value, i) => {
        expect(Math.abs(out[i]! - value)).toBeLessThanOrEqual(0.5 + 1e-9);
      });
    }
  });

  it('is the mean of pairs where two pixels become one', () => {
    const size = { height: 2, width: 4, channels: 1 };
    // Columns meet at 0.5 and 2.5, rows at 0 and 1.
    const image = [0, 10, 20, 40, 100, 120, 200, 250];
    expect(scaled(image, size, 2, { window: [2, 4] })).toEqual([5, 30, 110, 225]);
    expect(scaled(image, size, 2, { window: [2, 4], flip: true })).toEqual([30, 5, 225, 110]);
    // Every second row at 0.5 as well: the mean of four.
    expect(scaled(image, { ...size, width: 2, height: 4 }, 1, { top: 0, window: [2, 2] })).toEqual([
      18,
    ]);
  });

  it('is a copy where the window has the side of the crop', () => {
    for (const flip of [false, true]) {
      const view = { top: 1, left: 3, flip, angle: 0 };
      const image = [...split.images.subarray(0, IMAGE_BYTES)];
      expect(scaled(image, SIZE, 8, { ...view, window: [8, 8] })).toEqual(
        scaled(image, SIZE, 8, view),
      );
    }
  });

  it('is one pixel everywhere where the image has only one', () => {
    expect(scaled([7, 8, 9], { height: 1, width: 1, channels: 3 }, 2, { window: [1, 1] })).toEqual([
      7, 8, 9, 7, 8, 9, 7, 8, 9, 7, 8, 9,
    ]);
  });
});

describe('drawWindow', () => {
  const n = 20_000;
  const windows = Array.from({ length: n }, (_, i) => drawWindow(0.08, 1, 0, i, LARGE));

  it('lies in the image, with an area and an aspect within the bounds', () => {
    for (const {
      top,
      left,
      window: [h, w],
    } of windows) {
      expect(top >= 0 && left >= 0 && top + h <= 160 && left + w <= 160).toBe(true);
      // Sides are rounded to pixels: by half of one, of 39 or more.
      expect(h * w).toBeGreaterThan(0.08 * 160 * 160 * 0.97);
      expect(Math.abs(Math.log(w / h))).toBeLessThan(Math.log(4 / 3) + 0.03);
    }
  });

  it('has areas evenly up to where windows begin not to fit, and aspects evenly in the logarithm', () => {
    // All windows of at most 9/16 of the area of the square fit (√(9/16 · 4/3) < 1), so below it areas are even.
    const areas = windows
      .map(({ window: [h, w] }) => (h * w) / (160 * 160))
      .filter((a) => a < 0.56);
    const u = areas.map((a) => (a - 0.08) / (0.56 - 0.08));
    const mean = u.reduce((sum, x) => sum + x / u.length, 0);
    expect(Math.abs(mean - 0.5)).toBeLessThan(6 / Math.sqrt(12 * u.length) + 0.005);
    const logs = windows.map(({ window: [h, w] }) => Math.log(w / h) / Math.log(4 / 3));
    // By symmetry 0 on average, whatever is drawn anew.
    expect(Math.abs(logs.reduce((sum, x) => sum + x / n, 0))).toBeLessThan(6 / Math.sqrt(3 * n));
  });

  it('puts a window everywhere alike', () => {
    const places = windows.filter(({ window: [h, w] }) => h < 130 && w < 130);
    for (const key of ['top', 'left'] as const) {
      const room = (w: (typeof windows)[number]) => 160 - w.window[key === 'top' ? 0 : 1];
      const u = places.map((w) => (w[key] + 0.5) / (room(w) + 1));
      const mean = u.reduce((sum, x) => sum + x / u.length, 0);
      expect(Math.abs(mean - 0.5)).toBeLessThan(6 / Math.sqrt(12 * u.length));
    }
  });

  it('is the largest window in the middle of an image too long for any other', () => {
    const long = { height: 4, width: 400, channels: 1 };
    expect(drawWindow(0.9, 1, 0, 0, long)).toEqual({ top: 0, left: 197, window: [4, 5] });
    const high = { height: 400, width: 4, channels: 1 };
    expect(drawWindow(0.9, 1, 0, 0, high)).toEqual({ top: 197, left: 0, window: [5, 4] });
  });

  it('depends on seed, epoch and source index', () => {
    expect(drawWindow(0.08, 1, 0, 3, LARGE)).toEqual(windows[3]);
    const others = [
      drawWindow(0.08, 2, 0, 3, LARGE),
      drawWindow(0.08, 1, 1, 3, LARGE),
      windows[4]!,
    ];
    expect(new Set([windows[3]!, ...others].map((w) => JSON.stringify(w))).size).toBe(4);
  });
});

describe('drawView with a resized crop', () => {
  it('leaves flip and rotation as they are without it', () => {
    const center = centerView(LARGE, 128);
    const full = { ...resolveAugment('none'), flip: true, rotation: 10 };
    for (let i = 0; i < 50; i++) {
      const plain = drawView(full, 1, 0, i, LARGE, center, 128);
      const resized = drawView({ ...full, resizedCrop: 0.5 }, 1, 0, i, LARGE, center, 128);
      expect(resized).toEqual({ ...plain, ...drawWindow(0.5, 1, 0, i, LARGE) });
    }
  });
});
