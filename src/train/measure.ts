import type { CountedEvalChunk } from '../batches/chunks.js';
import type { HostState, Session } from '../engines/types.js';
import type { EpochRow } from '../results/training.js';
import { accuracy, type Evaluation, evaluateSplit, mean, topAccuracy } from './evaluate.js';

/** The examples a run is measured on. */
export interface MeasuredData {
  train: {
    /** Batches with the labels trained on. */
    chunks: () => Iterable<CountedEvalChunk> | AsyncIterable<CountedEvalChunk>;
    /** Labels trained on, [count]. */
    labels: Int32Array;
    trueLabels: Int32Array;
    /** 1 where the label trained on differs from the true one, or the image was corrupted, [count]. */
    corrupted: Uint8Array;
  };
  test: {
    /** Batches with the true labels. */
    chunks: () => Iterable<CountedEvalChunk> | AsyncIterable<CountedEvalChunk>;
    labels: Int32Array;
    /** Given where accuracy against equally corrupted test labels is wanted. */
    corruptedLabels?: Int32Array;
  };
  /** Whether top-5 accuracy is wanted. */
  top5: boolean;
}

/** Follows from the epochs before. */
type BestSoFar = 'best_test_accuracy' | 'best_test_top5_accuracy';

type Measurement = Omit<
  EpochRow,
  'epoch' | 'step' | 'seconds' | 'images_per_second' | 'learning_rate' | BestSoFar
>;

/** What a network says of every example that it is measured on. */
export interface Evaluated {
  train: Evaluation;
  test: Evaluation;
}

/** Evaluates both splits with the weights as they are now. */
export async function evaluate(session: Session, data: MeasuredData): Promise<Evaluated> {
  const { train, test } = data;
  return {
    train: await evaluateSplit(session, train.chunks(), train.labels.length),
    test: await evaluateSplit(session, test.chunks(), test.labels.length),
  };
}

/** Everything an epoch's row says of the weights as they are now, and were when they were evaluated. */
export async function measure(
  session: Session,
  data: MeasuredData,
  { train: onTrain, test: onTest }: Evaluated,
): Promise<Measurement> {
  const { train, test } = data;
  const trainAccuracy = accuracy(onTrain.prediction, train.labels) ?? Number.NaN;
  const testAccuracy = accuracy(onTest.prediction, test.labels) ?? Number.NaN;
  const part = (marked: 0 | 1) =>
    accuracy(onTrain.prediction, train.labels, { mask: train.corrupted, marked });
  return {
    train_loss: mean(onTrain.loss),
    train_accuracy: trainAccuracy,
    test_loss: mean(onTest.loss),
    test_accuracy: testAccuracy,
    generalization_gap: trainAccuracy - testAccuracy,
    true_label_accuracy: accuracy(onTrain.prediction, train.trueLabels) ?? Number.NaN,
    corrupted_accuracy: part(1),
    clean_accuracy: part(0),
    weight_norm: weightNorm(await session.getState()),
    ...(test.corruptedLabels && {
      corrupted_test_accuracy: accuracy(onTest.prediction, test.corruptedLabels) ?? Number.NaN,
    }),
    ...(data.top5 && {
      train_top5_accuracy: topAccuracy(onTrain.rank, 5),
      test_top5_accuracy: topAccuracy(onTest.rank, 5),
    }),
  };
}

/** ℓ2 norm of all trained parameters (biases and shifts count, running statistics do not). */
export function weightNorm(state: HostState): number {
  let sum = 0;
  for (const [name, { data }] of Object.entries(state)) {
    if (!name.startsWith('param/')) continue;
    for (const value of data) sum += value * value;
  }
  return Math.sqrt(sum);
}
