import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RobustLossConfig } from '../../src/config/loss.js';
import { lossOf } from '../../src/train/losses.js';
import type { ExampleLoss, RememberingLoss } from '../../src/train/types.js';

beforeAll(() => tf.setBackend('cpu'));

const LOGITS = [2, -1, 0.5, 0];
const LABEL = 2;
const [q, smoothing, alpha, beta, logZero] = [0.7, 0.2, 0.5, 2, -4];

function softmax(logits: readonly number[]): number[] {
  const powers = logits.map(Math.exp);
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

/** Each loss as its paper writes it, in float64. */
const CASES: [RobustLossConfig, (p: number[]) => number][] = [
  [
    { name: 'cross-entropy', smoothing },
    (p) =>
      -p.reduce(
        (sum, pj, j) => sum + ((j === LABEL ? 1 - smoothing : 0) + smoothing / 4) * Math.log(pj),
        0,
      ),
  ],
  [{ name: 'gce', q }, (p) => (1 - p[LABEL]! ** q) / q],
  [
    { name: 'sce', alpha, beta, logZero },
    (p) =>
      -alpha * Math.log(p[LABEL]!) -
      beta * p.reduce((sum, pj, j) => sum + (j === LABEL ? 0 : pj * logZero), 0),
  ],
];

describe.each(CASES)('%j', (config, formula) => {
  const loss = lossOf(config, null) as ExampleLoss;
  const labels = () => tf.tensor1d([LABEL], 'int32');
  const of = (logits: number[]) => formula(softmax(logits));

  it('is what its paper says', () => {
    expect(loss(tf.tensor2d([LOGITS]), labels()).dataSync()[0]).toBeCloseTo(of(LOGITS), 5);
  });

  it('has the gradient of that', () => {
    const gradient = tf.grad((x) => loss(x as tf.Tensor2D, labels()))(tf.tensor2d([LOGITS]));
    for (const [i, slope] of gradient.dataSync().entries()) {
      const at = (h: number) => of(LOGITS.map((x, j) => (j === i ? x + h : x)));
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 4);
    }
  });

  it('is finite where the network is sure and wrong', () => {
    const sure = tf.tensor2d([[0, 0, -200, 200]]);
    const both = tf.valueAndGrad((x) => loss(x as tf.Tensor2D, labels()))(sure);
    expect(Number.isFinite(both.value.dataSync()[0])).toBe(true);
    expect([...both.grad.dataSync()].every(Number.isFinite)).toBe(true);
  });
});

describe('elr', () => {
  const [lambda, decay] = [3, 0.7];
  const loss = lossOf({ name: 'elr', lambda, beta: decay }, null) as RememberingLoss;
  const LAST = [0.1, 0.2, 0, 0.3];
  const labels = () => tf.tensor1d([LABEL], 'int32');
  const bounded = (logits: readonly number[]) =>
    softmax(logits).map((p) => Math.min(1 - 1e-4, Math.max(1e-4, p)));
  const target = (logits: readonly number[]) => {
    const p = bounded(logits);
    const sum = p.reduce((a, b) => a + b);
    return LAST.map((t, j) => decay * t + ((1 - decay) * p[j]!) / sum);
  };
  const of = (logits: readonly number[], t: readonly number[]) => {
    const agreement = bounded(logits).reduce((sum, p, j) => sum + p * t[j]!, 0);
    return -Math.log(softmax(logits)[LABEL]!) + lambda * Math.log(1 - agreement);
  };
  const remember = (logits: readonly number[]) =>
    loss.remember(tf.tensor2d([[...logits]]), tf.tensor2d([LAST]));

  // One whose probabilities are all within the bounds, and one that is sure.
  it.each([[LOGITS], [[0, 0, -30, 30]]])('is what its paper says at %j', (logits) => {
    const t = remember(logits);
    for (const [j, value] of t.dataSync().entries()) {
      expect(value).toBeCloseTo(target(logits)[j]!, 6);
    }
    const value = loss.of(tf.tensor2d([logits]), labels(), t).dataSync()[0];
    expect(value).toBeCloseTo(of(logits, target(logits)), 4);
    const slopes = tf.grad((x) => loss.of(x as tf.Tensor2D, labels(), t))(tf.tensor2d([logits]));
    for (const [i, slope] of slopes.dataSync().entries()) {
      const at = (h: number) =>
        of(
          logits.map((x, j) => (j === i ? x + h : x)),
          target(logits),
        );
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 3);
    }
  });

  it('stays finite where the network has long been sure', () => {
    const sure = [0, 0, -200, 200];
    let t = tf.tensor2d([LAST]);
    for (let step = 0; step < 200; step++) t = loss.remember(tf.tensor2d([sure]), t);
    const both = tf.valueAndGrad((x) => loss.of(x as tf.Tensor2D, labels(), t))(
      tf.tensor2d([sure]),
    );
    expect(both.value.dataSync()[0]).toBeCloseTo(400 + lambda * Math.log(2e-4), -1);
    expect([...both.grad.dataSync()].every(Number.isFinite)).toBe(true);
  });
});

it('is the plain cross-entropy where the config has no loss, or its matrix is yet to be estimated', () => {
  expect(lossOf(undefined, null)).toBeUndefined();
  expect(lossOf({ correction: 'forward', transition: 'estimated' }, null)).toBeUndefined();
});
