import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PixelCorruption } from '../../src/config/corruptions.js';
import { pixelCorruption } from '../../src/corrupt/apply.js';
import type { SplitName } from '../../src/data/types.js';
import { corruption } from './helpers.js';

const SIZE = { height: 16, width: 16, channels: 3 };
const STATISTICS = { mean: [60, 128, 190], variance: [900, 2500, 400] };

/** Every position has bytes of its own: (position, position + 1, position + 2) mod 256. */
const IMAGE = Uint8Array.from({ length: 768 }, (_, i) => (Math.floor(i / 3) + (i % 3)) % 256);

function corrupt(
  config: PixelCorruption,
  split: SplitName = 'train',
  index = 0,
  seed = 1,
): Uint8Array {
  const image = IMAGE.slice();
  pixelCorruption(config, seed, SIZE, STATISTICS)(image, split, index);
  return image;
}

const sorted = (image: Uint8Array) => [...image].sort((a, b) => a - b);

/** Where the byte of the first channel of each position came from. */
const origins = (image: Uint8Array) => Array.from({ length: 256 }, (_, p) => image[3 * p]!);

describe('shuffled pixels', () => {
  it.each(['together', 'mixed'] as const)('%s: one permutation for all images', (channels) => {
    const config = corruption('shuffled-pixels', { channels });
    const base = corrupt(config);
    expect(base).not.toEqual(IMAGE);
    expect(corrupt(config, 'train', 5)).toEqual(base);
    expect(corrupt(config, 'test', 7)).toEqual(base);
    expect(corrupt(config, 'train', 0, 2)).not.toEqual(base);
    expect(sorted(base)).toEqual(sorted(IMAGE));
  });

  it('moves positions: what was equal in two images stays equal at the same place', () => {
    const one = pixelCorruption(corruption('shuffled-pixels'), 1, SIZE, STATISTICS);
    const [marked, blank] = [new Uint8Array(768), new Uint8Array(768)];
    marked.set([1, 2, 3], 30);
    one(marked, 'train', 0);
    one(blank, 'train', 1);
    const at = marked.indexOf(1);
    expect(at % 3).toBe(0);
    expect([...marked.subarray(at, at + 3)]).toEqual([1, 2, 3]);
    expect(blank.every((byte) => byte === 0)).toBe(true);
  });
});

describe('random pixels', () => {
  it.each(['together', 'mixed'] as const)('%s: a permutation for each image', (channels) => {
    const config = corruption('random-pixels', { channels });
    const images = [corrupt(config), corrupt(config, 'train', 1), corrupt(config, 'test', 0)];
    images.push(corrupt(config, 'train', 0, 2));
    for (const image of images) expect(sorted(image)).toEqual(sorted(IMAGE));
    expect(new Set(images.map(String)).size).toBe(4);
    expect(corrupt(config, 'train', 1)).toEqual(images[1]);
  });

  it('together: keeps the channels of a position, and every position once', () => {
    const image = corrupt(corruption('random-pixels'));
    const from = origins(image);
    expect(new Set(from).size).toBe(256);
    from.forEach((p, to) => {
      expect([...image.subarray(3 * to, 3 * to + 3)]).toEqual([p, (p + 1) % 256, (p + 2) % 256]);
    });
  });

  it('mixed: takes channels apart', () => {
    const image = corrupt(corruption('random-pixels', { channels: 'mixed' }));
    let together = 0;
    for (let i = 0; i < 768; i += 3) if (image[i + 1] === (image[i]! + 1) % 256) together++;
    // One of 256 by chance: 1 expected, Poisson.
    expect(together).toBeLessThan(20);
  });

  it('moves every position everywhere', () => {
    const n = 3000;
    const config = corruption('random-pixels');
    let [sum, fixed] = [0, 0];
    for (let i = 0; i < n; i++) {
      const from = origins(corrupt(config, 'train', i));
      sum += from[17]!;
      fixed += from.filter((p, to) => p === to).length;
    }
    // Uniform on 0…255: standard deviation 73.9. Fixed points: mean 1, variance 1.
    expect(Math.abs(sum / n - 127.5)).toBeLessThan((6 * 73.9) / Math.sqrt(n));
    expect(Math.abs(fixed / n - 1)).toBeLessThan(6 / Math.sqrt(n));
  });
});

describe('a fraction of the images', () => {
  it.each(['shuffled-pixels', 'random-pixels', 'gaussian'] as const)(
    '%s: each on its own, 0.2 a part of 0.6, unselected images untouched',
    (kind) => {
      const n = 3000;
      const selectedAt = (fraction: number, split: SplitName) => {
        const change = pixelCorruption(corruption(kind, { fraction }), 3, SIZE, STATISTICS);
        return Array.from({ length: n }, (_, i) => {
          const image = IMAGE.slice();
          const selected = change(image, split, i);
          expect(Buffer.compare(image, IMAGE) !== 0).toBe(selected);
          return selected;
        });
      };
      const [low, high, test] = [
        selectedAt(0.2, 'train'),
        selectedAt(0.6, 'train'),
        selectedAt(0.2, 'test'),
      ];
      const rate = (selected: boolean[]) => selected.filter(Boolean).length / n;
      expect(Math.abs(rate(low) - 0.2)).toBeLessThan(6 * Math.sqrt(0.16 / n));
      expect(Math.abs(rate(high) - 0.6)).toBeLessThan(6 * Math.sqrt(0.24 / n));
      expect(low.every((selected, i) => !selected || high[i])).toBe(true);
      expect(test).not.toEqual(low);
    },
  );

  it('is nothing at 0', () => {
    expect(corrupt(corruption('gaussian', { fraction: 0 }))).toEqual(IMAGE);
  });
});

describe('bits', () => {
  it.each([
    ['shuffled-pixels', {}, 'f6fb8b836f409d35'],
    ['shuffled-pixels', { channels: 'mixed' }, 'd2968d698355ae35'],
    ['random-pixels', {}, '1905f6c6b63c9265'],
    ['random-pixels', { channels: 'mixed' }, 'e3fe8e4b88b54f00'],
    ['gaussian', {}, 'f352221b3663e526'],
    ['gaussian', { statistics: 'global' }, '85cfaa454673cf8e'],
  ] as const)('%s %j never change', (kind, rest, expected) => {
    const hash = createHash('sha256');
    const change = pixelCorruption(corruption(kind, rest), 2 ** 40 + 1, SIZE, STATISTICS);
    for (const split of ['train', 'test'] as const) {
      for (const index of [0, 1, 49_999]) {
        const image = IMAGE.slice();
        change(image, split, index);
        hash.update(image);
      }
    }
    expect(hash.digest('hex').slice(0, 16)).toBe(expected);
  });
});
