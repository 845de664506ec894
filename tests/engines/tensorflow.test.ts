import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/engines/index.js';
import {
  batchNormReluTraining,
  batchNormTraining,
  type NormalizedBatch,
  softmaxCrossEntropy,
} from '../../src/models/ops.js';
import { Random } from '../../src/random.js';
import { runTypeScript } from '../helpers/child.js';
import { EAGER, ensureTensorflow } from '../helpers/engine.js';
import {
  evalChunk,
  expectReference,
  makeCase,
  partOf,
  REFERENCE_NETWORKS,
  sameBits,
  trainChunk,
} from './fixture.js';

vi.mock('../../src/models/ops.js', async (original) =>
  (await import('./smooth-twin.js')).smoothOps(await original()),
);
vi.mock('../../src/models/layers.js', async (original) =>
  (await import('./smooth-twin.js')).smoothLayers(await original()),
);

const { engine, skipped } = await ensureTensorflow();

function normal(name: string, shape: number[]): tf.Tensor {
  const random = new Random(3, `test/${name}`);
  const size = shape.reduce((a, b) => a * b);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** Results of the same function on the native backend, with its fused kernels, and on tfjs' reference. */
async function onBoth(f: () => tf.Tensor[]): Promise<[Float32Array[], Float32Array[]]> {
  const results: Float32Array[][] = [];
  for (const backend of ['tensorflow', 'cpu']) {
    await tf.setBackend(backend);
    results.push(tf.tidy(() => f().map((tensor) => tensor.dataSync<'float32'>().slice()) as never));
  }
  return results as [Float32Array[], Float32Array[]];
}

function expectClose([native, reference]: [Float32Array[], Float32Array[]], tolerance: number) {
  expect(native.length).toBe(reference.length);
  for (const [k, expected] of reference.entries()) {
    const scale = Math.max(...expected.map(Math.abs));
    expect(native[k]!.length).toBe(expected.length);
    for (const [i, value] of expected.entries()) {
      expect(Math.abs(native[k]![i]! - value)).toBeLessThan(tolerance * scale);
    }
  }
}

describe.skipIf(engine === undefined)(`the engine tensorflow${skipped}`, () => {
  beforeAll(() => tf.setBackend('tensorflow'));

  it('says what it is', () => {
    expect(engine!.info).toMatchObject({ name: 'tensorflow', precision: 'float32', mode: 'eager' });
    expect(engine!.info.version).toBe('2.21.0');
  });

  it.each([
    'FusedBatchNormV3',
    '_MklNativeFusedBatchNormEx',
    'FusedBatchNormGradV3',
    'SparseSoftmaxCrossEntropyWithLogits',
  ])('has the fused kernel %s', (kernel) =>
    expect(tf.getKernel(kernel, 'tensorflow')).toBeDefined(),
  );

  it('multiplies matrices, turned or not, alone or in batches', async () => {
    const turned = [false, true];
    const results = await onBoth(() =>
      turned.flatMap((a) =>
        turned.flatMap((b) => {
          const left = a ? [3, 5] : [5, 3];
          const right = b ? [4, 3] : [3, 4];
          return [[], [2]].map((batch) =>
            tf.matMul(normal('a', [...batch, ...left]), normal('b', [...batch, ...right]), a, b),
          );
        }),
      ),
    );
    expectClose(results, 1e-6);
  });

  it('casts to the same type without a copy that goes with the original', async () => {
    const results = await onBoth(() => {
      const x = normal('x', [7]);
      const same = tf.cast(x, 'float32');
      x.dispose();
      return [same, tf.cast(tf.cast(same, 'int32'), 'float32')];
    });
    expectClose(results, 1e-6);
    await tf.setBackend('tensorflow');
    const before = tf.memory().numTensors;
    const x = normal('x', [7]);
    tf.dispose([x, tf.cast(x, 'float32')]);
    expect(() => x.dataSync()).toThrow(/disposed/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['', batchNormTraining],
    [' before ReLU', batchNormReluTraining],
  ])('normalizes batches%s as the composite does, with its gradients', async (_, normalized) => {
    const results = await onBoth(() => {
      const x = tf.add(tf.mul(normal('x', [4, 5, 3, 6]), 3), 2);
      const shift = normal('shift', [6]);
      const scale = normal('scale', [6]);
      const f = (...[a, b, c]: tf.Tensor[]): NormalizedBatch =>
        normalized(a as tf.Tensor4D, b as tf.Tensor1D, 1e-3, c as tf.Tensor1D);
      const { y, mean, variance } = f(x, shift);
      const weights = normal('weights', y.shape);
      const loss = (...given: tf.Tensor[]) => tf.sum(tf.mul(f(...given).y, weights)) as tf.Scalar;
      const gradients = [
        [x, shift],
        [x, shift, scale],
      ].flatMap((given) => tf.grads(loss)(given));
      return [y, mean, variance, f(x, shift, scale).y, ...gradients];
    });
    expectClose(results, 1e-4);
  });

  it.each([
    ['same', 3, 2, 8],
    ['same', 3, 2, 7],
    ['same', 2, 3, 7],
    ['valid', 3, 2, 9],
    ['valid', [2, 3], [1, 2], 6],
  ] as const)(
    'pools %s, %j by %j, %i wide: the gradient goes to the first of equal maxima',
    async (padding, size, strides, width) => {
      const results = await onBoth(() => {
        // Small whole numbers, many of them equal.
        const x = tf.relu(tf.round(normal('x', [2, width, width - 1, 5]))) as tf.Tensor4D;
        const pooled = (t: tf.Tensor) =>
          tf.maxPool(t as tf.Tensor4D, size as number, strides as number, padding);
        const weights = normal('weights', pooled(x).shape);
        return [
          pooled(x),
          tf.grad((t) => tf.sum(tf.mul(pooled(t), weights)))(x),
          tf.grad((t) => tf.sum(pooled(t)))(x),
        ];
      });
      expectClose(results, 1e-6);
    },
  );

  it('has the cross-entropy of the composite, with its gradient, also for large logits', async () => {
    const results = await onBoth(() => {
      const logits = tf.mul(normal('logits', [9, 7]), 30) as tf.Tensor2D;
      const labels = tf.tensor1d([0, 1, 2, 3, 4, 5, 6, 0, 1], 'int32');
      const weights = normal('weights', [9]);
      const loss = (x: tf.Tensor) =>
        tf.sum(tf.mul(softmaxCrossEntropy(x as tf.Tensor2D, labels), weights)) as tf.Scalar;
      return [softmaxCrossEntropy(logits, labels), tf.grad(loss)(logits)];
    });
    expectClose(results, 1e-5);
  });

  it.each(REFERENCE_NETWORKS)('trains %j as tfjs’ reference does', (model, dropout) =>
    expectReference(engine!, model, dropout),
  );

  it('repeats itself bit for bit, in one call or many, and keeps no tensors', async () => {
    const c = makeCase({ name: 'inception' }, { imageShape: [12, 12, 3], classes: 10 });
    const chunk = trainChunk(c.program, 6);
    const [one, many] = [
      await engine!.load(c.program, c.state),
      await engine!.load(c.program, c.state),
    ];
    const whole = await one.runSteps(chunk);
    const { numTensors } = tf.memory();
    const parts = [
      await many.runSteps(partOf(chunk, 0, 1)),
      await many.runSteps(partOf(chunk, 1, 5)),
    ];
    expect(parts.flatMap(({ loss }) => [...loss])).toEqual([...whole.loss]);
    expect(sameBits(await many.getState(), await one.getState())).toBe(true);
    expect(await many.evalChunk(evalChunk(chunk, true))).toEqual(
      await one.evalChunk(evalChunk(chunk, true)),
    );
    expect(tf.memory().numTensors).toBe(numTensors);
    for (const each of [one, many]) each.dispose();
  });

  it('loads without a word, and learns, in a process of its own', async () => {
    const { code, stdout, stderr } = await runTypeScript('tests/engines/child-load.ts');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tensorflow', threads: 1, finite: [1, 1] });
  });

  it('refuses settings that a loaded library can’t change', async () => {
    const threads = { ...EAGER, threads: 97 };
    await expect(createEngine(threads)).rejects.toThrow(/engine\.threads/);
    const precision = { ...EAGER, precision: 'bfloat16' } as const;
    await expect(createEngine(precision)).rejects.toMatchObject({ kind: 'usage' });
  });

  it.skipIf(engine?.info.device !== 'cpu')('has no second device on a CPU', async () => {
    await expect(createEngine({ ...EAGER, device: 1 })).rejects.toMatchObject({ kind: 'usage' });
  });
});
