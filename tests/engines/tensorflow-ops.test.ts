import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { attribute, GraphDefWriter } from '../../src/engines/tensorflow/graph/graph-def.js';
import { LowerContext } from '../../src/engines/tensorflow/graph/lower/context.js';
import { NativeSession } from '../../src/engines/tensorflow/native-session.js';
import type { DType } from '../../src/engines/trace/graph.js';
import { whiten } from '../../src/models/ops.js';
import { Random } from '../../src/random.js';
import { ensureTensorflow } from '../helpers/engine.js';

const { engine, skipped } = await ensureTensorflow();

/** Random bytes, and images that are hard to whiten: black, white, gray, one bright pixel, one level apart. */
function images(side: number): Uint8Array {
  const size = side * side * 3;
  const random = new Random(5, 'test/ops');
  const bytes = Uint8Array.from({ length: 7 * size }, () => random.integer(256));
  const image = (i: number) => bytes.subarray(i * size, (i + 1) * size);
  image(1).fill(0);
  image(2).fill(255);
  image(3).fill(77);
  image(4).fill(0)[size - 1] = 255;
  image(5).forEach((x, i, all) => {
    all[i] = 200 + (x & 1);
  });
  return bytes;
}

/** What the portable composite gives. */
async function reference(bytes: Uint8Array, shape: number[]): Promise<Float32Array> {
  await tf.setBackend('cpu');
  const x = tf.tensor4d(Float32Array.from(bytes), shape as Shape);
  return Float32Array.from(tf.tidy(() => whiten(x).dataSync()));
}

type Shape = [number, number, number, number];

function expectNear(actual: ArrayLike<number>, expected: Float32Array, within: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value)).toBeLessThan(within * Math.max(1, Math.abs(value)));
  });
}

describe.skipIf(engine === undefined)(`own operations for TensorFlow${skipped}`, () => {
  /** What one node gives for what it is fed, as float32. */
  async function runOp(
    op: string,
    feeds: { data: Float32Array | Int32Array | Uint8Array; shape: number[]; as?: DType }[],
    attributes: Record<string, ReturnType<typeof attribute.float>>,
    dtype: DType,
  ): Promise<Float32Array> {
    const writer = new GraphDefWriter();
    const context = new LowerContext(writer, 'test');
    const fed = feeds.map(({ data, shape, as }, i) => {
      const plain = data instanceof Float32Array ? 'float32' : 'int32';
      const type = data instanceof Uint8Array ? 'uint8' : plain;
      const x = context.placeholder(`x${i}`, { shape, dtype: type });
      return { x, cast: as === undefined ? x : context.cast(x, as) };
    });
    const operands = fed.map(({ cast }) => cast);
    const y = context.cast(context.node(op, operands, attributes, { shape: [], dtype }), 'float32');
    const session = NativeSession.create(writer);
    try {
      const endpoint = { feeds: fed.map(({ x }) => x.id), fetches: [y.id] };
      return (await session.run(endpoint, feeds))[0] as Float32Array;
    } finally {
      session.dispose();
    }
  }

  it.each([1, 9, 28, 75])('whitens images of %i × %i as the composite does', async (side) => {
    const bytes = images(side);
    const shape = [7, side, side, 3];
    const expected = await reference(bytes, shape);
    for (const [data, X] of [
      [bytes, 'uint8'],
      [Int32Array.from(bytes), 'int32'],
      [Float32Array.from(bytes), 'float32'],
    ] as const) {
      for (const Y of ['float32', 'bfloat16'] as const) {
        const types = { X: attribute.type(X), Y: attribute.type(Y) };
        const actual = await runOp('RethinkGenWhiten', [{ data, shape }], types, Y);
        expectNear(actual, expected, Y === 'float32' ? 3e-5 : 2 ** -8);
        // A gray image becomes zeros.
        const size = side * side * 3;
        expect(actual.subarray(size, 4 * size).every((x) => x === 0)).toBe(true);
      }
    }
  });

  it.each(['int32', 'float32'] as const)('whitens eager %s images with it', async (dtype) => {
    const bytes = images(28);
    const expected = await reference(bytes, [7, 28, 28, 3]);
    await tf.setBackend('tensorflow');
    const actual = tf.tidy(() =>
      whiten(tf.tensor(Array.from(bytes), [7, 28, 28, 3], dtype) as tf.Tensor4D).dataSync(),
    );
    expectNear(actual, expected, 3e-5);
    expect(tf.getKernel('RethinkGenWhiten', 'tensorflow')).toBeDefined();
  });

  it.each([0, 1, 63, 64, 1000])('adds up %i numbers in float32', async (count) => {
    // Halves: exact in bfloat16, and their sum in float32.
    const data = Float32Array.from({ length: count }, (_, i) => (i % 13) / 2 - 2);
    const sum = await runOp(
      'RethinkGenSum',
      [{ data, shape: [count], as: 'bfloat16' }],
      {},
      'float32',
    );
    expect([...sum]).toEqual([data.reduce((a, b) => a + b, 0)]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('adds %d to what is not finite', async (bad) => {
    const data = new Float32Array(100).fill(1);
    data[70] = bad;
    const sum = await runOp(
      'RethinkGenSum',
      [{ data, shape: [100], as: 'bfloat16' }],
      {},
      'float32',
    );
    expect(sum[0]).toEqual(bad);
  });

  it('gives the parameter rounded, moved only where it may be', async () => {
    const attributes = { momentum: attribute.float(0.5), weight_decay: attribute.float(0.25) };
    const shape = [5];
    const move = (apply: number) =>
      runOp(
        'RethinkGenApplyMomentum',
        [
          { data: Float32Array.of(1, -2, 5.011, Number.NaN, 1e-40), shape },
          { data: Float32Array.of(2, 0, 0, 0, 0), shape },
          { data: Float32Array.of(1, 8, 0, 0, 0), shape, as: 'bfloat16' },
          { data: Float32Array.of(0.5), shape: [] },
          { data: Int32Array.of(apply), shape: [], as: 'bool' },
        ],
        attributes,
        'bfloat16',
      );
    // v = 0.5 · v + (g + 0.25 · p), p − 0.5 · v, to the eight digits that bfloat16 has.
    const moved = await move(1);
    expect([...moved.subarray(0, 3)]).toEqual([1 - 1.125 * 1, -2 - 3.75, 4.375]);
    expect(moved[3]).toBeNaN();
    const kept = await move(0);
    expect([...kept.subarray(0, 3)]).toEqual([1, -2, 5]);
    expect(kept[3]).toBeNaN();
  });

  it('refuses a gradient of another size', async () => {
    const [one, two] = [new Float32Array(1), new Float32Array(2)];
    const feeds = [
      { data: two, shape: [2] },
      { data: two, shape: [2] },
      { data: one, shape: [1], as: 'bfloat16' as const },
      { data: one, shape: [] },
      { data: Int32Array.of(1), shape: [], as: 'bool' as const },
    ];
    const attributes = { momentum: attribute.float(0), weight_decay: attribute.float(0) };
    await expect(runOp('RethinkGenApplyMomentum', feeds, attributes, 'bfloat16')).rejects.toThrow(
      'differ in size',
    );
  });
});
