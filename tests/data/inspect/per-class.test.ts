import { expect, it } from 'vitest';
import { untestedNote } from '../../../src/data/inspect/per-class.js';

it('names the classes that no test image is of', () => {
  expect(untestedNote(['a', 'b'], [1, 2])).toBeUndefined();
  expect(untestedNote(['a', 'b', 'c'], [1, 0, 2])).toBe('1 of 3 classes has no test images: "b".');
  const many = Array.from({ length: 1000 }, (_, i) => `n${i}`);
  const none = many.map(() => 0);
  expect(untestedNote(many, none)).toMatch(
    /^1,000 of 1,000 classes have .*"n0", .*"n9", … and 990 more\.$/,
  );
});
