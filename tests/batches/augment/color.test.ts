import { describe, expect, it } from 'vitest';
import {
  type ColorShift,
  drawColors,
  isRecolored,
  recolor,
} from '../../../src/batches/augment/color.js';
import { resolveAugment } from '../../../src/config/resolve.js';
import { Random } from '../../../src/random.js';

const NEUTRAL: ColorShift = { brightness: 0, contrast: 1, saturation: 1, hue: 0 };
const STRONG = {
  ...resolveAugment('none'),
  brightness: 0.25,
  contrast: 0.5,
  saturation: 0.75,
  hue: 0.1,
};

function shifted(bytes: number[], shift: Partial<ColorShift>, channels = 3): number[] {
  const out = Uint8Array.from([9, ...bytes, 9]);
  recolor(out, 1, bytes.length / channels, channels, { ...NEUTRAL, ...shift });
  expect([out[0], out.at(-1)]).toEqual([9, 9]);
  return [...out.subarray(1, -1)];
}

describe('recolor', () => {
  it.each<[string, Partial<ColorShift>, number[], number[]]>([
    ['adds to all channels', { brightness: 0.2 }, [0, 100, 250], [51, 151, 255]],
    ['takes off all channels', { brightness: -0.2 }, [0, 100, 250], [0, 49, 199]],
    // Gray is (30 + 60 + 90) / 3 = 60.
    ['makes gray', { saturation: 0 }, [30, 60, 90], [60, 60, 60]],
    ['halves what is beside gray', { saturation: 0.5 }, [30, 60, 90], [45, 60, 75]],
    ['doubles it', { saturation: 2 }, [30, 60, 90], [0, 60, 120]],
    ['turns red to green', { hue: 1 / 3 }, [255, 0, 0], [0, 255, 0]],
    ['turns red to blue', { hue: -1 / 3 }, [200, 0, 0], [0, 0, 200]],
    // Half a turn is the mirror image at gray: 100 − (c − 100).
    ['turns to the opposite', { hue: 0.5 }, [130, 90, 80], [70, 110, 120]],
    ['leaves gray to itself', { hue: 0.3, saturation: 1.9 }, [77, 77, 77], [77, 77, 77]],
    // Means of the channels: 100, 50, 20.
    ['halves contrast', { contrast: 0.5 }, [80, 50, 0, 120, 50, 40], [90, 50, 10, 110, 50, 30]],
    [
      'makes the mean of all',
      { contrast: 0 },
      [80, 50, 0, 120, 50, 40],
      [100, 50, 20, 100, 50, 20],
    ],
    // Gray of the two pixels is 20 and 40, and their mean 30.
    [
      'does several at once',
      { saturation: 0, contrast: 2, brightness: 0.1 },
      [10, 20, 30, 40, 40, 40],
      [36, 36, 36, 76, 76, 76],
    ],
  ])('%s', (_, shift, bytes, expected) => {
    expect(shifted(bytes, shift)).toEqual(expected);
  });

  it('leaves every byte as it is where all is neutral', () => {
    const random = new Random(1, 'test/colour');
    const bytes = Array.from({ length: 3000 }, () => random.integer(256));
    expect(shifted(bytes, {})).toEqual(bytes);
  });

  it('has contrast and brightness, and no hue, on images of one channel', () => {
    const shift = { contrast: 0.5, brightness: 0.1, hue: 0.4, saturation: 0 };
    expect(shifted([10, 30], shift, 1)).toEqual([41, 51]);
  });

  it('turns back by the opposite turn', () => {
    const bytes = [90, 120, 140, 110, 100, 130];
    const there = shifted(bytes, { hue: 0.17 });
    for (const [i, value] of shifted(there, { hue: -0.17 }).entries()) {
      expect(Math.abs(value - bytes[i]!)).toBeLessThanOrEqual(1);
    }
  });
});

describe('drawColors', () => {
  const n = 20_000;
  const draws = Array.from({ length: n }, (_, i) => drawColors(STRONG, 1, 0, i));

  it.each([
    ['brightness', 0, 0.25],
    ['contrast', 1, 0.5],
    ['saturation', 1, 0.75],
    ['hue', 0, 0.1],
  ] as const)('draws %s evenly about %d, by at most %d', (key, center, strength) => {
    const u = draws.map((shift) => (shift[key] - center) / strength);
    expect(Math.max(...u.map(Math.abs))).toBeLessThanOrEqual(1 + 1e-12);
    const mean = u.reduce((sum, x) => sum + x / n, 0);
    const square = u.reduce((sum, x) => sum + x ** 2 / n, 0);
    // Of a uniform number on ±1: variance 1/3, and √(4/45) the deviation of its square.
    expect(Math.abs(mean)).toBeLessThan(6 / Math.sqrt(3 * n));
    expect(Math.abs(square - 1 / 3)).toBeLessThan(6 * Math.sqrt(4 / 45 / n));
  });

  it('draws the four independently of each other', () => {
    for (const [a, b] of [
      ['brightness', 'contrast'],
      ['saturation', 'hue'],
      ['contrast', 'hue'],
    ] as const) {
      const [meanA, meanB] = [a === 'contrast' ? 1 : 0, b === 'contrast' ? 1 : 0];
      const sum = draws.reduce(
        (s, d) => s + (d[a] - (a === 'saturation' ? 1 : meanA)) * (d[b] - meanB),
        0,
      );
      const scale = (STRONG[a] * STRONG[b]) / 3;
      expect(Math.abs(sum / n / scale)).toBeLessThan(6 / Math.sqrt(n));
    }
  });

  it('depends on seed, epoch and index, and on no other strength', () => {
    expect(drawColors(STRONG, 1, 0, 5)).toEqual(draws[5]);
    const others = [drawColors(STRONG, 2, 0, 5), drawColors(STRONG, 1, 1, 5), draws[6]!];
    expect(new Set([draws[5]!, ...others].map(({ hue }) => hue)).size).toBe(4);
    const hueOnly = drawColors({ ...resolveAugment('none'), hue: 0.1 }, 1, 0, 5);
    expect(hueOnly).toEqual({ ...NEUTRAL, hue: draws[5]!.hue });
  });
});

describe('isRecolored', () => {
  it('says whether any strength is above 0', () => {
    expect(isRecolored(resolveAugment('full'))).toBe(false);
    expect(isRecolored(resolveAugment('imagenet'))).toBe(true);
    for (const key of ['brightness', 'contrast', 'saturation', 'hue']) {
      expect(isRecolored({ ...resolveAugment('none'), [key]: 0.01 })).toBe(true);
    }
  });
});
