import { describe, expect, it } from 'vitest';
import { TrainBatches, type TrainBatchesOptions } from '../../src/batches/batches.js';
import { symmetricBeta } from '../../src/batches/extras.js';
import { Random } from '../../src/random.js';
import { positionLabelled, SIZE } from './helpers.js';

const EXTRAS = ['mixup/share', 'mixup/partner', 'position'] as const;
const options: TrainBatchesOptions = {
  examples: positionLabelled(103),
  size: SIZE,
  batchSize: 10,
  crop: 8,
  augment: { crop: true, flip: true, rotation: 0 },
  masks: [{ name: 'dense1', units: 3 }],
  dropout: 0.5,
  seed: 4,
};
const mixed = (seed = 4) => new TrainBatches({ ...options, seed, extras: EXTRAS, mixup: 1 });
const rates = (steps: number) => new Float32Array(steps);

describe('extras of a step', () => {
  it('change nothing else of it', () => {
    const [plain, more] = [new TrainBatches(options), mixed()].map((batches) => {
      const { extras, ...rest } = structuredClone(batches.chunk(1, 2, 3, rates(3)));
      return { extras, rest };
    });
    expect(more!.rest).toEqual(plain!.rest);
    expect(plain!.extras).toEqual({});
    expect(Object.keys(more!.extras)).toEqual([...EXTRAS]);
  });

  it('are a function of seed and step, however many steps are asked for', () => {
    const { extras } = mixed().chunk(1, 2, 4, rates(4));
    const parts = [2, 3, 4, 5].map((step) => mixed().chunk(1, step, 1, rates(1)).extras);
    for (const name of EXTRAS) {
      expect([...extras[name]!]).toEqual(parts.flatMap((part) => [...part[name]!]));
    }
    const others = [mixed(5).chunk(1, 2, 4, rates(4)), mixed().chunk(0, 2, 4, rates(4))];
    for (const other of others) {
      for (const name of EXTRAS) expect(other.extras[name]).not.toEqual(extras[name]);
    }
  });

  it('are a share, a permutation of the batch, and the positions of its examples', () => {
    const { extras, labels } = mixed().chunk(0, 0, 10, rates(10));
    const shares = [...extras['mixup/share']!];
    expect(shares).toHaveLength(10);
    expect(new Set(shares).size).toBe(10);
    for (let step = 0; step < 10; step++) {
      const partners = [...extras['mixup/partner']!.subarray(10 * step, 10 * step + 10)];
      expect(partners.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(extras.position).toEqual(labels);
  });
});

describe('Beta(α, α)', () => {
  const drawn = (alpha: number, n = 4000) =>
    Array.from({ length: n }, (_, i) => symmetricBeta(new Random(1, 'test/beta', i), alpha));

  it.each([0.05, 0.2, 1, 4, 1000])('has its mean and variance for α = %d', (alpha) => {
    const values = drawn(alpha);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const spread = values.reduce((sum, x) => sum + (x - 0.5) ** 2, 0) / values.length;
    const variance = 1 / (4 * (2 * alpha + 1));
    // Of the mean 5 standard errors; of a variance of values in [0, 1] a tenth is more than that.
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(variance / values.length));
    expect(Math.abs(spread / variance - 1)).toBeLessThan(0.15);
  });

  it('is uniform for α = 1', () => {
    const sorted = drawn(1).sort((a, b) => a - b);
    const apart = sorted.map((x, i) => Math.abs(x - (i + 0.5) / sorted.length));
    // Kolmogorov–Smirnov, at a chance of one in a million.
    expect(Math.max(...apart)).toBeLessThan(2.7 / Math.sqrt(sorted.length));
  });

  it('is a number in [0, 1] for any α that a config can have', () => {
    for (const alpha of [Number.MIN_VALUE, 1e-300, 1e-9, 1e9, 1e300, Number.MAX_VALUE]) {
      for (const value of drawn(alpha, 200)) {
        expect(value >= 0 && value <= 1, `${value} of ${alpha}`).toBe(true);
      }
    }
  });
});
