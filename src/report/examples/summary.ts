import { statSync } from 'node:fs';
import {
  eachExampleEpoch,
  exampleEpochPath,
  exampleEpochs,
  hasExamples,
  readExampleLabels,
} from '../../record/examples.js';
import {
  type Detection,
  detections,
  type ExampleEpoch,
  type ExampleLabels,
  type ExampleScores,
  type RocPoint,
  ranking,
  rocCurve,
  SCORE_NAMES,
  SCORES,
  type ScoreName,
  scoreExamples,
} from '../../results/examples.js';
import type { Histograms } from '../data.js';

/** An example of a run as a page shows it. */
export interface ShownExample {
  index: number;
  given_label: number;
  true_label: number;
  prediction: number;
  /** What it was chosen by, for people: `AUM −3.2`. */
  note: string;
}

/** What a run's recorded examples come to, in little. */
export interface ExampleSummary {
  epochs: number[];
  count: number;
  changed: number;
  classes: readonly string[];
  /** Share of changed and of unchanged examples that were predicted as given by each epoch for the first time, or before. */
  learned: { changed: number[]; unchanged: number[] };
  found: Record<ScoreName, Detection> | null;
  roc: Partial<Record<ScoreName, RocPoint[]>>;
  histograms: Histograms;
  /** Those that the area under the margin suspects most. */
  suspected: ShownExample[];
  /** Of those whose label was changed, those fitted first, and last. */
  first: ShownExample[];
  last: ShownExample[];
}

/** Bytes of examples of a run that a page reads: 20 million examples and epochs. */
const MOST_BYTES = 180e6;
/** Epochs of which distributions are shown. */
const MOST_EPOCHS = 40;
const BINS = 40;
/** Points of an ROC curve. */
const MOST_POINTS = 80;
/** Images of a grid. */
const SHOWN = 12;

/**
 * Reads what a run has recorded of its examples.
 *
 * @returns `null` where it has recorded none, or a sentence where it has too many for a page.
 * @throws RethinkError (`data`) where a file is damaged.
 */
export function summarizeExamples(directory: string): ExampleSummary | string | null {
  const recorded = hasExamples(directory) ? exampleEpochs(directory) : [];
  if (recorded.length === 0) return null;
  const sizes = recorded.map((epoch) => statSync(exampleEpochPath(directory, epoch)).size);
  if (sizes.reduce((a, b) => a + b) > MOST_BYTES) {
    return 'There are more examples and epochs than a page reads: rethink-gen examples lists them.';
  }
  const labels = readExampleLabels(directory);
  const count = labels.given_label.length;
  const spread = new Spread();
  const scores = scoreExamples(labels, spread.of(eachExampleEpoch(directory, count)));
  const histograms = new HistogramBuilder(labels, scores.epochs, spread);
  for (const epoch of eachExampleEpoch(directory, count)) histograms.add(epoch);
  return {
    epochs: scores.epochs,
    count,
    changed: labels.changed.reduce((sum, flag) => sum + flag, 0),
    classes: labels.classes,
    learned: { changed: learnedBy(scores, labels, 1), unchanged: learnedBy(scores, labels, 0) },
    found: detections(scores, labels.changed),
    roc: Object.fromEntries(
      SCORE_NAMES.map((name) => [
        name,
        thinned(rocCurve(SCORES[name].suspicion(scores), labels.changed), MOST_POINTS),
      ]),
    ),
    histograms: histograms.result,
    ...shownOf(labels, scores),
  };
}

function learnedBy(
  { epochs, first_learned }: ExampleScores,
  { changed }: ExampleLabels,
  flag: 0 | 1,
) {
  const own = first_learned.filter((_, i) => changed[i] === flag);
  if (own.length === 0) return [];
  return epochs.map(
    (epoch) => own.filter((first) => first > 0 && first <= epoch).length / own.length,
  );
}

function shownOf(
  labels: ExampleLabels,
  scores: ExampleScores,
): Pick<ExampleSummary, 'suspected' | 'first' | 'last'> {
  const shown = (note: (i: number) => string) => (i: number) => ({
    index: labels.index[i]!,
    given_label: labels.given_label[i]!,
    true_label: labels.true_label[i]!,
    prediction: scores.last_prediction[i]!,
    note: note(i),
  });
  const byMargin = [...ranking(SCORES.aum.suspicion(scores))].slice(0, SHOWN);
  // Of those learned in one epoch, the loss over all of them tells which was easier.
  const cost = scores.cumulative_loss;
  const when = (i: number) => scores.learned_for_good[i] || Number.POSITIVE_INFINITY;
  const changed = Array.from(labels.changed.keys())
    .filter((i) => labels.changed[i] === 1)
    .sort((a, b) => (when(a) === when(b) ? cost[a]! - cost[b]! : when(a) - when(b)));
  const fitted = changed.filter((i) => when(i) < Number.POSITIVE_INFINITY);
  const told = shown((i) => `epoch ${when(i)}`);
  return {
    suspected: byMargin.map(shown((i) => `margin ${scores.aum[i]!.toFixed(2).replace('-', '−')}`)),
    first: fitted.slice(0, SHOWN).map(told),
    last: fitted.slice(-SHOWN).reverse().map(told),
  };
}

/** Between which values losses and margins lie, all but the outermost few: of a sample of each epoch. */
class Spread {
  private readonly samples = { loss: [] as number[], margin: [] as number[] };

  *of(epochs: Iterable<ExampleEpoch>): Generator<ExampleEpoch> {
    const SAMPLE = 500;
    for (const epoch of epochs) {
      for (const key of ['loss', 'margin'] as const) {
        const values = epoch[key];
        const step = Math.max(1, Math.floor(values.length / SAMPLE));
        for (let i = 0; i < values.length; i += step) {
          if (Number.isFinite(values[i])) this.samples[key].push(values[i]!);
        }
      }
      yield epoch;
    }
  }

  range(key: 'loss' | 'margin'): [number, number] {
    const sorted = this.samples[key].sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
    const low = key === 'loss' ? 0 : Math.floor(at(0.002));
    return [low, Math.max(low + 1, Math.ceil(at(0.998)))];
  }
}

/** Counts losses and margins of changed and of unchanged examples, epoch by epoch. */
class HistogramBuilder {
  readonly result: Histograms;
  private readonly shown: Set<number>;

  constructor(
    private readonly labels: ExampleLabels,
    epochs: readonly number[],
    spread: Spread,
  ) {
    this.shown = new Set(thinned(epochs, MOST_EPOCHS));
    const empty = (key: 'loss' | 'margin') => ({
      range: spread.range(key),
      changed: [],
      unchanged: [],
    });
    this.result = { epochs: [...this.shown], loss: empty('loss'), margin: empty('margin') };
  }

  add(epoch: ExampleEpoch): void {
    if (!this.shown.has(epoch.epoch)) return;
    for (const key of ['loss', 'margin'] as const) {
      const of = this.result[key];
      of.changed.push(this.count(epoch[key], of.range, 1));
      of.unchanged.push(this.count(epoch[key], of.range, 0));
    }
  }

  /** Shares of the examples; what lies outside the range is in its outermost bins. */
  private count(values: Float32Array, [low, high]: [number, number], flag: 0 | 1): number[] {
    const counts = new Array<number>(BINS).fill(0);
    let total = 0;
    for (let i = 0; i < values.length; i++) {
      if (this.labels.changed[i] !== flag || Number.isNaN(values[i])) continue;
      const bin = Math.floor(((values[i]! - low) / (high - low)) * BINS);
      counts[Math.max(0, Math.min(BINS - 1, bin))]!++;
      total++;
    }
    return total === 0 ? [] : counts.map((n) => Number((n / total).toPrecision(3)));
  }
}

/** Evenly chosen, with both ends. */
function thinned<T>(values: readonly T[], most: number): T[] {
  if (values.length <= most) return [...values];
  const step = (values.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => values[Math.round(i * step)]!);
}
