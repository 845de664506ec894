import { describe, expect, it } from 'vitest';
import { pixelCorruption } from '../../src/corrupt/apply.js';
import { byteGaussian, gaussianByte, gaussianTables } from '../../src/corrupt/gaussian.js';
import { Random } from '../../src/random.js';
import { chiSquared, corruption } from './helpers.js';

const TWO_32 = 2 ** 32;

/** P(byte) of N(mean, deviation²) rounded and clipped, by the midpoint rule: slow, and nothing of ours in it. */
function expectedProbabilities(mean: number, deviation: number): number[] {
  const p = new Array<number>(256).fill(0);
  const step = deviation / 2000;
  for (let x = mean - 9 * deviation + step / 2; x < mean + 9 * deviation; x += step) {
    const density = Math.exp(-0.5 * ((x - mean) / deviation) ** 2);
    const byte = Math.min(255, Math.max(0, Math.floor(x + 0.5)));
    p[byte]! += (density * step) / (deviation * Math.sqrt(2 * Math.PI));
  }
  return p;
}

describe('byteGaussian', () => {
  it.each([
    [125.3, 63],
    [10, 40],
    [250, 5],
  ])('has the probabilities of N(%d, %d²), clipped', (mean, deviation) => {
    const { cumulative } = byteGaussian(mean, deviation ** 2);
    const expected = expectedProbabilities(mean, deviation);
    expected.forEach((p, byte) => {
      const ours = (cumulative[byte]! - (cumulative[byte - 1] ?? 0)) / TWO_32;
      // The midpoint rule puts a cell of the grid at each boundary on one side.
      expect(Math.abs(ours - p)).toBeLessThan(5e-4);
    });
    expect(cumulative[255]).toBe(TWO_32);
  });

  it('agrees with Box–Muller, rounded and clipped', () => {
    const table = byteGaussian(20, 900);
    const random = new Random(1, 'gaussian test');
    const n = 100_000;
    const counts = new Array<number>(256).fill(0);
    for (let i = 0; i < n; i++) {
      counts[Math.min(255, Math.max(0, Math.round(20 + 30 * random.normal())))]!++;
    }
    // Bytes 0…90 hold all but 1 % and have at least 50 expected each.
    const expected = counts.map(
      (_, b) => (n * (table.cumulative[b]! - (table.cumulative[b - 1] ?? 0))) / TWO_32,
    );
    const kept = expected.flatMap((e, b) => (e >= 50 ? [b] : []));
    expect(kept.length).toBeGreaterThan(80);
    const chi2 = chiSquared(
      kept.map((b) => counts[b]!),
      kept.map((b) => expected[b]!),
    );
    expect(chi2).toBeLessThan(kept.length + 6 * Math.sqrt(2 * kept.length) + 20);
  });

  it('finds the byte by inversion, at the ends and between', () => {
    const table = byteGaussian(100, 50 ** 2);
    const slow = (u: number) => table.cumulative.findIndex((c) => u < c);
    const random = new Random(2, 'inversion');
    const tried = [0, TWO_32 - 1, ...Array.from({ length: 2000 }, () => random.uint32())];
    for (const c of table.cumulative) tried.push(Math.max(0, c - 1), Math.min(TWO_32 - 1, c));
    for (const u of tried) expect(gaussianByte(table, u)).toBe(slow(u));
  });

  it('is the rounded mean where there is no variance', () => {
    for (const variance of [0, -1e-12]) {
      const table = byteGaussian(77.4, variance);
      for (const u of [0, 1, TWO_32 / 2, TWO_32 - 1]) expect(gaussianByte(table, u)).toBe(77);
    }
  });
});

describe('gaussianTables', () => {
  it('pools channels by the law of total variance', () => {
    const [pooled, same] = gaussianTables({ mean: [100, 140], variance: [25, 75] }, 'global');
    // Mean 120; within 50, between 400.
    expect(pooled).toEqual(byteGaussian(120, 450));
    expect(same).toBe(pooled);
  });
});

describe('gaussian pixels', () => {
  it('have the mean and the variance of their channel, and no correlation', () => {
    const statistics = { mean: [110, 128, 140], variance: [100, 400, 225] };
    const size = { height: 8, width: 8, channels: 3 };
    const change = pixelCorruption(corruption('gaussian'), 5, size, statistics);
    const [sums, squares, products] = [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    const images = 500;
    const n = images * 64;
    for (let i = 0; i < images; i++) {
      const image = new Uint8Array(192);
      change(image, 'train', i);
      for (let b = 0; b < 192; b++) {
        const c = b % 3;
        const z = (image[b]! - statistics.mean[c]!) / Math.sqrt(statistics.variance[c]!);
        const next =
          (image[(b + 1) % 192]! - statistics.mean[(c + 1) % 3]!) /
          Math.sqrt(statistics.variance[(c + 1) % 3]!);
        sums[c]! += z / n;
        squares[c]! += z ** 2 / n;
        products[c]! += (z * next) / n;
      }
    }
    for (let c = 0; c < 3; c++) {
      expect(Math.abs(sums[c]!)).toBeLessThan(6 / Math.sqrt(n));
      // Rounding adds 1/12 to the variance.
      const rounding = 1 / (12 * statistics.variance[c]!);
      expect(Math.abs(squares[c]! - 1 - rounding)).toBeLessThan(6 * Math.sqrt(2 / n));
      expect(Math.abs(products[c]!)).toBeLessThan(6 / Math.sqrt(n));
    }
  });
});
