import { describe, expect, it } from 'vitest';
import { corruptDataset, transitionMatrix } from '../../src/corrupt/index.js';
import { empiricalTransition } from '../../src/corrupt/transition.js';
import { classNames, corruption, randomDataset } from './helpers.js';

const kinds = [
  [corruption('partial-labels', { fraction: 0.4 })],
  [corruption('random-labels')],
  [corruption('flip-labels', { fraction: 0.3 })],
  [corruption('partial-labels', { fraction: 0.4 }), corruption('flip-labels', { fraction: 0.3 })],
];

describe('transitionMatrix', () => {
  it('is exact for each kind', () => {
    const diagonalAndRest = (i: number) =>
      transitionMatrix(kinds[i]!, classNames(10))[0]!.slice(0, 2);
    expect(diagonalAndRest(0)).toEqual([expect.closeTo(0.64), expect.closeTo(0.04)]);
    expect(diagonalAndRest(1)).toEqual([expect.closeTo(0.1), expect.closeTo(0.1)]);
    expect(diagonalAndRest(2)).toEqual([expect.closeTo(0.7), expect.closeTo(0.3 / 9)]);
    // Still true: kept twice, or changed by the first and flipped back by the second.
    expect(diagonalAndRest(3)[0]).toBeCloseTo(0.64 * 0.7 + (0.36 * 0.3) / 9);
  });

  it('has rows that sum to one', () => {
    for (const list of kinds) {
      for (const row of transitionMatrix(list, classNames(7))) {
        expect(row.reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
      }
    }
  });

  it('is the identity for true labels and corrupted pixels', () => {
    for (const list of [[], [corruption('gaussian')]]) {
      expect(transitionMatrix(list, classNames(2))).toEqual([
        [1, 0],
        [0, 1],
      ]);
    }
    expect(transitionMatrix([corruption('random-labels')], classNames(1))).toEqual([[1]]);
  });
});

describe('empiricalTransition', () => {
  it('counts', () => {
    expect(empiricalTransition([0, 0, 0, 0, 1], [0, 1, 0, 0, 0], 2)).toEqual([
      [0.75, 0.25],
      [1, 0],
    ]);
  });

  it('comes near the matrix of two corruptions in a row', () => {
    const list = kinds.at(-1)!;
    const dataset = randomDataset({ train: 20_000, test: 10 }, 1);
    const { train } = corruptDataset(dataset, list, 3);
    const measured = empiricalTransition(train.trueLabels, train.labels, 10);
    transitionMatrix(list, classNames(10)).forEach((row, i) => {
      row.forEach((p, j) => {
        // About 2,000 examples a row, never fewer than 1,700.
        expect(Math.abs(measured[i]![j]! - p)).toBeLessThan(6 * Math.sqrt((p * (1 - p)) / 1700));
      });
    });
  });

  it('refuses a class without an example', () => {
    expect(() => empiricalTransition([0, 2], [0, 2], 3)).toThrow(/No example of class 1/);
  });
});
