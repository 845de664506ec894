import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU_TARGET, GPU_TARGET, type Target } from '../../src/engines/xla/lower/target.js';
import type { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { averagePool3x3 } from '../../src/models/composite-ops.js';
import { cpuClient, cpuPlugin } from './xla-plugin.js';
import {
  both,
  difference,
  given,
  integers,
  normal,
  type TensorFunction,
  type TestInput,
  ties,
} from './xla-run.js';

const { plugin, reason } = await cpuPlugin();

describe.skipIf(!plugin)(`xla kernels against tfjs${reason}`, () => {
  let client: PjrtClient;
  beforeAll(async () => {
    client = await cpuClient(plugin);
  });
  afterAll(() => client.close());

  async function same(
    f: TensorFunction,
    inputs: TestInput[],
    { within = 0, target = CPU_TARGET }: { within?: number; target?: Target } = {},
  ): Promise<void> {
    const { compiled, eager } = await both(client, f, inputs, target);
    expect(compiled).toHaveLength(eager.length);
    compiled.forEach((array, i) => {
      expect(difference(array, eager[i]!), `result ${i}`).toBeLessThanOrEqual(within);
    });
  }

  const special = given([-2.5, -1, -0, 0, 0.3, 1, 7, NaN, Infinity, -Infinity]);
  const positive = given([1e-6, 0.1, 0.5, 1, 2, 30]);
  const any = given([-30, -2, -0.5, 0, 0.5, 2, 30]);

  it.each<[string, (x: tf.Tensor) => tf.Tensor, TestInput]>([
    ['abs', tf.abs, special],
    ['neg', tf.neg, special],
    ['relu', tf.relu, any],
    ['step', (x) => tf.step(x, 0.25), given([-1, 0, 2, NaN])],
    ['square', tf.square, any],
    ['isNaN', (x) => tf.cast(tf.isNaN(x), 'float32'), special],
    ['isFinite', (x) => tf.cast(tf.isFinite(x), 'float32'), special],
    ['to int', (x) => tf.cast(tf.cast(x, 'int32'), 'float32'), given([-2.7, -0.2, 0, 0.9, 3.2])],
    ['to bool', (x) => tf.cast(tf.cast(x, 'bool'), 'float32'), given([-2.7, 0, -0, 0.1])],
    ['not', (x) => tf.cast(tf.logicalNot(tf.cast(x, 'bool')), 'float32'), given([0, 1, 2])],
  ])('%s, exactly', async (_, f, input) => {
    await same((x) => [f(x!)], [input]);
  });

  it.each<[string, (x: tf.Tensor) => tf.Tensor, TestInput]>([
    ['exp', tf.exp, any],
    ['log', tf.log, positive],
    ['log1p', tf.log1p, positive],
    ['sqrt', tf.sqrt, positive],
    ['rsqrt', tf.rsqrt, positive],
    ['reciprocal', tf.reciprocal, positive],
    ['sigmoid', tf.sigmoid, any],
    ['softplus', tf.softplus, any],
    ['tanh', tf.tanh, any],
    ['softmax', (x) => tf.softmax(tf.reshape(x, [2, 3])), positive],
    ['logSoftmax', (x) => tf.logSoftmax(tf.reshape(x, [2, 3])), positive],
  ])('%s, to rounding', async (_, f, input) => {
    await same((x) => [f(x!)], [input], { within: 1e-6 });
  });

  it.each<[string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ['add', tf.add],
    ['sub', tf.sub],
    ['mul', tf.mul],
    ['div', tf.div],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['squaredDifference', tf.squaredDifference],
    ['pow', (a, b) => tf.pow(tf.abs(a), b)],
    ['greater', (a, b) => tf.cast(tf.greater(a, b), 'float32')],
    ['lessEqual', (a, b) => tf.cast(tf.lessEqual(a, b), 'float32')],
    ['where', (a, b) => tf.where(tf.greater(a, b), tf.add(a, tf.mul(b, 0)), tf.add(a, b))],
    ['and', (a, b) => tf.cast(tf.logicalAnd(tf.greater(a, 0), tf.less(b, 0)), 'float32')],
  ])('%s broadcasts', async (_, f) => {
    const column = normal(2, 3, 1);
    for (const other of [normal(3, 3, 5), normal(4, 5), normal(5, 1), normal(6, 2, 1, 5)]) {
      await same((a, b) => [f(a!, b!)], [column, other], { within: 1e-6 });
    }
  });

  it.each<[string, (x: tf.Tensor, axis: number[], keep: boolean) => tf.Tensor]>([
    ['sum', tf.sum],
    ['mean', tf.mean],
    ['max', tf.max],
    ['min', tf.min],
  ])('%s over any axes', async (_, f) => {
    const x = normal(7, 3, 4, 5);
    for (const axes of [[0], [2], [0, 2], [1, 2], [0, 1, 2]]) {
      for (const keep of [false, true]) {
        await same((t) => [f(t!, axes, keep)], [x], { within: 1e-6 });
      }
    }
  });

  it('argMax takes the first of equals, on every axis', async () => {
    const x = ties(8, 3, 4, 5, 6);
    for (const axis of [0, 1, 2]) {
      await same((t) => [tf.cast(tf.argMax(t!, axis), 'float32')], [x]);
    }
  });

  it('argMax of a row with NaN is an index', async () => {
    const f = (x: tf.Tensor) => [tf.argMax(x, 1)];
    const { compiled } = await both(client, f as TensorFunction, [given([1, NaN, 2], [1, 3])]);
    expect([0, 1, 2]).toContain(compiled[0]![0]);
  });

  it('moves elements: reshape, transpose, concat, split, slice, pad, tile, oneHot', async () => {
    const x = normal(9, 2, 3, 4);
    await same((t) => [tf.reshape(t!, [6, -1]), tf.transpose(t!, [2, 0, 1])], [x]);
    await same((t) => [tf.concat([t!, tf.mul(t!, 2), t!], 1), tf.expandDims(t!, 1)], [x]);
    await same((t) => tf.split(t!, [1, 0, 3], 2), [x]);
    await same((t) => [tf.slice(t!, [1, 0, 2], [1, 3, 2])], [x]);
    await same(
      (t) => [
        tf.pad(
          t!,
          [
            [1, 0],
            [0, 2],
            [3, 1],
          ],
          -7,
        ),
      ],
      [x],
    );
    await same((t) => [tf.oneHot(t as tf.Tensor1D, 4, 2, -1)], [integers([3, 0, -1, 4, 2])]);
  });

  it('embeds constants: floats, integers, booleans, infinities', async () => {
    await same(
      (x) => [
        tf.add(x!, tf.tensor1d([1.1, -2.2e-30, 3.3e30])),
        tf.cast(tf.mul(tf.cast(x!, 'int32'), tf.tensor1d([3, -4, 5], 'int32')), 'float32'),
        tf.where(tf.tensor1d([true, false, true], 'bool'), x!, tf.fill([3], -Infinity)),
        tf.fill([3], 2.5),
      ],
      [given([1, 2, 3])],
    );
  });

  describe.each([
    ['CPU forms', CPU_TARGET],
    ['GPU forms', GPU_TARGET],
  ])('%s', (_, target) => {
    it.each([
      [28, 3, 2, 'same'],
      [7, 3, 2, 'same'],
      [15, 2, 2, 'same'],
      [10, 3, 2, 'valid'],
      [11, 3, 1, 'same'],
      [12, 5, 3, 'same'],
      [9, 1, 2, 'same'],
      [8, 4, 1, 'same'],
      [9, 1, 1, 'valid'],
    ] as const)(
      'convolution and its gradients: %i, filter %i, stride %i, %s',
      async (size, k, stride, pad) => {
        const f: TensorFunction = (x, filter) => {
          const conv = (a: tf.Tensor, b: tf.Tensor) =>
            tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad);
          const { value, grads } = tf.valueAndGrads(
            (a, b) => tf.sum(tf.square(conv(a!, b!))) as tf.Scalar,
          )([x!, filter!]);
          return [conv(x!, filter!), value, ...grads];
        };
        await same(f, [normal(1, 2, size, size + 2, 5), normal(2, k, k, 5, 7)], {
          within: 3e-6,
          target,
        });
      },
    );

    it('convolution and its gradients, not square', async () => {
      const f: TensorFunction = (x, filter) => {
        const conv = (a: tf.Tensor, b: tf.Tensor) =>
          tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, [1, 2], 'same');
        const { grads } = tf.valueAndGrads((a, b) => tf.sum(tf.square(conv(a!, b!))) as tf.Scalar)([
          x!,
          filter!,
        ]);
        return [conv(x!, filter!), ...grads];
      };
      await same(f, [normal(1, 3, 6, 9, 2), normal(2, 5, 2, 2, 3)], { within: 3e-6, target });
    });

    it.each([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])('matMul, transposed %s and %s, plain and batched', async (transposeA, transposeB) => {
      const a = transposeA ? [5, 3] : [3, 5];
      const b = transposeB ? [4, 5] : [5, 4];
      const f: TensorFunction = (x, y) => [tf.matMul(x!, y!, transposeA, transposeB)];
      await same(f, [normal(1, ...a), normal(2, ...b)], { within: 1e-6, target });
      await same(f, [normal(3, 6, ...a), normal(4, 6, ...b)], { within: 1e-6, target });
    });
  });

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
  ] as const)(
    'pools and their gradients: %i, window %i, stride %i, %s',
    async (size, k, stride, pad) => {
      const shape = [2, size, size + 1, 5];
      const weighted =
        (pool: typeof tf.maxPool): TensorFunction =>
        (x, weights) => {
          const pooled = (t: tf.Tensor) => pool(t as tf.Tensor4D, k, stride, pad);
          const w = tf.slice(weights!, [0, 0, 0, 0], pooled(x!).shape);
          return [pooled(x!), tf.grad((t: tf.Tensor) => tf.sum(tf.mul(pooled(t), w)))(x!), w];
        };
      // Ties everywhere: the gradient must go to the first maximum.
      await same(weighted(tf.maxPool), [ties(7, 3, ...shape), ties(8, 50, ...shape)], {
        within: 1e-6,
      });

      // tfjs' own gradient counts the padding; the pool is linear, so its gradient is its adjoint.
      const inputs = [normal(9, ...shape), normal(10, ...shape)];
      const { compiled, eager } = await both(client, weighted(tf.avgPool), inputs);
      const [pooled, gradient, w] = compiled as [Float32Array, Float32Array, Float32Array];
      expect(difference(pooled, eager[0]!)).toBeLessThanOrEqual(1e-6);
      const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
        return Array.from(a).reduce((sum, value, n) => sum + value * b[n]!, 0);
      };
      expect(dot(gradient, inputs[0]!.data)).toBeCloseTo(dot(w, pooled), 2);
    },
  );

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
    await same(f, [normal(9, ...shape), normal(10, ...shape)], { within: 1e-6 });
  });

  it('local response normalization and its gradient', async () => {
    const f: TensorFunction = (x) => {
      const lrn = (t: tf.Tensor) =>
        tf.localResponseNormalization(t as tf.Tensor4D, 2, 1.5, 0.3, 0.75);
      const { grad } = tf.valueAndGrad((t: tf.Tensor) => tf.sum(tf.square(lrn(t))))(x!);
      return [lrn(x!), grad];
    };
    await same(f, [normal(5, 2, 3, 3, 9)], { within: 3e-6 });
  });
});
