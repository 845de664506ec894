import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/load.js';
import { balancedSubset, takeExamples } from '../../src/data/subset.js';
import { failure } from './helpers.js';

/** Labels of a whole split, where an example's index is its position. */
function byIndex(labels: Int32Array) {
  return { labels, indices: Uint32Array.from(labels.keys()) };
}

function counts(labels: Int32Array, chosen: Uint32Array, classes: number): number[] {
  const found = new Array<number>(classes).fill(0);
  for (const index of chosen) found[labels[index]!]!++;
  return found;
}

describe('a balanced subset', () => {
  const cases = fc
    .record({
      classes: fc.integer({ min: 2, max: 12 }),
      labels: fc.array(fc.nat(1000), { minLength: 1, maxLength: 200 }),
      seed: fc.maxSafeNat(),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ classes, labels, seed, share }) => ({
      classes,
      labels: Int32Array.from(labels, (label) => label % classes),
      seed,
      limit: Math.max(1, Math.floor(share * labels.length)),
    }));

  it('holds each example once, in order, and as many as asked for', () => {
    fc.assert(
      fc.property(cases, ({ classes, labels, seed, limit }) => {
        const chosen = balancedSubset(byIndex(labels), classes, limit, seed, 'train');
        expect(chosen.length).toBe(limit);
        expect([...chosen]).toEqual([...new Set(chosen)].sort((a, b) => a - b));
        expect(chosen.at(-1)).toBeLessThan(labels.length);
      }),
    );
  });

  it('is as equal as the classes allow', () => {
    fc.assert(
      fc.property(cases, ({ classes, labels, seed, limit }) => {
        const there = counts(labels, Uint32Array.from(labels.keys()), classes);
        const taken = counts(
          labels,
          balancedSubset(byIndex(labels), classes, limit, seed, 'train'),
          classes,
        );
        const most = Math.max(...taken);
        // A class that gives two fewer than another has no more to give.
        for (const [label, n] of taken.entries()) {
          if (n < most - 1) expect(n).toBe(there[label]);
        }
      }),
    );
  });

  it('lies within every larger one', () => {
    fc.assert(
      fc.property(cases, ({ classes, labels, seed, limit }) => {
        const larger = new Set(balancedSubset(byIndex(labels), classes, limit, seed, 'train'));
        const smaller = balancedSubset(
          byIndex(labels),
          classes,
          Math.ceil(limit / 2),
          seed,
          'train',
        );
        for (const index of smaller) expect(larger).toContain(index);
      }),
    );
  });

  it('depends on seed and split, and on nothing else', () => {
    const labels = Int32Array.from({ length: 1000 }, (_, i) => i % 10);
    const subset = (seed: number, split: 'train' | 'test') =>
      balancedSubset(byIndex(labels), 10, 100, seed, split);
    expect(subset(1, 'train')).toEqual(subset(1, 'train'));
    const overlap = (a: Uint32Array, b: Uint32Array) =>
      a.filter((index) => b.includes(index)).length;
    // Of two independent hundreds out of a thousand, about ten are in both; 40 is more than eight deviations off.
    expect(overlap(subset(1, 'train'), subset(2, 'train'))).toBeLessThan(40);
    expect(overlap(subset(1, 'train'), subset(1, 'test'))).toBeLessThan(40);
  });

  it('keeps images, labels and source indices together', () => {
    const split = {
      images: Uint8Array.from({ length: 12 }, (_, i) => i),
      labels: Int32Array.of(5, 6, 7),
      indices: Uint32Array.of(10, 20, 30),
      count: 3,
    };
    expect(takeExamples(split, Uint32Array.of(0, 2))).toEqual({
      images: Uint8Array.of(0, 1, 2, 3, 8, 9, 10, 11),
      labels: Int32Array.of(5, 7),
      indices: Uint32Array.of(10, 30),
      count: 2,
    });
  });
});

describe('limits', () => {
  it('take a subset, whose statistics are of the whole', async () => {
    const whole = await loadDataset({ name: 'synthetic' }, { seed: 3 });
    const part = await loadDataset({ name: 'synthetic', limit: 100, testLimit: 33 }, { seed: 3 });
    expect(part.train.count).toBe(100);
    expect(part.test.count).toBe(33);
    expect(part.info).toEqual(whole.info);
    expect(part.statistics).toEqual(whole.statistics);
    expect(part.hash).not.toBe(whole.hash);
    const bytes = 32 * 32 * 3;
    for (const [i, index] of part.train.indices.entries()) {
      expect(part.train.labels[i]).toBe(whole.train.labels[index]);
      const image = part.train.images.subarray(i * bytes, (i + 1) * bytes);
      expect(
        Buffer.compare(image, whole.train.images.subarray(index * bytes, (index + 1) * bytes)),
      ).toBe(0);
    }
    expect(counts(whole.train.labels, part.train.indices, 10)).toEqual(new Array(10).fill(10));
  });

  it('larger than the set are a usage error with both numbers', async () => {
    const error = await failure(() => loadDataset({ name: 'synthetic', limit: 5001 }, { seed: 0 }));
    expect(error.kind).toBe('usage');
    expect(error.message).toBe('data.limit is 5,001, but synthetic has 5,000 training examples.');
    const test = await failure(() =>
      loadDataset({ name: 'synthetic', testLimit: 9999 }, { seed: 0 }),
    );
    expect(test.message).toBe('data.testLimit is 9,999, but synthetic has 1,000 test examples.');
  });
});
