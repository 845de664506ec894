import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/config/nearest.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['limt', 'limit', 1],
    ['trian', 'train', 1],
    ['ca', 'abc', 3],
  ])('%s to %s is %d', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is symmetric, zero only for equal words, and at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('nearest', () => {
  const keys = ['learningRate', 'epochs', 'fraction'];
  it.each([
    ['learning_rate', 'learningRate'],
    ['epoch', 'epochs'],
    ['frac', 'fraction'],
    ['x', undefined],
    ['e'.repeat(1_000_000), undefined],
  ])('%.20s', (word, expected) => {
    expect(nearest(word, keys)).toBe(expected);
  });
});
