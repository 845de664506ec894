import { describe, expect, it } from 'vitest';
import {
  detection,
  detections,
  type ExampleEpoch,
  ranking,
  rocCurve,
  SCORE_NAMES,
  SCORES,
  scoreExamples,
} from '../../src/results/examples.js';

/**
 * Five examples, A to E, and four epochs, on paper. Given labels are all 0; those of C and D are changed.
 *
 *      probability of the given label   margin            predicted as given
 *   A  1/2  1/2  1/2  1/2                1   2   3   4      yes yes yes yes
 *   B  1/4  1/2  1/4  1/2               −1   1  −1   1      no  yes no  yes
 *   C  1/8  1/8  1/8  1/8               −3  −2  −2  −1      no  no  no  no
 *   D  1/8  1/8  1/2  1/2               −2  −1   1   3      no  no  yes yes
 *   E  1/2  1/2  1/2  1/4                2   2   1  −1      yes yes yes no
 */
const PROBABILITY = [
  [1 / 2, 1 / 2, 1 / 2, 1 / 2],
  [1 / 4, 1 / 2, 1 / 4, 1 / 2],
  [1 / 8, 1 / 8, 1 / 8, 1 / 8],
  [1 / 8, 1 / 8, 1 / 2, 1 / 2],
  [1 / 2, 1 / 2, 1 / 2, 1 / 4],
];
const MARGIN = [
  [1, 2, 3, 4],
  [-1, 1, -1, 1],
  [-3, -2, -2, -1],
  [-2, -1, 1, 3],
  [2, 2, 1, -1],
];
const GIVEN = Int32Array.from([0, 0, 0, 0, 0]);
const CHANGED = Uint8Array.from([0, 0, 1, 1, 0]);

function toy(numbers = [1, 2, 3, 4]): ExampleEpoch[] {
  return numbers.map((epoch, t) => ({
    epoch,
    loss: Float32Array.from(PROBABILITY, (row) => -Math.log(row[t]!)),
    margin: Float32Array.from(MARGIN, (row) => row[t]!),
    // Another class than the given one, where that is not predicted.
    prediction: MARGIN.map((row, i) => (row[t]! > 0 ? 0 : i)),
  }));
}
const scores = scoreExamples({ given_label: GIVEN }, toy());

function expectClose(found: ArrayLike<number>, wanted: number[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i], `${i}`).toBeCloseTo(value, 6);
}

describe('the scores of the toy', () => {
  it('say when each example was learned, and how often it was forgotten', () => {
    // First yes of each row; where the last run of yes begins; steps from yes to no.
    expect([...scores.first_learned]).toEqual([1, 2, 0, 3, 1]);
    expect([...scores.learned_for_good]).toEqual([1, 4, 0, 3, 0]);
    expect([...scores.forgetting_events]).toEqual([0, 1, 0, 0, 1]);
  });

  it('are in epochs that were evaluated, whichever these are', () => {
    const every5 = scoreExamples({ given_label: GIVEN }, toy([5, 10, 15, 20]));
    expect(every5.epochs).toEqual([5, 10, 15, 20]);
    expect([...every5.learned_for_good]).toEqual([5, 20, 0, 15, 0]);
  });

  it('have the mean and the population standard deviation of the probability', () => {
    // (2·1/4 + 2·1/2)/4 = 3/8; (2·1/8 + 2·1/2)/4 = 5/16; (3·1/2 + 1/4)/4 = 7/16.
    expectClose(scores.confidence, [1 / 2, 3 / 8, 1 / 8, 5 / 16, 7 / 16]);
    // B: ±1/8; D: ±3/16; E: (3·(1/16)² + (3/16)²)/4 = 12/1024, its root √3/16.
    expectClose(scores.variability, [0, 1 / 8, 0, 3 / 16, Math.sqrt(3) / 16]);
  });

  it('have the mean margin and the sum of losses', () => {
    expectClose(scores.aum, [10 / 4, 0, -8 / 4, 1 / 4, 4 / 4]);
    // In bits: A 4·1, B 2 + 1 + 2 + 1, C 4·3, D 3 + 3 + 1 + 1, E 1 + 1 + 1 + 2.
    expectClose(
      scores.cumulative_loss,
      [4, 6, 12, 8, 5].map((bits) => bits * Math.LN2),
    );
  });

  it('have what the last epoch says', () => {
    expect([...scores.last_prediction]).toEqual([0, 0, 2, 0, 4]);
    expectClose(scores.last_probability, [1 / 2, 1 / 2, 1 / 8, 1 / 2, 1 / 4]);
  });
});

/**
 * C and D are to come before A, B and E: six pairs, and the first two places.
 *
 *   aum                most suspected first C −2, B 0, D 1/4, E 1, A 5/2: C wins 3, D 2 → 5/6; C, B → 1/2
 *   cumulative_loss    C 12, D 8, B 6, E 5, A 4 → 1; 1
 *   confidence         C 1/8, D 5/16, B 3/8, … → 1; 1
 *   variability        D 3/16, B 1/8, E √3/16 = 0.108, A = C 0: D 3, C half of A → 3.5/6; D, B → 1/2
 *   forgetting_events  C never learned, B = E 1, A = D 0: C 3, D half of A → 3.5/6; C, then half a place in B and E: neither
 *                      is changed → 1/2
 *   first_learned      C never, D 3, B 2, A = E 1 → 1; 1
 *   learned_for_good   C = E never, B 4, D 3, A 1: C 2 + 1/2, D 1 → 3.5/6; two places for C and E → 1/2
 *   last_probability   C 1/8, E 1/4, A = B = D 1/2: C 3, D 2·1/2 → 4/6; C, E → 1/2
 */
const DETECTION = {
  aum: [5 / 6, 1 / 2],
  cumulative_loss: [1, 1],
  confidence: [1, 1],
  variability: [3.5 / 6, 1 / 2],
  forgetting_events: [3.5 / 6, 1 / 2],
  first_learned: [1, 1],
  learned_for_good: [3.5 / 6, 1 / 2],
  last_probability: [4 / 6, 1 / 2],
};

describe('finding the changed labels of the toy', () => {
  it.each(SCORE_NAMES)('by %s', (name) => {
    const [auroc, precision] = DETECTION[name];
    const found = detections(scores, CHANGED)![name];
    expect(found.auroc).toBeCloseTo(auroc!, 10);
    expect(found.precision).toBeCloseTo(precision!, 10);
  });

  it.each(SCORE_NAMES)('the area under the curve of %s is what is said of it', (name) => {
    const points = rocCurve(SCORES[name].suspicion(scores), CHANGED);
    expect(points[0]).toEqual({ false_positive_rate: 0, true_positive_rate: 0 });
    expect(points.at(-1)).toEqual({ false_positive_rate: 1, true_positive_rate: 1 });
    const area = points
      .slice(1)
      .reduce((sum, { false_positive_rate: x, true_positive_rate: y }, i) => {
        const before = points[i]!;
        return sum + ((x - before.false_positive_rate) * (y + before.true_positive_rate)) / 2;
      }, 0);
    expect(area).toBeCloseTo(DETECTION[name][0]!, 10);
  });

  it('ranks them, the most suspected first', () => {
    expect([...ranking(SCORES.aum.suspicion(scores))]).toEqual([2, 1, 3, 4, 0]);
    expect([...ranking(SCORES.learned_for_good.suspicion(scores))]).toEqual([2, 4, 1, 3, 0]);
  });
});

describe('detection', () => {
  it('is nothing where all or no labels are changed', () => {
    for (const flags of [[0, 0], [1, 1], []]) {
      const changed = Uint8Array.from(flags);
      expect(detection(changed, changed)).toBeNull();
      expect(rocCurve(changed, changed)).toEqual([]);
    }
    expect(detections(scores, new Uint8Array(5))).toBeNull();
  });

  it('is half where the score says nothing, and precision the share of changed ones', () => {
    expect(detection([7, 7, 7, 7], Uint8Array.from([1, 0, 0, 0]))).toEqual({
      auroc: 0.5,
      precision: 0.25,
    });
  });

  it('suspects what is not a number most, after all finite ones and like the infinite', () => {
    const changed = Uint8Array.from([1, 0, 0]);
    expect(detection([Number.NaN, 5, 6], changed)!.auroc).toBe(1);
    expect(detection([Number.NaN, 5, Infinity], changed)!.auroc).toBe(0.75);
    expect([...ranking([1, Number.NaN, 2])]).toEqual([1, 2, 0]);
  });
});
