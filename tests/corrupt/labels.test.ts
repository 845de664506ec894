import { describe, expect, it } from 'vitest';
import type { LabelCorruption } from '../../src/config/corruptions.js';
import { drawLabel } from '../../src/corrupt/apply.js';
import { corruptDataset, transitionMatrix } from '../../src/corrupt/index.js';
import { LABEL_KINDS } from '../../src/corrupt/kinds.js';
import type { LawOf } from '../../src/corrupt/laws.js';
import { CIFAR10_CLASSES } from '../../src/data/published/classes.js';
import { chiSquared, classNames, corruption, draw, randomDataset } from './helpers.js';

const N = 30_000;
const CLASSES = 10;

/** Labels of N examples whose true classes are 0, 1, …, 9, 0, 1, … */
function labelsOf(config: LabelCorruption, seed = 1, split: 'train' | 'test' = 'train') {
  return Array.from(
    { length: N },
    (_, i) => draw(config, seed, split, i, i % CLASSES, CLASSES).label,
  );
}

const changed = (labels: number[]) => labels.filter((label, i) => label !== i % CLASSES).length;

/** Six standard deviations of a binomial proportion. */
const sixSigma = (p: number) => 6 * Math.sqrt((p * (1 - p)) / N);

describe('label corruption', () => {
  it.each([
    ['partial-labels', 0, 0],
    ['partial-labels', 0.3, 0.27],
    ['partial-labels', 1, 0.9],
    ['random-labels', 1, 0.9],
    ['flip-labels', 0, 0],
    ['flip-labels', 0.3, 0.3],
    ['flip-labels', 1, 1],
  ] as const)('%s at %d changes %d of the labels', (kind, fraction, rate) => {
    const realized = changed(labelsOf(corruption(kind, { fraction }))) / N;
    expect(Math.abs(realized - rate)).toBeLessThanOrEqual(sixSigma(rate));
  });

  it('selects with probability p, whether or not the label comes out the same', () => {
    const config = corruption('partial-labels', { fraction: 0.4 });
    let [drawn, same] = [0, 0];
    for (let i = 0; i < N; i++) {
      const drew = draw(config, 2, 'train', i, i % CLASSES, CLASSES);
      if (drew.drawn) drawn++;
      if (drew.drawn && drew.label === i % CLASSES) same++;
    }
    expect(Math.abs(drawn / N - 0.4)).toBeLessThan(sixSigma(0.4));
    expect(Math.abs(same / N - 0.04)).toBeLessThan(sixSigma(0.04));
  });

  it('replaces by every class alike, given the true class: not a permutation of the classes', () => {
    const labels = labelsOf(corruption('random-labels'));
    for (let trueClass = 0; trueClass < CLASSES; trueClass++) {
      const counts = new Array<number>(CLASSES).fill(0);
      for (let i = trueClass; i < N; i += CLASSES) counts[labels[i]!]!++;
      // 9 degrees of freedom: above 55 about once in 10⁸ seeds, ten times here.
      expect(
        chiSquared(
          counts,
          counts.map(() => N / 100),
        ),
      ).toBeLessThan(55);
    }
  });

  it('flips to every other class alike', () => {
    const labels = labelsOf(corruption('flip-labels'));
    for (let trueClass = 0; trueClass < CLASSES; trueClass++) {
      const counts = new Array<number>(CLASSES).fill(0);
      for (let i = trueClass; i < N; i += CLASSES) counts[labels[i]!]!++;
      expect(counts[trueClass]).toBe(0);
      const others = counts.filter((_, label) => label !== trueClass);
      expect(
        chiSquared(
          others,
          others.map(() => N / 90),
        ),
      ).toBeLessThan(55);
    }
  });

  it('makes partial-labels at 1 the same as random-labels', () => {
    expect(labelsOf(corruption('partial-labels'))).toEqual(labelsOf(corruption('random-labels')));
  });

  it.each(['random-labels', 'flip-labels'] as const)(
    '%s draws train and test, and two seeds, independently',
    (kind) => {
      const config = corruption(kind, { fraction: 1 });
      const base = labelsOf(config);
      // Two uniform labels agree in one of ten; two flips of one label in one of nine.
      const p = kind === 'random-labels' ? 1 / 10 : 1 / 9;
      for (const other of [labelsOf(config, 1, 'test'), labelsOf(config, 2)]) {
        const agree = base.filter((label, i) => label === other[i]).length / N;
        expect(Math.abs(agree - p)).toBeLessThan(sixSigma(p));
      }
    },
  );

  it('gives the same label at every access, in any order', () => {
    const config = corruption('partial-labels', { fraction: 0.5 });
    const forward = labelsOf(config);
    for (let i = N - 1; i >= 0; i -= 7) {
      expect(draw(config, 1, 'train', i, i % CLASSES, CLASSES).label).toBe(forward[i]);
    }
  });

  it.each([2, 3, 10])(
    'pair-flips takes a class to the next of %i, the last to the first',
    (classes) => {
      const flips = corruption('pair-flips', { fraction: 0.4 });
      const matrix = transitionMatrix([flips], classNames(classes));
      for (let label = 0; label < classes; label++) {
        const next = label === classes - 1 ? 0 : label + 1;
        const { drawn, label: flipped } = draw(
          { ...flips, fraction: 1 },
          1,
          'test',
          5,
          label,
          classes,
        );
        expect([drawn, flipped]).toEqual([true, next]);
        const expected = new Array<number>(classes).fill(0);
        expected[label] = 0.6;
        expected[next] = 0.4;
        expect(matrix[label]).toEqual(expected);
      }
    },
  );

  it('refuses to flip the label of a single class', () => {
    const dataset = randomDataset({ train: 5, test: 5 });
    const single = { ...dataset, info: { ...dataset.info, classes: ['0'] } };
    const flip = () => corruptDataset(single, [corruption('flip-labels')], 1);
    expect(flip).toThrow('flip-labels needs at least 2 classes, and the data has 1.');
  });

  it('never changes its bits', () => {
    const first = (config: LabelCorruption) => labelsOf(config, 7, 'train').slice(0, 20).join('');
    expect(first(corruption('random-labels'))).toBe('99116002912948251953');
    expect(first(corruption('partial-labels', { fraction: 0.5 }))).toBe('09134067910128451983');
    expect(first(corruption('flip-labels', { fraction: 0.5 }))).toBe('01239504899490233278');
    expect(first(corruption('pair-flips', { fraction: 0.5 }))).toBe('01334677891123467790');
    const mistaken = LABEL_KINDS['asymmetric-flips'] as { law: LawOf };
    const law = mistaken.law('asymmetric-flips', CIFAR10_CLASSES);
    const labels = Array.from({ length: 20 }, (_, i) =>
      drawLabel(law, 0.5, 7, 'train', i, i % CLASSES),
    );
    expect(labels.map(({ label }) => label).join('')).toBe('01034567890123756781');
  });
});
