import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  averagePool3x3,
  labelMargin,
  labelRank,
  localResponseNormalization,
} from '../../src/models/composite-ops.js';
import {
  applyMomentum,
  batchNormTraining,
  softmaxCrossEntropy,
  whiten,
} from '../../src/models/ops.js';

beforeAll(() => tf.setBackend('cpu'));

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const largest = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

describe('whiten', () => {
  it('gives each image mean 0 and deviation 1, of its own pixels and channels', () => {
    const bytes = tf.cast(tf.randomUniform([3, 6, 5, 3], 0, 256, 'float32', 1), 'int32');
    const image = whiten(bytes as tf.Tensor4D).arraySync();
    for (const one of image) {
      const values = one.flat(2);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan(1e-5);
      expect(Math.abs(variance - 1)).toBeLessThan(1e-4);
    }
  });

  it('divides by 255 once: the floor is not hit by an ordinary image', () => {
    // Two gray levels 2/255 apart: σ = 1/255 is under the floor 1/√(28·28·3), so the result is scaled by the floor.
    const low = tf.tensor4d(
      Array.from({ length: 2352 }, (_, i) => 100 + 2 * (i % 2)),
      [1, 28, 28, 3],
      'int32',
    );
    const value = whiten(low).arraySync()[0]![0]![0]![1]!;
    expect(value).toBeCloseTo(Math.sqrt(2352) / 255, 5);
  });

  it('makes a constant image zero', () => {
    const gray = tf.fill([1, 4, 4, 3], 77, 'int32') as tf.Tensor4D;
    expect(tf.max(tf.abs(whiten(gray))).arraySync()).toBeLessThan(1e-5);
  });
});

describe('labelRank', () => {
  const rank = (logits: number[][], labels: number[]) => [
    ...labelRank(tf.tensor2d(logits), tf.tensor1d(labels, 'int32')).dataSync(),
  ];

  it('counts the classes with a greater logit', () => {
    const logits = [0.5, -2, 7, 3, -1e30];
    expect(rank([logits, logits, logits, logits, logits], [0, 1, 2, 3, 4])).toEqual([
      2, 3, 0, 1, 4,
    ]);
  });

  it('puts the smaller number first where logits are equal', () => {
    expect(
      rank(
        [
          [1, 1, 1],
          [1, 1, 1],
          [1, 1, 1],
        ],
        [0, 1, 2],
      ),
    ).toEqual([0, 1, 2]);
    expect(rank([[2, 5, 2, 9]], [2])).toEqual([3]);
    expect(rank([[2, 5, 2, 9]], [0])).toEqual([2]);
  });

  it('is 0 exactly where argMax is the label', () => {
    // Few values, so that ties are many.
    const logits = tf.randomUniform([200, 6], 0, 4, 'int32', 5).toFloat() as tf.Tensor2D;
    const labels = tf.randomUniform([200], 0, 6, 'int32', 6) as tf.Tensor1D;
    const predicted = tf.argMax(logits, 1).dataSync();
    const ranks = labelRank(logits, labels).dataSync();
    const given = labels.dataSync();
    expect([...ranks].map((r) => r === 0)).toEqual([...given].map((l, i) => predicted[i] === l));
    // Every class has another rank: together they are 0 to 5.
    const one = tf.tile(tf.slice(logits, [0, 0], [1, 6]), [6, 1]) as tf.Tensor2D;
    const all = labelRank(one, tf.range(0, 6, 1, 'int32') as tf.Tensor1D).dataSync();
    expect([...all].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('counts nothing as right where the logits are NaN', () => {
    expect(rank([[Number.NaN, Number.NaN, Number.NaN]], [0])).toEqual([3]);
    expect(rank([[1, Number.NaN, Number.POSITIVE_INFINITY]], [2])).toEqual([1]);
  });
});

describe('labelMargin', () => {
  const margin = (logits: number[][], labels: number[]) => [
    ...labelMargin(tf.tensor2d(logits), tf.tensor1d(labels, 'int32')).dataSync(),
  ];

  it('is the logit of the label minus the greatest of the others', () => {
    const logits = [0.5, -2, 7, 3, -1e30];
    expect(margin([logits, logits, logits], [0, 2, 3])).toEqual([-6.5, 4, -4]);
    expect(
      margin(
        [
          [1, 1],
          [-5, -9],
        ],
        [1, 0],
      ),
    ).toEqual([0, 4]);
  });

  it('is not negative exactly where the label is among the greatest', () => {
    const logits = tf.randomUniform([200, 6], -4, 4, 'int32', 5).toFloat() as tf.Tensor2D;
    const labels = tf.randomUniform([200], 0, 6, 'int32', 6) as tf.Tensor1D;
    const rows = logits.arraySync();
    const greatest = [...labels.dataSync()].map((l, i) => rows[i]![l] === Math.max(...rows[i]!));
    expect([...labelMargin(logits, labels).dataSync()].map((m) => m >= 0)).toEqual(greatest);
  });
});

describe('averagePool3x3', () => {
  const rows = (n: number) => Array.from({ length: n }, (_, i) => i);
  /** The mean over the window's elements inside the image, one by one. */
  function byHand(x: number[][][][]): number[][][][] {
    return x.map((image) =>
      image.map((line, y) =>
        line.map((pixel, at) =>
          pixel.map((_, c) => {
            const seen = [y - 1, y, y + 1].flatMap((i) =>
              [at - 1, at, at + 1].flatMap((j) => image[i]?.[j]?.[c] ?? []),
            );
            return seen.reduce((a, b) => a + b, 0) / seen.length;
          }),
        ),
      ),
    );
  }

  it.each([
    [4, 5],
    [1, 1],
    [2, 1],
    [3, 3],
  ])('is the mean of what lies inside an image of %i×%i, and has its gradient', (height, width) => {
    const x = normal([2, height, width, 3], 11) as tf.Tensor4D;
    const expected = tf.tensor4d(byHand(x.arraySync()));
    expect(largest(averagePool3x3(x), expected)).toBeLessThan(1e-6);

    // A linear map's gradient is its adjoint: column i of the map gives element i.
    const weights = normal([2, height, width, 3], 12) as tf.Tensor4D;
    const gradient = tf.grad((t) => tf.sum(tf.mul(averagePool3x3(t as tf.Tensor4D), weights)))(x);
    const flat = gradient.dataSync();
    for (const i of rows(x.size)) {
      const unit = tf.tensor4d(
        Float32Array.from(rows(x.size), (j) => Number(i === j)),
        x.shape,
      );
      const pooled = tf.tensor4d(byHand(unit.arraySync()));
      expect(flat[i]).toBeCloseTo(tf.sum(tf.mul(pooled, weights)).arraySync() as number, 5);
    }
  });
});

describe('localResponseNormalization', () => {
  const x = normal([2, 3, 3, 12], 2) as tf.Tensor4D;

  it.each([
    { radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 },
    { radius: 2, bias: 1.5, alpha: 0.3, beta: 0.75 },
    { radius: 1, bias: 2, alpha: 0.2, beta: 0.5 },
  ])('is what tfjs computes, forward and backward: %j', (c) => {
    const reference = (t: tf.Tensor4D) =>
      tf.localResponseNormalization(t, c.radius, c.bias, c.alpha, c.beta) as tf.Tensor4D;
    const weights = normal([2, 3, 3, 12], 3);
    const gradient = (f: (t: tf.Tensor4D) => tf.Tensor) =>
      tf.grad((t) => tf.sum(tf.mul(f(t as tf.Tensor4D), weights)))(x);
    const ours = (t: tf.Tensor4D) => localResponseNormalization(t, c);
    expect(largest(ours(x), reference(x))).toBeLessThan(1e-5);
    expect(largest(gradient(ours), gradient(reference))).toBeLessThan(1e-5);
  });
});

describe('batchNormTraining', () => {
  it('normalizes, shifts, and gives the population variance', () => {
    const x = normal([4, 3, 3, 2], 4) as tf.Tensor4D;
    const { y, mean, variance } = batchNormTraining(x, tf.tensor1d([1, -2]), 1e-3);
    const moments = tf.moments(x, [0, 1, 2]);
    expect(largest(mean, moments.mean)).toBeLessThan(1e-6);
    expect(largest(variance, moments.variance)).toBeLessThan(1e-6);
    expect(largest(tf.mean(y, [0, 1, 2]), tf.tensor1d([1, -2]))).toBeLessThan(1e-5);
    const scaled = batchNormTraining(x, tf.tensor1d([1, -2]), 1e-3, tf.tensor1d([3, -1]));
    const expected = tf.add(tf.mul(tf.sub(y, [1, -2]), [3, -1]), [1, -2]);
    expect(largest(scaled.y, expected)).toBeLessThan(1e-5);
  });
});

describe('softmaxCrossEntropy', () => {
  it('is −log of the probability of the label, with gradient softmax − one-hot', () => {
    const logits = normal([5, 4], 5) as tf.Tensor2D;
    const labels = tf.tensor1d([0, 3, 1, 1, 2], 'int32');
    const target = tf.oneHot(labels, 4);
    const expected = tf.neg(tf.log(tf.sum(tf.mul(tf.softmax(logits), target), 1)));
    expect(largest(softmaxCrossEntropy(logits, labels), expected)).toBeLessThan(1e-5);
    const gradient = tf.grad((t) => tf.sum(softmaxCrossEntropy(t as tf.Tensor2D, labels)))(logits);
    expect(largest(gradient, tf.sub(tf.softmax(logits), target))).toBeLessThan(1e-5);
  });
});

describe('applyMomentum', () => {
  it('is heavy ball, not Nesterov', () => {
    const [p, v] = applyMomentum(
      tf.tensor1d([1]),
      tf.tensor1d([2]),
      tf.tensor1d([3]),
      tf.scalar(0.5),
      0.9,
    );
    expect(v.arraySync()).toEqual([Math.fround(0.9 * 2 + 3)].map((n) => expect.closeTo(n, 5)));
    expect(p.arraySync()).toEqual([expect.closeTo(1 - 0.5 * 4.8, 5)]);
  });
});
