import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { LOWERINGS } from '../../src/engines/tensorflow/graph/lower/index.js';
import { NativeSession } from '../../src/engines/tensorflow/native-session.js';
import { GraphBuilder } from '../../src/engines/trace/builder.js';
import {
  BINARY_OPS,
  COMPARISON_OPS,
  LOGICAL_OPS,
  REDUCE_OPS,
  UNARY_OPS,
  type Value,
} from '../../src/engines/trace/graph.js';
import { averagePool3x3 } from '../../src/models/composite-ops.js';
import { batchNormTraining, softmaxCrossEntropy } from '../../src/models/ops.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { both, reshapeGraph, runGraph } from './tensorflow-run.js';
import {
  difference,
  given,
  integers,
  normal,
  type TensorFunction,
  type TestInput,
  ties,
} from './xla-run.js';

const { engine, skipped } = await ensureTensorflow();

it('every op of the graph is lowered', () => {
  const families = [...UNARY_OPS, ...BINARY_OPS, ...COMPARISON_OPS, ...LOGICAL_OPS, ...REDUCE_OPS];
  for (const op of families) expect(LOWERINGS, op).toHaveProperty(op);
});

async function same(f: TensorFunction, inputs: TestInput[], within = 0): Promise<void> {
  const { compiled, eager } = await both(f, inputs);
  expect(compiled).toHaveLength(eager.length);
  compiled.forEach((array, i) => {
    expect(difference(array, eager[i]!), `result ${i}`).toBeLessThanOrEqual(within);
  });
}

const toFloat = (x: tf.Tensor) => tf.cast(x, 'float32');

describe.skipIf(engine === undefined)(`TensorFlow graphs against tfjs${skipped}`, () => {
  const special = given([-2.5, -1, -0, 0, 0.3, 1, 7, Number.NaN, Infinity, -Infinity]);
  const positive = given([1e-6, 0.1, 0.5, 1, 2, 30]);
  const any = given([-30, -2, -0.5, 0, 0.5, 2, 30]);

  it.each<[string, (x: tf.Tensor) => tf.Tensor, TestInput]>([
    ['abs', tf.abs, special],
    ['neg', tf.neg, special],
    ['relu', tf.relu, any],
    ['step', (x) => tf.step(x, 0.25), given([-1, 0, 2, Number.NaN])],
    ['square', tf.square, any],
    ['isNaN', (x) => toFloat(tf.isNaN(x)), special],
    ['isFinite', (x) => toFloat(tf.isFinite(x)), special],
    ['to int', (x) => toFloat(tf.cast(x, 'int32')), given([-2.7, -0.2, 0, 0.9, 3.2])],
    ['to bool', (x) => toFloat(tf.cast(x, 'bool')), given([-2.7, 0, -0, 0.1])],
    ['not', (x) => toFloat(tf.logicalNot(tf.cast(x, 'bool'))), given([0, 1, 2])],
  ])('%s, exactly', (_, f, input) => same((x) => [f(x!)], [input]));

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
  ])('%s, to rounding', (_, f, input) => same((x) => [f(x!)], [input], 1e-6));

  it.each<[string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ['add', tf.add],
    ['sub', tf.sub],
    ['mul', tf.mul],
    ['div', tf.div],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['squaredDifference', tf.squaredDifference],
    ['pow', (a, b) => tf.pow(tf.abs(a), b)],
    ['equal', (a, b) => toFloat(tf.equal(tf.step(a), tf.step(b)))],
    ['greater', (a, b) => toFloat(tf.greater(a, b))],
    ['lessEqual', (a, b) => toFloat(tf.lessEqual(a, b))],
    ['where', (a, b) => tf.where(tf.greater(a, b), tf.add(a, tf.mul(b, 0)), tf.add(a, b))],
    ['and', (a, b) => toFloat(tf.logicalAnd(tf.greater(a, 0), tf.less(b, 0)))],
    ['or', (a, b) => toFloat(tf.logicalOr(tf.greater(a, 0), tf.less(b, 0)))],
  ])('%s broadcasts', async (_, f) => {
    for (const other of [normal(3, 3, 5), normal(4, 5), normal(5, 1), normal(6, 2, 1, 5)]) {
      await same((a, b) => [f(a!, b!)], [normal(2, 3, 1), other], 1e-6);
    }
  });

  it.each<[string, (x: tf.Tensor, axis: number[], keep: boolean) => tf.Tensor]>([
    ['sum', tf.sum],
    ['mean', tf.mean],
    ['max', tf.max],
    ['min', tf.min],
    ['all', (x, axis, keep) => toFloat(tf.all(tf.greater(x, -1), axis, keep))],
    ['any', (x, axis, keep) => toFloat(tf.any(tf.greater(x, 1), axis, keep))],
  ])('%s over any axes', async (_, f) => {
    for (const axes of [[0], [2], [0, 2], [0, 1], [1, 2], [0, 1, 2]]) {
      for (const keep of [false, true]) {
        await same((t) => [f(t!, axes, keep)], [normal(7, 3, 4, 5)], 1e-6);
      }
    }
  });

  it('sums of squares, as the fused loss and in part', async () => {
    const f: TensorFunction = (x) => [tf.sum(tf.square(x!)), tf.sum(tf.square(x!), 0)];
    await same(f, [normal(1, 7, 9)], 1e-6);
  });

  it('argMax takes the first of equals, on every axis', async () => {
    for (const axis of [0, 1, 2]) {
      await same((t) => [toFloat(tf.argMax(t!, axis))], [ties(8, 3, 4, 5, 6)]);
    }
  });

  it('moves elements', async () => {
    const x = normal(9, 2, 3, 4);
    await same((t) => [tf.reshape(t!, [6, -1]), tf.transpose(t!, [2, 0, 1])], [x]);
    await same((t) => [tf.concat([t!, tf.mul(t!, 2), t!], 1), tf.expandDims(t!, 1)], [x]);
    await same((t) => [tf.stack([t!, tf.neg(t!)], 1)], [x]);
    await same((t) => tf.split(t!, [1, 0, 3], 2), [x]);
    await same((t) => [tf.slice(t!, [1, 0, 2], [1, 3, 2])], [x]);
    const paddings: [number, number][] = [
      [1, 0],
      [0, 2],
      [3, 1],
    ];
    await same((t) => [tf.pad(t!, paddings, -7)], [x]);
    await same((t) => [tf.oneHot(t as tf.Tensor1D, 4, 2, -1)], [integers([3, 0, -1, 4, 2])]);
  });

  it('embeds constants: floats, integers, booleans, infinities', async () => {
    const f: TensorFunction = (x) => [
      tf.add(x!, tf.tensor1d([1.1, -2.2e-30, 3.3e30])),
      toFloat(tf.mul(tf.cast(x!, 'int32'), tf.tensor1d([3, -4, 5], 'int32'))),
      tf.where(tf.tensor1d([true, false, true], 'bool'), x!, tf.fill([3], -Infinity)),
      tf.fill([3], 2.5),
    ];
    await same(f, [given([1, 2, 3])]);
  });

  it.each([
    [28, 3, 2, 'same'],
    [7, 3, 2, 'same'],
    [15, 2, 2, 'same'],
    [10, 3, 2, 'valid'],
    [12, 5, 3, 'same'],
    [9, 1, 2, 'same'],
    [8, 4, 1, 'same'],
    [9, 3, 1, 1],
  ] as const)(
    'convolution and its gradients: %i, filter %i, stride %i, %s',
    async (size, k, stride, pad) => {
      const f: TensorFunction = (x, filter) => {
        const conv = (a: tf.Tensor, b: tf.Tensor) =>
          tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad);
        const sumOfSquares = (a: tf.Tensor, b: tf.Tensor) =>
          tf.sum(tf.square(conv(a, b))) as tf.Scalar;
        return [conv(x!, filter!), ...tf.grads(sumOfSquares)([x!, filter!])];
      };
      await same(f, [normal(1, 2, size, size + 2, 5), normal(2, k, k, 5, 7)], 3e-6);
    },
  );

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('matMul, transposed %s and %s, plain and batched', async (transposeA, transposeB) => {
    const a = transposeA ? [5, 3] : [3, 5];
    const b = transposeB ? [4, 5] : [5, 4];
    const f: TensorFunction = (x, y) => [tf.matMul(x!, y!, transposeA, transposeB)];
    await same(f, [normal(1, ...a), normal(2, ...b)], 1e-6);
    await same(f, [normal(3, 6, ...a), normal(4, 6, ...b)], 1e-6);
  });

  it.each([
    [28, 3, 2, 'same'],
    [7, 3, 2, 'same'],
    [15, 2, 2, 'same'],
    [9, 2, 2, 'valid'],
    [10, 3, 2, 'valid'],
    [11, 3, 1, 'same'],
    [13, 1, 2, 'same'],
  ] as const)(
    'pools and their gradients, with ties: %i, window %i, stride %i, %s',
    async (size, k, stride, pad) => {
      const f: TensorFunction = (x, weights) => {
        const pooled = (t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, k, stride, pad);
        const w = tf.slice(weights!, [0, 0, 0, 0], pooled(x!).shape);
        return [pooled(x!), tf.grad((t: tf.Tensor) => tf.sum(tf.mul(pooled(t), w)))(x!)];
      };
      const shape = [2, size, size + 1, 5];
      await same(f, [ties(7, 3, ...shape), ties(8, 50, ...shape)], 1e-6);
      await same(
        (x) => [tf.avgPool(x as tf.Tensor4D, k, stride, pad)],
        [normal(9, ...shape)],
        1e-6,
      );
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
    await same(f, [normal(9, ...shape), normal(10, ...shape)], 1e-6);
  });

  it('local response normalization and its gradient', async () => {
    const f: TensorFunction = (x) => {
      const lrn = (t: tf.Tensor) =>
        tf.localResponseNormalization(t as tf.Tensor4D, 2, 1.5, 0.3, 0.75);
      return [lrn(x!), tf.grad((t: tf.Tensor) => tf.sum(tf.square(lrn(t))))(x!)];
    };
    await same(f, [normal(5, 2, 3, 3, 9)], 3e-6);
  });

  it('dense layer with bias and ReLU, and its gradients: the fused forms', async () => {
    const f: TensorFunction = (x, w, b) => {
      const layer = (...t: tf.Tensor[]) => tf.relu(tf.add(tf.matMul(t[0]!, t[1]!), t[2]!));
      const loss = (...t: tf.Tensor[]) => tf.sum(tf.exp(layer(...t))) as tf.Scalar;
      return [layer(x!, w!, b!), ...tf.grads(loss)([x!, w!, b!])];
    };
    await same(f, [normal(1, 5, 7), normal(2, 7, 3), normal(3, 3)], 1e-6);
  });

  it('training BatchNorm and its gradients', async () => {
    const f: TensorFunction = (x, shift, weights) => {
      const norm = (...t: tf.Tensor[]) =>
        batchNormTraining(t[0] as tf.Tensor4D, t[1] as tf.Tensor1D, 1e-3);
      const loss = (...t: tf.Tensor[]) => tf.sum(tf.mul(norm(...t).y, weights!)) as tf.Scalar;
      const { y, mean, variance } = norm(x!, shift!);
      return [y, mean, variance, ...tf.grads(loss)([x!, shift!])];
    };
    const shape = [3, 5, 4, 6];
    await same(f, [normal(1, ...shape), normal(2, 6), normal(3, ...shape)], 1e-5);
  });

  it('cross-entropy and its gradient, also for large logits', async () => {
    const f: TensorFunction = (x, labels) => {
      const loss = (t: tf.Tensor) =>
        tf.mean(softmaxCrossEntropy(tf.mul(t, 30) as tf.Tensor2D, labels as tf.Tensor1D));
      return [loss(x!), tf.grad(loss)(x!)];
    };
    await same(f, [normal(1, 4, 7), integers([0, 6, 3, 3])], 1e-6);
  });

  it('momentum outside of variables', async () => {
    const inputs = [normal(1, 3, 2), normal(2, 3, 2), normal(3, 3, 2), given([0.1], [])];
    const builder = new GraphBuilder();
    const values = inputs.map((type, i) => builder.input(`x${i}`, type)) as Value[];
    const outputs = builder.emitAll('applyMomentum', values, { momentum: 0.9 });
    const graph = builder.build(new Map(outputs.map((value, i) => [`y${i}`, value])));
    const [p, v] = await runGraph(graph, inputs);
    const [p0, v0, g] = inputs.map(({ data }) => data) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const velocity = v0.map((x, i) => 0.9 * x + g[i]!);
    expect(difference(v!, velocity)).toBeLessThan(1e-6);
    expect(
      difference(
        p!,
        p0.map((x, i) => x - 0.1 * velocity[i]!),
      ),
    ).toBeLessThan(1e-6);
  });

  it('products in bfloat16 are float32 rounded, and are given back as float32', async () => {
    const f: TensorFunction = (x, y) => [tf.matMul(x!, y!)];
    const { compiled, eager } = await both(f, [normal(1, 9, 40), normal(2, 40, 7)], 'bfloat16');
    const apart = difference(compiled[0]!, eager[0]!);
    expect(apart).toBeLessThan(0.02);
    expect(apart).toBeGreaterThan(1e-5);
  });

  it('a failure inside TensorFlow is one sentence', async () => {
    const session = NativeSession.create(reshapeGraph());
    const feeds = [
      { data: Float32Array.of(1, 2), shape: [2] },
      { data: Int32Array.of(3), shape: [1] },
    ];
    await expect(
      session.run({ feeds: ['x', 'shape'], fetches: ['y'] }, feeds),
    ).rejects.toMatchObject({
      name: 'RethinkError',
      message: expect.stringMatching(/^TensorFlow failed in a step: .*reshape/i),
    });
    session.dispose();
    session.dispose();
  });
});
