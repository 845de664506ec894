import { describe, expect, it } from 'vitest';
import { deriveSeed, philox4x32, Random } from '../src/random.js';

const block = (
  counter: [number, number, number, number],
  key: [number, number],
): readonly number[] => {
  const out = new Uint32Array(4);
  philox4x32(counter, key, out);
  return [...out];
};

describe('philox4x32', () => {
  // Known answers published with Random123.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published answer for counter %j, key %j', (counter, key, expected) => {
    expect(block(counter as [number, number, number, number], key as [number, number])).toEqual(
      expected,
    );
  });
});

describe('Random', () => {
  it('is a function of seed, purpose and index, and of nothing else', () => {
    const draw = (seed: number, purpose: string, index: number) =>
      Array.from(
        { length: 9 },
        (
          (r) => () =>
            r.uint32()
        )(new Random(seed, purpose, index)),
      );
    new Random(1, 'other', 7).normal();
    expect(draw(1, 'labels', 7)).toEqual(draw(1, 'labels', 7));
    const all = [draw(1, 'labels', 7), draw(2, 'labels', 7), draw(1, 'pixels', 7)];
    all.push(draw(1, 'labels', 8), draw(1 + 2 ** 32, 'labels', 7));
    expect(new Set(all.flat()).size).toBe(45);
  });

  it('never changes its bits', () => {
    const random = new Random(2 ** 40 + 3, 'known answer', 5);
    expect(Array.from({ length: 5 }, () => random.uint32())).toEqual([
      1256683895, 2888549066, 2966941924, 3486221142, 2122377458,
    ]);
    expect(Array.from({ length: 5 }, () => random.integer(1000))).toEqual([
      786, 293, 789, 799, 480,
    ]);
    expect(Array.from({ length: 2 }, () => random.uniform())).toEqual([
      0.5969205338346789, 0.5504306286472909,
    ]);
    expect([...random.permutation(8)]).toEqual([1, 4, 2, 7, 3, 0, 6, 5]);
  });

  it('keeps the streams of a pair of indices apart', () => {
    const first = (index: number, subindex?: number) =>
      new Random(1, 'pair', index, subindex).uint32();
    expect(first(3)).toBe(first(3, 0));
    expect(new Set([first(3), first(3, 1), first(1, 3), first(1), first(4, 1)]).size).toBe(5);
  });

  it('refuses to draw from nothing', () => {
    for (const n of [0, -1, Number.NaN]) {
      expect(() => new Random(1, 'x').integer(n)).toThrow(/no integer/);
    }
  });

  it('refuses a seed it cannot hold', () => {
    for (const seed of [-1, 1.5, 2 ** 53, Number.NaN]) {
      expect(() => new Random(seed, 'x')).toThrow(/integer from 0/);
    }
  });

  it('draws integers without bias', () => {
    const random = new Random(3, 'integers');
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[random.integer(10)]!++;
    // χ² with 9 degrees of freedom: above 50 about once in 10⁷ seeds.
    const chi2 = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(50);
  });

  it('draws normals with mean 0, variance 1 and kurtosis 3', () => {
    const random = new Random(4, 'normals');
    const n = 200_000;
    let [m1, m2, m4] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = random.normal();
      m1 += x / n;
      m2 += x ** 2 / n;
      m4 += x ** 4 / n;
    }
    // Six standard errors each.
    expect(Math.abs(m1)).toBeLessThan(6 / Math.sqrt(n));
    expect(Math.abs(m2 - 1)).toBeLessThan(6 * Math.sqrt(2 / n));
    expect(Math.abs(m4 - 3)).toBeLessThan(6 * Math.sqrt(96 / n));
  });

  it('permutes uniformly', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const key = [...new Random(5, 'order', i).permutation(4)].join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chi2 = [...counts.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0);
    // 23 degrees of freedom: above 80 about once in 10⁷ seeds.
    expect(chi2).toBeLessThan(80);
  });

  it('truncates normals at two standard deviations', () => {
    const random = new Random(6, 'truncated');
    const xs = Array.from({ length: 10_000 }, () => random.truncatedNormal());
    expect(Math.max(...xs.map(Math.abs))).toBeLessThanOrEqual(2);
    const variance = xs.reduce((sum, x) => sum + x * x, 0) / xs.length;
    expect(Math.abs(variance - 0.7737)).toBeLessThan(0.06);
  });
});

describe('deriveSeed', () => {
  it('differs by seed and purpose and never changes', () => {
    const seeds = [deriveSeed(0, 'data'), deriveSeed(0, 'init'), deriveSeed(1, 'data')];
    expect(new Set(seeds).size).toBe(3);
    for (const seed of seeds) expect(seed).toBeLessThan(2 ** 48);
    expect(deriveSeed(0, 'data')).toBe(deriveSeed(0, 'data'));
  });
});
