/** The course of every training example through a run, and what is made of it. Pure functions; arrays are [count]. */

/** What is known of the examples before the first step. */
export interface ExampleLabels {
  /** Source indices. */
  index: Uint32Array;
  true_label: Int32Array;
  /** As trained on. */
  given_label: Int32Array;
  /** 1 where a label was drawn anew, the same or not; where the given one differs from the true one. */
  drawn: Uint8Array;
  changed: Uint8Array;
  /** Names of the classes, in order of label. */
  classes: readonly string[];
  /** Training examples of the whole source. */
  source: number;
}

/** What the network says of the examples at the end of an epoch, in inference mode. */
export interface ExampleEpoch {
  epoch: number;
  /** Cross-entropy with the given label: its probability is exp(−loss). */
  loss: Float32Array;
  /** Logit of the given label minus the greatest other one. */
  margin: Float32Array;
  /** Predicted class. */
  prediction: ArrayLike<number>;
}

/** What all epochs together say of each example. Definitions and sources stand in docs/examples.md. */
export interface ExampleScores {
  /** Epochs that were evaluated, ascending. */
  epochs: number[];
  /** First of them in which the given label was predicted; 0: none. */
  first_learned: Int32Array;
  /** From which on it was predicted in all; 0: not in the last. */
  learned_for_good: Int32Array;
  /** How often it was predicted in one and not in the next (Toneva 2019, section 2). */
  forgetting_events: Int32Array;
  /** Mean and population standard deviation of the given label's probability (Swayamdipta 2020, section 2). */
  confidence: Float64Array;
  variability: Float64Array;
  /** Mean margin (Pleiss 2020, section 3.1). */
  aum: Float64Array;
  /** Sum of losses, in nats. */
  cumulative_loss: Float64Array;
  /** Of the last epoch: the class, and the probability of the given label. */
  last_prediction: Int32Array;
  last_probability: Float64Array;
}

/**
 * Scores examples by their course.
 *
 * @param epochs Ascending; read one at a time, and none is kept.
 */
export function scoreExamples(
  { given_label: given }: Pick<ExampleLabels, 'given_label'>,
  epochs: Iterable<ExampleEpoch>,
): ExampleScores {
  const count = given.length;
  const scores: ExampleScores = {
    epochs: [],
    first_learned: new Int32Array(count),
    learned_for_good: new Int32Array(count),
    forgetting_events: new Int32Array(count),
    confidence: new Float64Array(count),
    variability: new Float64Array(count),
    aum: new Float64Array(count),
    cumulative_loss: new Float64Array(count),
    last_prediction: new Int32Array(count).fill(-1),
    last_probability: new Float64Array(count),
  };
  const { confidence, variability } = scores;
  for (const { epoch, loss, margin, prediction } of epochs) {
    const seen = scores.epochs.push(epoch);
    for (let i = 0; i < count; i++) {
      const probability = Math.exp(-loss[i]!);
      // Welford's way: squares of probabilities would cancel where these hardly move.
      const before = probability - confidence[i]!;
      confidence[i]! += before / seen;
      variability[i]! += before * (probability - confidence[i]!);
      scores.aum[i]! += margin[i]!;
      scores.cumulative_loss[i]! += loss[i]!;
      scores.last_probability[i] = probability;
      scores.last_prediction[i] = prediction[i]!;
      if (prediction[i] === given[i]) {
        if (scores.first_learned[i] === 0) scores.first_learned[i] = epoch;
        if (scores.learned_for_good[i] === 0) scores.learned_for_good[i] = epoch;
      } else {
        if (scores.learned_for_good[i] !== 0) scores.forgetting_events[i]!++;
        scores.learned_for_good[i] = 0;
      }
    }
  }
  const n = scores.epochs.length;
  for (let i = 0; i < count; i++) {
    scores.aum[i]! /= n;
    variability[i] = Math.sqrt(variability[i]! / n);
  }
  return scores;
}

type Numbers = ArrayLike<number>;

/** A score that examples can be ranked by. */
export interface ScoreRow {
  /** For people. */
  label: string;
  /** Which end of it is suspected. */
  suspected: 'high' | 'low';
  /** How much each example is suspected of a wrong label: the higher, the more. */
  suspicion(scores: ExampleScores): Float64Array;
}

const high = (label: string, of: (scores: ExampleScores) => Numbers): ScoreRow => ({
  label,
  suspected: 'high',
  suspicion: (scores) => Float64Array.from(of(scores)),
});
const low = (label: string, of: (scores: ExampleScores) => Numbers): ScoreRow => ({
  label,
  suspected: 'low',
  suspicion: (scores) => Float64Array.from(of(scores), (value) => -value),
});

/** An epoch that never came is after all others. */
const orNever = (epochs: Int32Array) =>
  Array.from(epochs, (epoch) => (epoch === 0 ? Number.POSITIVE_INFINITY : epoch));

const ROWS = {
  aum: low('area under the margin', ({ aum }) => aum),
  cumulative_loss: high('cumulative loss', ({ cumulative_loss }) => cumulative_loss),
  confidence: low('mean probability', ({ confidence }) => confidence),
  variability: high('spread of the probability', ({ variability }) => variability),
  // One that was never learned counts as forgotten without end (Toneva 2019, section 3).
  forgetting_events: high('forgetting events', ({ forgetting_events, first_learned }) =>
    Array.from(forgetting_events, (events, i) =>
      first_learned[i] === 0 ? Number.POSITIVE_INFINITY : events,
    ),
  ),
  first_learned: high('epoch first learned', ({ first_learned }) => orNever(first_learned)),
  learned_for_good: high('epoch learned for good', ({ learned_for_good }) =>
    orNever(learned_for_good),
  ),
  last_probability: low('last probability', ({ last_probability }) => last_probability),
};

export type ScoreName = keyof typeof ROWS;
export const SCORES: Record<ScoreName, ScoreRow> = ROWS;
export const SCORE_NAMES = Object.keys(ROWS) as ScoreName[];

/** How well a ranking finds the examples whose label was changed. */
export interface Detection {
  /** Area under the ROC curve: how often a changed example is ranked before an unchanged one, ties counted half. */
  auroc: number;
  /** Share of changed labels among the first k, with k the count of changed labels; of ties, the mean over their orders. */
  precision: number;
}

/**
 * How well a score finds the changed labels; `null` where all or none are changed.
 *
 * @param suspicion The higher, the more suspected; what is not a number counts as suspected most.
 */
export function detection(suspicion: Numbers, changed: Uint8Array): Detection | null {
  const { positive, negative } = divided(suspicion, changed);
  if (positive.length === 0 || negative.length === 0) return null;
  let wins = 0;
  let [below, upTo] = [0, 0];
  for (const value of positive) {
    while (below < negative.length && negative[below]! < value) below++;
    while (upTo < negative.length && negative[upTo]! <= value) upTo++;
    wins += (below + upTo) / 2;
  }
  return {
    auroc: wins / (positive.length * negative.length),
    precision: precisionAtCount(positive, negative),
  };
}

/** Suspicions of changed and of unchanged examples, each ascending. */
function divided(suspicion: Numbers, changed: Uint8Array) {
  const of = (flag: 0 | 1) => {
    const values = Array.from(suspicion).filter((_, i) => changed[i] === flag);
    return Float64Array.from(values, (value) =>
      Number.isNaN(value) ? Number.POSITIVE_INFINITY : value,
    ).sort();
  };
  return { positive: of(1), negative: of(0) };
}

function precisionAtCount(positive: Float64Array, negative: Float64Array): number {
  const k = positive.length;
  const all = Float64Array.from([...positive, ...negative]).sort();
  const threshold = all[all.length - k]!;
  const above = (values: Float64Array) => values.filter((value) => value > threshold).length;
  const at = (values: Float64Array) => values.filter((value) => value === threshold).length;
  const left = k - above(positive) - above(negative);
  const tied = at(positive) + at(negative);
  return (above(positive) + (left * at(positive)) / tied) / k;
}

/** A point of an ROC curve: shares of unchanged and of changed examples that are suspected at least so much. */
export interface RocPoint {
  false_positive_rate: number;
  true_positive_rate: number;
}

/** The ROC curve, from (0, 0) to (1, 1): a point for each suspicion that occurs; empty where all or none are changed. */
export function rocCurve(suspicion: Numbers, changed: Uint8Array): RocPoint[] {
  const { positive, negative } = divided(suspicion, changed);
  if (positive.length === 0 || negative.length === 0) return [];
  const points: RocPoint[] = [{ false_positive_rate: 0, true_positive_rate: 0 }];
  let [p, n] = [positive.length, negative.length];
  while (p > 0 || n > 0) {
    const value = Math.max(
      p > 0 ? positive[p - 1]! : Number.NEGATIVE_INFINITY,
      n > 0 ? negative[n - 1]! : Number.NEGATIVE_INFINITY,
    );
    while (p > 0 && positive[p - 1] === value) p--;
    while (n > 0 && negative[n - 1] === value) n--;
    points.push({
      false_positive_rate: 1 - n / negative.length,
      true_positive_rate: 1 - p / positive.length,
    });
  }
  return points;
}

/** Positions of examples, the most suspected first; of equal ones the one that comes first. */
export function ranking(suspicion: Numbers): Uint32Array {
  const value = (i: number) =>
    Number.isNaN(suspicion[i]) ? Number.POSITIVE_INFINITY : suspicion[i]!;
  return Uint32Array.from({ length: suspicion.length }, (_, i) => i).sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x === y ? a - b : x < y ? 1 : -1;
  });
}

/** How well each score finds the changed labels; `null` where all or none are changed. */
export function detections(
  scores: ExampleScores,
  changed: Uint8Array,
): Record<ScoreName, Detection> | null {
  if (changed.every((flag) => flag === changed[0])) return null;
  const found = SCORE_NAMES.map((name) => [
    name,
    detection(SCORES[name].suspicion(scores), changed)!,
  ]);
  return Object.fromEntries(found) as Record<ScoreName, Detection>;
}
