import { resolve } from 'node:path';
import { csvLines } from '../csv.js';
import { writeFileAtomic } from '../disk/files.js';
import { RethinkError } from '../errors.js';
import { eachExampleEpoch, readExampleLabels } from '../record/examples.js';
import { requireFree } from '../record/export.js';
import {
  type Detection,
  detection,
  type ExampleLabels,
  type ExampleScores,
  ranking,
  SCORES,
  type ScoreName,
  scoreExamples,
} from '../results/examples.js';

export interface RankOptions {
  by: ScoreName;
  /** At most this many. */
  top: number;
  /** Those whose label was changed, or was not; default: all. */
  changed?: boolean | undefined;
}

/** An example with its labels and scores; of epochs, `null` is 'never'. */
export interface RankedExample {
  index: number;
  true_label: number;
  given_label: number;
  drawn: boolean;
  changed: boolean;
  first_learned: number | null;
  learned_for_good: number | null;
  forgetting_events: number;
  confidence: number;
  variability: number;
  aum: number;
  cumulative_loss: number;
  last_prediction: number;
  last_probability: number;
}

/** The most suspected examples of a run. */
export interface Ranking {
  run_dir: string;
  by: ScoreName;
  /** Epochs that the scores are of. */
  epochs: number[];
  classes: readonly string[];
  /** Training examples of the run, and those whose label was changed. */
  count: number;
  changed: number;
  /** How well the score finds these; `null` where all or none are changed. */
  found: Detection | null;
  examples: RankedExample[];
}

/**
 * Ranks the training examples of a run by how much a score suspects them.
 *
 * @param options `out`: a label file of the whole training set to write, see `docs/examples.md`.
 * @throws RethinkError: `data` where the run has recorded no examples, or a file is damaged; `usage` where `out` exists.
 */
export function rankExamples(
  runDir: string,
  options: RankOptions & { out?: string | undefined },
): Ranking {
  const { by, top, out } = options;
  if (out !== undefined) requireFree(out);
  const directory = resolve(runDir);
  const labels = readExampleLabels(directory);
  const count = labels.given_label.length;
  const scores = scoreExamples(labels, eachExampleEpoch(directory, count));
  if (scores.epochs.length === 0) {
    throw new RethinkError('data', `${directory} has not evaluated an epoch yet.`);
  }
  const suspicion = SCORES[by].suspicion(scores);
  const chosen = [...ranking(suspicion)]
    .filter((i) => options.changed === undefined || (labels.changed[i] === 1) === options.changed)
    .slice(0, top);
  if (out !== undefined) writeSuspects(out, labels, scores.last_prediction, chosen);
  return {
    run_dir: directory,
    by,
    epochs: scores.epochs,
    classes: labels.classes,
    count,
    changed: labels.changed.reduce((sum, flag) => sum + flag, 0),
    found: detection(suspicion, labels.changed),
    examples: chosen.map((i) => exampleAt(labels, scores, i)),
  };
}

function exampleAt(labels: ExampleLabels, scores: ExampleScores, i: number): RankedExample {
  return {
    index: labels.index[i]!,
    true_label: labels.true_label[i]!,
    given_label: labels.given_label[i]!,
    drawn: labels.drawn[i] === 1,
    changed: labels.changed[i] === 1,
    first_learned: scores.first_learned[i] || null,
    learned_for_good: scores.learned_for_good[i] || null,
    forgetting_events: scores.forgetting_events[i]!,
    confidence: scores.confidence[i]!,
    variability: scores.variability[i]!,
    aum: scores.aum[i]!,
    cumulative_loss: scores.cumulative_loss[i]!,
    last_prediction: scores.last_prediction[i]!,
    last_probability: scores.last_probability[i]!,
  };
}

const COLUMNS = ['index', 'true_label', 'label', 'prediction', 'suspected', 'relabeled'];
/** Rows that are put together at a time: of millions no string could hold all. */
const ROWS = 50_000;

/**
 * Writes a row for each training example of the source; of those that the run did not train on, the index alone.
 *
 * @param predictions Of each example of the run, for those that are chosen; −1: none.
 */
export function writeSuspects(
  path: string,
  labels: ExampleLabels,
  predictions: Int32Array,
  chosen: readonly number[],
): void {
  const suspected = new Set(chosen);
  const positions = new Map(Array.from(labels.index, (index, i) => [index, i] as const));
  const row = (index: number) => {
    const i = positions.get(index);
    if (i === undefined) return [index, '', '', '', '', ''];
    const given = labels.given_label[i]!;
    const prediction = predictions[i]! < 0 ? null : predictions[i]!;
    const isSuspected = suspected.has(i);
    const relabeled = isSuspected ? (prediction ?? given) : given;
    return [index, labels.true_label[i], given, prediction, Number(isSuspected), relabeled];
  };
  const parts = [Buffer.from(csvLines([COLUMNS]))];
  for (let first = 0; first < labels.source; first += ROWS) {
    const length = Math.min(ROWS, labels.source - first);
    parts.push(Buffer.from(csvLines(Array.from({ length }, (_, i) => row(first + i)))));
  }
  writeFileAtomic(path, parts, 'output');
}
