import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type Bench, difference, normal, type TensorFunction } from './lowering.js';

/** Convolution and its gradients by input and filter. */
const convolution =
  (strides: number | [number, number], pad: 'same' | 'valid' | number): TensorFunction =>
  (x, filter) => {
    const conv = (a: tf.Tensor, b: tf.Tensor) =>
      tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad);
    const { value, grads } = tf.valueAndGrads(
      (a, b) => tf.sum(tf.square(conv(a!, b!))) as tf.Scalar,
    )([x!, filter!]);
    return [conv(x!, filter!), value, ...grads];
  };

/** Kernels that an engine may write in several forms. */
export function testContractions(bench: Bench): void {
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
    [9, 3, 1, 1],
  ] as const)('convolution and its gradients: %i, filter %i, stride %i, %s', async (...form) => {
    const [size, k, stride, pad] = form;
    const inputs = [normal(1, 2, size, size + 2, 5), normal(2, k, k, 5, 7)];
    await bench.same(convolution(stride, pad), inputs, 3e-6);
  });

  it('convolution and its gradients, not square', async () => {
    const inputs = [normal(1, 3, 6, 9, 2), normal(2, 5, 2, 2, 3)];
    await bench.same(convolution([1, 2], 'same'), inputs, 3e-6);
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
    await bench.same(f, [normal(1, ...a), normal(2, ...b)], 1e-6);
    await bench.same(f, [normal(3, 6, ...a), normal(4, 6, ...b)], 1e-6);
  });

  const { noBfloat16 } = bench.lowering;
  const narrow = it.skipIf(noBfloat16 !== '');
  narrow(
    `products in bfloat16 are float32 rounded, and are given back as float32${noBfloat16}`,
    async () => {
      const f: TensorFunction = (x, y) => [tf.matMul(x!, y!)];
      const inputs = [normal(1, 9, 40), normal(2, 40, 7)];
      const { compiled, expected } = await bench.both(f, inputs, 'bfloat16');
      const apart = difference(compiled[0]!, expected[0]!);
      expect(apart).toBeLessThan(0.02);
      expect(apart).toBeGreaterThan(1e-5);
    },
  );
}
