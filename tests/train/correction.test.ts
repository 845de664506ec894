import { classNames } from '../corrupt/helpers.js';
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { transitionMatrix } from '../../src/corrupt/index.js';
import { simplify } from '../../src/engines/trace/passes/simplify.js';
import { traceTrain } from '../../src/engines/trace/trace.js';
import { correctedLoss, invert } from '../../src/train/correction.js';
import { makeProgram } from '../../src/train/program.js';

beforeAll(() => tf.setBackend('cpu'));

/** Class 0 is taken for 1 in a quarter of the cases; nothing else changes. */
const T = [
  [0.75, 0.25, 0],
  [0, 1, 0],
  [0, 0, 1],
];
/** Of a softmax of (1/2, 1/4, 1/4). */
const LOGITS = [Math.log(2), 0, 0];

function lossOf(kind: 'forward' | 'backward', matrix: number[][], logits: number[], label: number) {
  const loss = correctedLoss({ kind, matrix });
  return loss(tf.tensor2d([logits]), tf.tensor1d([label], 'int32')).dataSync()[0]!;
}

describe('correctedLoss', () => {
  it.each([
    ['forward', 0, -Math.log(0.5 * 0.75)],
    ['forward', 1, -Math.log(0.5 * 0.25 + 0.25)],
    ['forward', 2, -Math.log(0.25)],
    // T⁻¹ = [[4/3, −1/3, 0], [0, 1, 0], [0, 0, 1]].
    ['backward', 0, (-4 / 3) * Math.log(0.5) + (1 / 3) * Math.log(0.25)],
    ['backward', 1, -Math.log(0.25)],
    ['backward', 2, -Math.log(0.25)],
  ] as const)('%s of label %i is what the paper defines', (kind, label, expected) => {
    expect(lossOf(kind, T, LOGITS, label)).toBeCloseTo(expected, 5);
  });

  it.each(['forward', 'backward'] as const)(
    '%s is the plain loss where no label changes',
    (kind) => {
      const identity = transitionMatrix([], classNames(3));
      expect(lossOf(kind, identity, [3, -1, 0.5], 1)).toBeCloseTo(
        Math.log(Math.exp(3) + Math.exp(-1) + Math.exp(0.5)) + 1,
        5,
      );
    },
  );

  it('is unbiased backward: over noisy labels its mean is the loss of the true one', () => {
    const symmetric = transitionMatrix(
      [{ kind: 'flip-labels', fraction: 0.4, channels: 'together', statistics: 'channel' }],
      classNames(3),
    );
    for (const truth of [0, 1, 2]) {
      const mean = symmetric[truth]!.reduce(
        (sum, p, noisy) => sum + p * lossOf('backward', symmetric, LOGITS, noisy),
        0,
      );
      expect(mean).toBeCloseTo(
        lossOf('forward', transitionMatrix([], classNames(3)), LOGITS, truth),
        5,
      );
    }
  });

  it('stays finite where the network is sure of what T forbids', () => {
    const loss = correctedLoss({ kind: 'forward', matrix: T });
    const [value, gradient] = tf.tidy(() => {
      const f = (x: tf.Tensor) => tf.sum(loss(x as tf.Tensor2D, tf.tensor1d([2], 'int32')));
      const { value, grad } = tf.valueAndGrad(f as (x: tf.Tensor) => tf.Scalar)(
        tf.tensor2d([[80, 0, 0]]),
      );
      return [value.dataSync()[0]!, [...grad.dataSync()]];
    });
    expect(value).toBeCloseTo(80, 3);
    expect(gradient[0]).toBeCloseTo(1, 4);
    expect(gradient[2]).toBeCloseTo(-1, 4);
  });

  it.each(['forward', 'backward'] as const)('%s has the gradient of finite differences', (kind) => {
    const matrix = transitionMatrix(
      [{ kind: 'partial-labels', fraction: 0.3, channels: 'together', statistics: 'channel' }],
      classNames(3),
    );
    const loss = correctedLoss({ kind, matrix });
    const labels = tf.tensor1d([0, 2], 'int32');
    const f = (x: tf.Tensor) => tf.sum(loss(x as tf.Tensor2D, labels)) as tf.Scalar;
    const point = [0.3, -0.7, 1.1, -0.2, 0.4, 0.9];
    const gradient = tf
      .grad(f)(tf.tensor2d(point, [2, 3]))
      .dataSync();
    const step = 1e-2;
    point.forEach((_, i) => {
      const at = (change: number) =>
        f(
          tf.tensor2d(
            point.map((x, j) => x + (i === j ? change : 0)),
            [2, 3],
          ),
        ).dataSync()[0]!;
      expect(gradient[i]).toBeCloseTo((at(step) - at(-step)) / (2 * step), 2);
    });
  });

  it('refuses a matrix without an inverse (backward), or a label that never occurs (forward)', () => {
    const random = transitionMatrix(
      [{ kind: 'random-labels', fraction: 1, channels: 'together', statistics: 'channel' }],
      classNames(10),
    );
    expect(() => correctedLoss({ kind: 'backward', matrix: random })).toThrow(
      'The transition matrix (10×10) has no inverse, so loss.correction backward is not defined.',
    );
    const never = [
      [0, 1],
      [0, 1],
    ];
    expect(() => correctedLoss({ kind: 'forward', matrix: never })).toThrow('label 0 never occurs');
  });
});

describe('invert', () => {
  it('gives the identity with its matrix, exchanging rows where it must', () => {
    const matrix = [
      [0, 1, 0],
      [0.2, 0.1, 0.7],
      [0.5, 0, 0.5],
    ];
    const inverse = invert(matrix);
    matrix.forEach((row, i) => {
      inverse[0]!.forEach((_, j) => {
        const entry = row.reduce((sum, x, k) => sum + x * inverse[k]![j]!, 0);
        expect(entry).toBeCloseTo(i === j ? 1 : 0, 12);
      });
    });
  });
});

it('is what a program trains on, and not what it reports of an evaluation', () => {
  const model = {
    name: 'logits',
    inputShape: [1, 1, 3] as [number, number, number],
    classes: 3,
    parameters: [{ name: 'w', shape: [3], init: 'zeros' as const, decayed: false }],
    statistics: [],
    norms: [],
    masks: [],
    forward: ({ w }: Record<string, tf.Tensor>, images: tf.Tensor4D) => ({
      logits: tf.add(tf.zeros([images.shape[0], 3]), w!) as tf.Tensor2D,
      statistics: {},
    }),
  };
  const program = makeProgram({
    model,
    batchSize: 1,
    evalBatchSize: 1,
    momentum: 0,
    weightDecay: 0,
    dropout: 0,
    loss: correctedLoss({ kind: 'forward', matrix: T }),
  });
  const state = { 'param/w': tf.tensor1d(LOGITS), 'velocity/w': tf.zeros([3]) };
  const images = tf.zeros([1, 1, 1, 3], 'int32') as tf.Tensor4D;
  const labels = tf.tensor1d([0], 'int32');
  const given = { images, labels, masks: {}, extras: {}, learningRate: tf.scalar(1) };
  const step = program.trainStep(state, given);
  expect(step.loss.dataSync()[0]).toBeCloseTo(-Math.log(0.375), 5);
  // Nothing in it that an engine which compiles would not know.
  expect(simplify(traceTrain(program)).nodes.map(({ op }) => op)).toContain('oneHot');
  expect(program.evalStep(state, images, labels).loss.dataSync()[0]).toBeCloseTo(-Math.log(0.5), 5);
});
