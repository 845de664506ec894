import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { averagePool3x3 } from '../../../src/models/composite-ops.js';
import {
  batchNormReluTraining,
  batchNormTraining,
  softmaxCrossEntropy,
} from '../../../src/models/ops.js';
import { type Bench, integers, normal, type TensorFunction, ties } from './lowering.js';

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, n) => sum + value * b[n]!, 0);
}

/** What networks are made of, with gradients. */
export function testNetwork(bench: Bench): void {
  it.each([
    [28, 3, 2, 'same'],
    [14, 3, 2, 'same'],
    [7, 3, 2, 'same'],
    [15, 2, 2, 'same'],
    [9, 2, 2, 'valid'],
    [10, 3, 2, 'valid'],
    [11, 3, 1, 'same'],
    [12, 5, 3, 'same'],
    [13, 1, 2, 'same'],
  ] as const)('pools and their gradients: %i, window %i, stride %i, %s', async (...form) => {
    const [size, k, stride, pad] = form;
    const shape = [2, size, size + 1, 5];
    const weighted =
      (pool: typeof tf.maxPool): TensorFunction =>
      (x, weights) => {
        const pooled = (t: tf.Tensor) => pool(t as tf.Tensor4D, k, stride, pad);
        const w = tf.slice(weights!, [0, 0, 0, 0], pooled(x!).shape);
        return [pooled(x!), tf.grad((t: tf.Tensor) => tf.sum(tf.mul(pooled(t), w)))(x!), w];
      };
    // Ties everywhere: the gradient must go to the first maximum.
    await bench.same(weighted(tf.maxPool), [ties(7, 3, ...shape), ties(8, 50, ...shape)], 1e-6);

    // tfjs' own gradient counts the padding; the pool is linear, so its gradient is its adjoint.
    const inputs = [normal(9, ...shape), normal(10, ...shape)];
    await bench.same((x) => [tf.avgPool(x as tf.Tensor4D, k, stride, pad)], [inputs[0]!], 1e-6);
    const { compiled } = await bench.both(weighted(tf.avgPool), inputs, 'float32');
    const [pooled, gradient, w] = compiled as [Float32Array, Float32Array, Float32Array];
    expect(dot(gradient, inputs[0]!.data)).toBeCloseTo(dot(w, pooled), 2);
  });

  it.each([
    [5, 6],
    [1, 1],
    [2, 9],
  ])('average pooling of Inception V3 and its gradient on %i×%i', async (height, width) => {
    const f: TensorFunction = (x, weights) => [
      averagePool3x3(x as tf.Tensor4D),
      tf.grad((t: tf.Tensor) => tf.sum(tf.mul(averagePool3x3(t as tf.Tensor4D), weights!)))(x!),
    ];
    const shape = [2, height, width, 3];
    await bench.same(f, [normal(9, ...shape), normal(10, ...shape)], 1e-6);
  });

  it('local response normalization and its gradient', async () => {
    const f: TensorFunction = (x) => {
      const lrn = (t: tf.Tensor) =>
        tf.localResponseNormalization(t as tf.Tensor4D, 2, 1.5, 0.3, 0.75);
      return [lrn(x!), tf.grad((t: tf.Tensor) => tf.sum(tf.square(lrn(t))))(x!)];
    };
    await bench.same(f, [normal(5, 2, 3, 3, 9)], 3e-6);
  });

  it('dense layer with bias and ReLU, and its gradients: the fused forms', async () => {
    const f: TensorFunction = (x, w, b) => {
      const layer = (...t: tf.Tensor[]) => tf.relu(tf.add(tf.matMul(t[0]!, t[1]!), t[2]!));
      const loss = (...t: tf.Tensor[]) => tf.sum(tf.exp(layer(...t))) as tf.Scalar;
      return [layer(x!, w!, b!), ...tf.grads(loss)([x!, w!, b!])];
    };
    await bench.same(f, [normal(1, 5, 7), normal(2, 7, 3), normal(3, 3)], 1e-6);
  });

  it.each([
    ['', batchNormTraining],
    [' before ReLU', batchNormReluTraining],
  ])('training BatchNorm%s and its gradients', async (_, normalized) => {
    const f: TensorFunction = (x, shift, scale, weights) => {
      const norm = (...t: tf.Tensor[]) =>
        normalized(t[0] as tf.Tensor4D, t[1] as tf.Tensor1D, 1e-3, t[2] as tf.Tensor1D);
      const loss = (...t: tf.Tensor[]) => tf.sum(tf.mul(norm(...t).y, weights!)) as tf.Scalar;
      const { y, mean, variance } = norm(x!, shift!);
      const gradients = [
        [x!, shift!],
        [x!, shift!, scale!],
      ].flatMap((t) => tf.grads(loss)(t));
      return [y, mean, variance, norm(x!, shift!, scale!).y, ...gradients];
    };
    const shape = [3, 5, 4, 6];
    const channels = [normal(2, 6), normal(4, 6)];
    await bench.same(f, [normal(1, ...shape), ...channels, normal(3, ...shape)], 1e-5);
  });

  it('cross-entropy and its gradient, also for large logits', async () => {
    const f: TensorFunction = (x, labels) => {
      const loss = (t: tf.Tensor) =>
        tf.mean(softmaxCrossEntropy(tf.mul(t, 30) as tf.Tensor2D, labels as tf.Tensor1D));
      return [loss(x!), tf.grad(loss)(x!)];
    };
    await bench.same(f, [normal(1, 4, 7), integers([0, 6, 3, 3])], 1e-6);
  });
}
