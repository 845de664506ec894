import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/engines/trace/builder.js';
import {
  BINARY_OPS,
  COMPARISON_OPS,
  type Graph,
  LOGICAL_OPS,
  REDUCE_OPS,
  sizeOf,
  UNARY_OPS,
  type Value,
} from '../../src/engines/trace/graph.js';
import { LOWERINGS } from '../../src/engines/xla/lower/function.js';
import { CPU_TARGET, GPU_TARGET, type Target } from '../../src/engines/xla/lower/target.js';
import type { HostArray } from '../../src/engines/xla/pjrt/buffer.js';
import type { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { cpuClient, cpuPlugin } from './xla-plugin.js';
import { difference, given, normal, runGraph, type TestInput, ties } from './xla-run.js';

const { plugin, reason } = await cpuPlugin();

/** A graph of float32 inputs (bytes and int32 by their data), and its results. */
async function run(
  client: PjrtClient,
  inputs: TestInput[],
  body: (b: GraphBuilder, values: Value[]) => readonly Value[],
  target: Target = CPU_TARGET,
): Promise<HostArray[]> {
  const builder = new GraphBuilder();
  const values = inputs.map(({ shape, dtype }, i) => builder.input(`x${i}`, { shape, dtype }));
  const outputs = new Map(body(builder, values).map((value, i) => [`y${i}`, value]));
  const graph: Graph = builder.build(outputs);
  return await runGraph(
    client,
    graph,
    inputs.map(({ data }) => data),
    target,
  );
}

function tensorOf({ data, shape }: TestInput): tf.Tensor {
  return tf.tensor(data, shape);
}

/** Nearest bfloat16. */
function bfloat16(x: number): number {
  const word = new Uint32Array(Float32Array.of(x).buffer)[0]!;
  const bits = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(bits >>> 0).buffer)[0]!;
}

it('every op of the graph is lowered', () => {
  const families = [...UNARY_OPS, ...BINARY_OPS, ...COMPARISON_OPS, ...LOGICAL_OPS, ...REDUCE_OPS];
  for (const op of families) expect(LOWERINGS, op).toHaveProperty(op);
});

describe.skipIf(!plugin)(`xla ops that only the tracer writes${reason}`, () => {
  let client: PjrtClient;
  beforeAll(async () => {
    client = await cpuClient(plugin);
    await tf.setBackend('cpu');
  });
  afterAll(() => client.close());

  it.each([
    ['one-pass', GPU_TARGET],
    ['two-pass', CPU_TARGET],
  ] as const)('BatchNorm and its gradients, %s variance', async (_, target) => {
    const inputs = [normal(1, 3, 4, 5, 6), normal(2, 6), normal(3, 6), normal(4, 3, 4, 5, 6)];
    const [y, mean, variance, dx, dscale, doffset] = await run(
      client,
      inputs,
      (b, [x, scale, offset, dy]) => {
        const outputs = b.emitAll('fusedBatchNorm', [x!, scale!, offset!], { epsilon: 0.001 });
        const reserves = outputs.slice(3);
        const gradients = b.emitAll('fusedBatchNormGrad', [dy!, x!, scale!, ...reserves], {
          epsilon: 0.001,
        });
        return [...outputs.slice(0, 3), ...gradients];
      },
      target,
    );
    const [x, scale, offset, dy] = inputs.map(tensorOf) as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor4D,
    ];
    const norm = (a: tf.Tensor, s: tf.Tensor, o: tf.Tensor) => {
      const moments = tf.moments(a, [0, 1, 2]);
      const unit = tf.mul(tf.sub(a, moments.mean), tf.rsqrt(tf.add(moments.variance, 0.001)));
      return tf.add(tf.mul(unit, s), o);
    };
    const expected = [norm(x, scale, offset), ...Object.values(tf.moments(x, [0, 1, 2]))];
    const gradients = tf.grads((a, s, o) => norm(a!, s!, o!))([x, scale, offset], dy);
    expect(difference(y!, expected[0]!.dataSync())).toBeLessThan(2e-6);
    expect(difference(mean!, expected[1]!.dataSync())).toBeLessThan(2e-6);
    // Bessel's correction, n = 60.
    expect(difference(variance!, tf.mul(expected[2]!, 60 / 59).dataSync())).toBeLessThan(2e-6);
    [dx, dscale, doffset].forEach((gradient, i) => {
      expect(difference(gradient!, gradients[i]!.dataSync())).toBeLessThan(5e-6);
    });
  });

  it('sparse cross-entropy and its gradient, of large logits too', async () => {
    const logits = given([1, 2, 3, 1000, -1000, 0, 0.1, 0.2, 0.3], [3, 3]);
    const labels: TestInput = { shape: [3], dtype: 'int32', data: Int32Array.of(2, 1, 0) };
    const [loss, gradient] = await run(client, [logits, labels], (b, [x, y]) =>
      b.emitAll('sparseSoftmaxCrossEntropy', [x!, y!], {}),
    );
    const x = tf.tensor2d(logits.data as Float32Array, [3, 3]);
    const onehot = tf.oneHot(tf.tensor1d([2, 1, 0], 'int32'), 3);
    expect(difference(loss!, [0.407606, 2000, 1.2019428])).toBeLessThan(1e-6);
    expect(difference(gradient!, tf.sub(tf.softmax(x), onehot).dataSync())).toBeLessThan(1e-6);
  });

  it('momentum, biases, relu gradient, sums of squares', async () => {
    const inputs = [normal(1, 4, 3), normal(2, 4, 3), normal(3, 3)];
    const [p, v, biased, gradient, masked, half] = await run(client, inputs, (b, [x, y, bias]) => [
      ...b.emitAll('applyMomentum', [x!, y!, x!, b.scalar(0.1, 'float32')], { momentum: 0.9 }),
      b.apply('biasAdd', x!, bias!),
      b.apply('biasAddGrad', x!),
      b.apply('reluGrad', x!, y!),
      b.apply('l2Loss', x!),
    ]);
    const [x, y, bias] = inputs.map(tensorOf) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const velocity = tf.add(tf.mul(y, 0.9), x);
    expect(difference(v!, velocity.dataSync())).toBeLessThan(1e-6);
    expect(difference(p!, tf.sub(x, tf.mul(velocity, 0.1)).dataSync())).toBeLessThan(1e-6);
    expect(difference(biased!, tf.add(x, bias).dataSync())).toBe(0);
    expect(difference(gradient!, tf.sum(x, 0).dataSync())).toBeLessThan(1e-6);
    expect(difference(masked!, tf.mul(x, tf.step(y)).dataSync())).toBe(0);
    expect(half![0]).toBeCloseTo(tf.sum(tf.square(x)).dataSync()[0]! / 2, 5);
  });

  it('rounds to bfloat16 to the nearest, ties to even, and sums in float32', async () => {
    const values = [1, 1.00390625, 1.01171875, -3.7159, 1e-30, 3e38, 0.1];
    const [rounded, total, constant] = await run(client, [given(values)], (b, [x]) => {
      const ones = b.splat(1, { shape: [1000], dtype: 'bfloat16' });
      return [
        b.cast(b.cast(x!, 'bfloat16'), 'float32'),
        b.cast(b.emit('sum', [ones], { axes: [0], keepDims: false }), 'float32'),
        b.cast(
          b.constant(Float32Array.from(values), { shape: [values.length], dtype: 'bfloat16' }),
          'float32',
        ),
      ];
    });
    expect(Array.from(rounded!)).toEqual(values.map(bfloat16));
    expect(Array.from(constant!)).toEqual(values.map(bfloat16));
    expect(total![0]).toBe(1000);
  });

  it.each([CPU_TARGET, GPU_TARGET])(
    'products of bfloat16 operands, summed in float32, form $convolutions',
    async (target) => {
      const inputs = [
        normal(1, 6, 40),
        normal(2, 40, 5),
        normal(3, 2, 7, 7, 4),
        normal(4, 3, 3, 4, 6),
      ];
      const attrs = {
        strides: [1, 1],
        dilations: [1, 1],
        padding: { type: 'SAME', top: 1, bottom: 1, left: 1, right: 1 },
      } as const;
      const [product, convolved] = await run(
        client,
        inputs,
        (b, values) => {
          const [a, c, x, filter] = values.map((value) => b.cast(value, 'bfloat16'));
          const multiplied = b.emit('matMul', [a!, c!], { transposeA: false, transposeB: false });
          return [multiplied, b.emit('conv2d', [x!, filter!], attrs)].map((y) =>
            b.cast(y, 'float32'),
          );
        },
        target,
      );
      const [a, c, x, filter] = inputs.map(({ data, shape }) =>
        tf.tensor((data as Float32Array).map(bfloat16), shape),
      );
      // The result is rounded, too: half a unit in the last of 8 bits.
      const within = 2 ** -9 * 1.01;
      expect(difference(product!, tf.matMul(a!, c!).dataSync())).toBeLessThan(within);
      const exact = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
      expect(difference(convolved!, exact.dataSync())).toBeLessThan(within);
    },
  );

  it('pools bfloat16 images', async () => {
    const input = ties(5, 9, 2, 6, 6, 3);
    const attrs = {
      size: [3, 3],
      strides: [2, 2],
      padding: { type: 'SAME', top: 0, bottom: 1, left: 0, right: 1 },
    } as const;
    const outputs = await run(client, [input], (b, [x]) => {
      const narrow = b.cast(x!, 'bfloat16');
      const pooled = b.emit('maxPool', [narrow], attrs);
      return [
        b.cast(pooled, 'float32'),
        b.cast(b.emit('maxPoolGrad', [pooled, narrow, pooled], attrs), 'float32'),
      ];
    });
    const x = tensorOf(input) as tf.Tensor4D;
    const pool = (t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, 3, 2, 'same');
    expect(difference(outputs[0]!, pool(x).dataSync())).toBe(0);
    expect(outputs[1]!.length).toBe(sizeOf(input.shape));
    expect(difference(outputs[1]!, tf.grad(pool)(x, pool(x)).dataSync())).toBe(0);
  });
});
