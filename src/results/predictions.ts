import { z } from 'zod';
import { anyNumber } from '../disk/json.js';
import { keep, type Stored } from './stored.js';

/** `predictions.json`: what a network says of its examples at the end of a run, in little. */

const count = z.int().min(0);

/** Confusion of labels and predictions: how often each label was predicted as itself, and as which others how often. */
const confusion = z.strictObject({
  /** By label: examples that have it, and those of them that are predicted right. */
  examples: z.array(count),
  right: z.array(count),
  /** Labels predicted as another class, the most frequent first: three columns. */
  pairs: z.strictObject({
    label: z.array(count),
    prediction: z.array(count),
    count: z.array(count),
  }),
  /** Of these, what there was no room for. */
  left_out: z.strictObject({ pairs: count, examples: count }),
});

/** A wrong prediction of which the network is sure: the loss of the label is high. */
const wrong = z.strictObject({
  /** Source index. */
  index: count,
  given_label: count,
  true_label: count,
  prediction: count,
  /** Cross-entropy with the label that it is held against, in nats. */
  loss: anyNumber,
});

const PREDICTIONS = {
  /** Of the weights: completed. */
  epoch: count,
  step: count,
  /** Names, in order of label. */
  classes: z.array(z.string()),
  /** Against the labels trained on and the true ones; the wrong ones against those trained on. */
  train: z.strictObject({ given: confusion, true: confusion, wrong: z.array(wrong) }),
  /** Against the true labels. */
  test: z.strictObject({ true: confusion, wrong: z.array(wrong) }),
};

const NEEDED = [
  ...['epoch', 'classes', 'examples', 'right', 'pairs', 'label', 'prediction', 'count'],
  ...['index', 'true_label', 'loss'],
] as const;

export const predictions = keep(PREDICTIONS, [...NEEDED]);
export type Predictions = z.output<z.ZodObject<typeof PREDICTIONS>>;
export type StoredPredictions = Stored<Predictions, (typeof NEEDED)[number]>;
export type Confusion = z.output<typeof confusion>;
export type WrongExample = z.output<typeof wrong>;

/** All pairs of a hundred classes; of a thousand, those that matter. */
export const MOST_PAIRS = 10_000;
/** Wrong examples of a split. */
export const MOST_WRONG = 50;

type Numbers = ArrayLike<number>;

/** The confusion of labels and predictions, both [count]. */
export function confusionOf(labels: Numbers, predicted: Numbers, classes: number): Confusion {
  const examples = new Array<number>(classes).fill(0);
  const right = new Array<number>(classes).fill(0);
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    const [label, prediction] = [labels[i]!, predicted[i]!];
    examples[label]!++;
    if (label === prediction) right[label]!++;
    else {
      const key = label * classes + prediction;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const all = [...counts].sort(([a, n], [b, m]) => m - n || a - b);
  const kept = all.slice(0, MOST_PAIRS);
  return {
    examples,
    right,
    pairs: {
      label: kept.map(([key]) => Math.floor(key / classes)),
      prediction: kept.map(([key]) => key % classes),
      count: kept.map(([, n]) => n),
    },
    left_out: {
      pairs: all.length - kept.length,
      examples: all.slice(MOST_PAIRS).reduce((sum, [, n]) => sum + n, 0),
    },
  };
}

/** Examples of a split with what a network says of them; arrays are [count]. */
export interface PredictedSplit {
  index: Numbers;
  given_label: Numbers;
  true_label: Numbers;
  prediction: Numbers;
  /** Of the label that predictions are held against. */
  loss: Numbers;
}

/**
 * The examples that are predicted wrong with the greatest loss, the greatest first.
 *
 * @param against Which labels predictions and losses are held against.
 */
export function mostWrong(
  split: PredictedSplit,
  against: 'given_label' | 'true_label',
): WrongExample[] {
  const loss = (i: number) =>
    Number.isNaN(split.loss[i]) ? Number.POSITIVE_INFINITY : split.loss[i]!;
  const wrong: number[] = [];
  for (let i = 0; i < split.prediction.length; i++) {
    if (split.prediction[i] !== split[against][i]) wrong.push(i);
  }
  wrong.sort((a, b) => (loss(a) === loss(b) ? a - b : loss(b) - loss(a)));
  return wrong.slice(0, MOST_WRONG).map((i) => ({
    index: split.index[i]!,
    given_label: split.given_label[i]!,
    true_label: split.true_label[i]!,
    prediction: split.prediction[i]!,
    loss: split.loss[i]!,
  }));
}

/** All of `predictions.json` but the place. */
export function predictionsOf(
  classes: readonly string[],
  train: PredictedSplit,
  test: PredictedSplit,
): Omit<Predictions, 'epoch' | 'step'> {
  const n = classes.length;
  return {
    classes: [...classes],
    train: {
      given: confusionOf(train.given_label, train.prediction, n),
      true: confusionOf(train.true_label, train.prediction, n),
      wrong: mostWrong(train, 'given_label'),
    },
    test: {
      true: confusionOf(test.true_label, test.prediction, n),
      wrong: mostWrong(test, 'true_label'),
    },
  };
}
