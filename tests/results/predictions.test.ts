import { describe, expect, it } from 'vitest';
import {
  confusionOf,
  MOST_PAIRS,
  MOST_WRONG,
  mostWrong,
  predictions,
  predictionsOf,
} from '../../src/results/predictions.js';

const SPLIT = {
  index: [10, 11, 12, 13, 14],
  given_label: [0, 1, 2, 2, 1],
  true_label: [0, 1, 2, 1, 0],
  prediction: [0, 2, 1, 1, 0],
  loss: [0.1, 3, 2, 4, Number.NaN],
};

describe('confusionOf', () => {
  it('counts labels, right predictions and pairs, the most frequent first', () => {
    const { given_label, prediction } = SPLIT;
    expect(confusionOf(given_label, prediction, 4)).toEqual({
      examples: [1, 2, 2, 0],
      right: [1, 0, 0, 0],
      // 2 as 1 twice; then by label: 1 as 0, 1 as 2.
      pairs: { label: [2, 1, 1], prediction: [1, 0, 2], count: [2, 1, 1] },
      left_out: { pairs: 0, examples: 0 },
    });
  });

  it('keeps the most frequent pairs of many, and says what it left out', () => {
    const classes = 200;
    const labels: number[] = [];
    const predicted: number[] = [];
    for (let a = 0; a < classes; a++) {
      for (let b = 0; b < classes; b++) {
        // The last label's pairs come twice: they must be kept.
        for (let n = a === classes - 1 ? 2 : 1; n > 0; n--) {
          labels.push(a);
          predicted.push(b);
        }
      }
    }
    const { pairs, left_out, right } = confusionOf(labels, predicted, classes);
    const wrong = classes * (classes - 1);
    expect(pairs.count).toHaveLength(MOST_PAIRS);
    expect(pairs.label.slice(0, classes - 1).every((label) => label === classes - 1)).toBe(true);
    expect(left_out).toEqual({ pairs: wrong - MOST_PAIRS, examples: wrong - MOST_PAIRS });
    expect(right[0]).toBe(1);
  });
});

describe('mostWrong', () => {
  it('gives wrong ones alone, the greatest loss first, NaN before all', () => {
    const wrong = mostWrong(SPLIT, 'given_label');
    expect(wrong.map(({ index }) => index)).toEqual([14, 13, 11, 12]);
    expect(wrong[1]).toEqual({ index: 13, given_label: 2, true_label: 1, prediction: 1, loss: 4 });
    expect(mostWrong(SPLIT, 'true_label').map(({ index }) => index)).toEqual([11, 12]);
  });

  it('gives a bounded number', () => {
    const many = Array.from({ length: 3 * MOST_WRONG }, (_, i) => i);
    const ones = many.map(() => 1);
    const split = {
      index: many,
      given_label: ones,
      true_label: ones,
      prediction: many.map(() => 0),
      loss: many,
    };
    const wrong = mostWrong(split, 'given_label');
    expect(wrong).toHaveLength(MOST_WRONG);
    expect(wrong[0]!.index).toBe(3 * MOST_WRONG - 1);
  });
});

it('what is written is what its schema says, and is read back', () => {
  const content = {
    epoch: 3,
    step: 9,
    ...predictionsOf(['a', 'b', 'c'], SPLIT, { ...SPLIT, loss: [1, 2, 3, 4, 5] }),
  };
  expect(predictions.written(content)).toBe(content);
  expect(
    predictions.missing(
      predictions.schema.parse(JSON.parse(JSON.stringify(content).replace('null', '"NaN"'))),
    ),
  ).toEqual([]);
  const { step: _, ...older } = content;
  expect(
    predictions.missing(
      predictions.schema.parse({ ...older, train: { ...older.train, wrong: [] }, more: 1 }),
    ),
  ).toEqual(['step']);
});
