import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochOrder, streamedOrder } from '../../src/batches/order.js';
import { Random } from '../../src/random.js';

describe('the order of an epoch', () => {
  it('is a permutation, the same for the same seed and epoch', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(5),
        (count, blocks, epoch) => {
          const order = epochOrder(7, epoch, count, { window: 32 * blocks });
          expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
          expect(epochOrder(7, epoch, count, { window: 32 * blocks })).toEqual(order);
        },
      ),
    );
  });

  it('is that of memory for a set of one window, and another one for each epoch', () => {
    const inMemory = new Random(3, 'order', 4).permutation(500);
    expect(epochOrder(3, 4, 500)).toEqual(inMemory);
    expect(epochOrder(3, 4, 500, { window: 512 })).toEqual(inMemory);
    expect(epochOrder(3, 4, 500, { window: 256 })).not.toEqual(inMemory);
    expect(epochOrder(3, 5, 500, { window: 256 })).not.toEqual(
      epochOrder(3, 4, 500, { window: 256 }),
    );
  });

  it('reads a window from some pieces of the disk, and has all classes in it', () => {
    // 100 classes one after another, 320 examples each.
    const window = 3200;
    const order = epochOrder(1, 0, 32_000, { window });
    for (let first = 0; first < order.length; first += window) {
      const positions = order.slice(first, first + window);
      // Whole blocks of 32 neighbors, but mixed: no neighbors follow each other more often than by chance.
      expect(new Set(positions.map((position) => position >> 5)).size).toBe(window / 32);
      const neighbors = positions.filter((position, i) => position === positions[i - 1]! + 1);
      expect(neighbors.length).toBeLessThan(20);
      // 100 blocks from 100 classes: 63 different ones are expected, with a deviation of 3.
      expect(new Set(positions.map((position) => Math.floor(position / 320))).size).toBeGreaterThan(
        40,
      );
    }
  });

  it('has windows of 512 MiB of images, in whole blocks', () => {
    expect(streamedOrder(128 * 128 * 3).window).toBe(10_912);
    expect(streamedOrder(2 ** 30).window).toBe(32);
  });
});
