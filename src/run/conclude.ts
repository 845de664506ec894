import type { Session } from '../engines/types.js';
import { writeExampleTable } from '../record/example-table.js';
import {
  eachExampleEpoch,
  exampleEpochs,
  readExampleLabels,
  writeExampleLabels,
} from '../record/examples.js';
import { labelsDigest, writeMember } from '../record/memorization.js';
import type { RunDirectory } from '../record/run-directory.js';
import { detections, scoreExamples } from '../results/examples.js';
import { predictionsOf } from '../results/predictions.js';
import type { Progress, WrittenResult } from '../results/training.js';
import { exampleLabels } from '../setup/example-labels.js';
import { chunksOf, type Prepared } from '../setup/training.js';
import { evaluateSplit } from '../train/evaluate.js';
import type { LoopResult } from '../train/loop.js';
import { type Evaluated, evaluate } from '../train/measure.js';

/** What a run writes of its single examples: before its first step, and at its end. */

/** Writes what is known of the examples before the first step. */
export function beginExamples(prepared: Prepared, directory: RunDirectory): void {
  writeExampleLabels(directory.path, exampleLabels(prepared), () => directory.confirm());
}

/** Writes `predictions.json` of a run that has used up its epochs or fitted. */
export async function writePredictions(
  { data, info, measured }: Prepared,
  directory: RunDirectory,
  session: Session,
  { epoch, step }: Progress,
  evaluated: Evaluated | null,
): Promise<void> {
  // Killed after its last checkpoint, a run comes here without an evaluation: its weights give the same once more.
  const { train, test } = evaluated ?? (await evaluate(session, measured));
  const split = (name: 'train' | 'test', { prediction, loss }: Evaluated['train']) => ({
    index: data[name].indices,
    given_label: data[name].labels,
    true_label: data[name].trueLabels,
    prediction,
    loss,
  });
  const content = predictionsOf(info.classes, split('train', train), split('test', test));
  directory.writePredictions({ epoch, step, ...content });
}

/** Writes what a member of `experiment: memorization` predicts of all examples, whether it was trained on them or not. */
export async function writeMemberPredictions(
  prepared: Prepared,
  whole: NonNullable<Prepared['whole']>,
  { directory, session, member }: { directory: RunDirectory; session: Session; member: number },
): Promise<void> {
  const { measured, data } = prepared;
  const { split, included } = whole;
  const train = await evaluateSplit(session, chunksOf(split, prepared), split.count);
  const test = await evaluateSplit(session, measured.test.chunks(), data.test.count);
  const labels = labelsDigest(split, data.test);
  const predictions = { train: train.prediction, test: test.prediction };
  writeMember(directory.path, { member, labels, included, ...predictions }, () =>
    directory.confirm(),
  );
}

/**
 * Scores the recorded examples, writes `examples.parquet`, and says how well each score finds the changed labels.
 *
 * @param tell Hears of what can't be read and is left out.
 * @returns `undefined` where no epoch was recorded.
 */
export async function concludeExamples(
  directory: RunDirectory,
  tell: (sentence: string) => void,
): Promise<WrittenResult['examples']> {
  if (exampleEpochs(directory.path).length === 0) return undefined;
  const labels = readExampleLabels(directory.path);
  const { given_label, changed } = labels;
  const scores = scoreExamples(labels, eachExampleEpoch(directory.path, given_label.length, tell));
  const [first] = scores.epochs;
  if (first === undefined) return undefined;
  await writeExampleTable(directory.path, labels, scores, () => directory.confirm());
  return {
    epochs: scores.epochs.length,
    first_epoch: first,
    changed: changed.reduce((sum, flag) => sum + flag, 0),
    scores: detections(scores, changed),
  };
}

/** Whether a run has come to an end by itself, and not by a signal or a step that was not finite. */
export function hasEnded({ outcome }: LoopResult): boolean {
  return outcome === 'fitted' || outcome === 'finished';
}
