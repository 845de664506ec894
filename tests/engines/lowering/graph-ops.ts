import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { sizeOf } from '../../../src/shape.js';
import { type Bench, difference, given, integers, normal, tensorOf, ties } from './lowering.js';

/** Nearest bfloat16. */
function bfloat16(x: number): number {
  const word = new Uint32Array(Float32Array.of(x).buffer)[0]!;
  const bits = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(bits >>> 0).buffer)[0]!;
}

/** How far numbers are from the exact ones beyond being rounded to bfloat16 once, relative to the largest. */
function excess(actual: ArrayLike<number>, exact: ArrayLike<number>): number {
  const numbers = Array.from(exact);
  expect(actual.length).toBe(numbers.length);
  // Half a unit in the last of 8 bits.
  const beyond = numbers.map((x, i) => Math.abs(actual[i]! - x) - Math.abs(x) * 2 ** -8);
  return Math.max(...beyond) / Math.max(...numbers.map(Math.abs));
}

/** The gradient of max pooling [2, side, side, 3] by its definition: each dy to its window's first maximum. */
function firstMaxima(
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  side: number,
  out: number,
  window: number,
  stride: number,
  low: number,
): Float32Array {
  const gradient = new Float32Array(x.length);
  for (let i = 0; i < dy.length; i++) {
    const [channel, column] = [i % 3, Math.floor(i / 3) % out];
    const [row, image] = [Math.floor(i / (3 * out)) % out, Math.floor(i / (3 * out * out))];
    let first: number | undefined;
    for (let place = 0; place < window * window; place++) {
      const r = row * stride - low + Math.floor(place / window);
      const c = column * stride - low + (place % window);
      if (r < 0 || c < 0 || r >= side || c >= side) continue;
      const at = ((image * side + r) * side + c) * 3 + channel;
      if (first === undefined || x[at]! > x[first]!) first = at;
    }
    gradient[first!]! += dy[i]!;
  }
  return gradient;
}

/** Ops that only passes write, of which an engine may have several forms. */
export function testFormedOps(bench: Bench): void {
  it('fused BatchNorm and its gradients', async () => {
    const inputs = [normal(1, 3, 4, 5, 6), normal(2, 6), normal(3, 6), normal(4, 3, 4, 5, 6)];
    const [y, mean, variance, ...gradients] = await bench.build(
      inputs,
      (b, x, scale, offset, dy) => {
        const outputs = b.emitAll('fusedBatchNorm', [x, scale, offset], { epsilon: 0.001 });
        const operands = [dy, x, scale, ...outputs.slice(3)];
        const grads = b.emitAll('fusedBatchNormGrad', operands, { epsilon: 0.001 });
        return [...outputs.slice(0, 3), ...grads];
      },
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
    const moments = tf.moments(x, [0, 1, 2]);
    const expected = tf.grads((a, s, o) => norm(a!, s!, o!))([x, scale, offset], dy);
    expect(difference(y!, norm(x, scale, offset).dataSync())).toBeLessThan(2e-6);
    expect(difference(mean!, moments.mean.dataSync())).toBeLessThan(2e-6);
    // Bessel's correction, n = 60.
    expect(difference(variance!, tf.mul(moments.variance, 60 / 59).dataSync())).toBeLessThan(2e-6);
    expect(gradients).toHaveLength(3);
    for (const [i, gradient] of gradients.entries()) {
      expect(difference(gradient, expected[i]!.dataSync())).toBeLessThan(5e-6);
    }
  });

  const { noBfloat16, ops } = bench.lowering;
  it.skipIf(!('allFinite' in ops))('whether everything in many arrays is finite', async () => {
    const shapes = [[], [3], [2, 3], [2, 1, 3, 2], [5]];
    const verdict = async (where: number, at: number, value: number) => {
      const inputs = shapes.map((shape, i) => {
        const data = new Float32Array(sizeOf(shape)).fill(3e38);
        if (i === where) data[at] = value;
        return given([...data], shape);
      });
      const [finite] = await bench.build(inputs, (b, ...values) => [
        b.emit('allFinite', values, {}),
      ]);
      return finite![0];
    };
    // Numbers whose sum is infinite are themselves finite.
    expect(await verdict(-1, 0, 0)).toBe(1);
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const [where, shape] of shapes.entries()) {
      expect(await verdict(where, sizeOf(shape) - 1, bad[where % bad.length]!)).toBe(0);
    }
  });

  it.skipIf(noBfloat16 !== '').each([
    [7, 3, 2, 'same'],
    [8, 3, 2, 'same'],
    [9, 2, 2, 'valid'],
    [6, 3, 1, 'same'],
    [11, 5, 3, 'same'],
    [5, 2, 3, 'valid'],
    [5, 4, 1, 'same'],
  ] as const)(
    `the gradient of max pooling in bfloat16: %i, window %i, stride %i, %s${noBfloat16}`,
    async (side, window, stride, pad) => {
      const shape = [2, side, side, 3] as [number, number, number, number];
      const info = tf.backend_util.computePool2DInfo(shape, window, stride, 1, pad);
      const [out, { top, bottom, left, right }] = [info.outHeight, info.padInfo];
      // Whole numbers with many ties, small enough that bfloat16 holds all sums of them.
      const inputs = [ties(1, 4, 2, side, side, 3), ties(2, 9, 2, out, out, 3)];
      const [gradient] = await bench.build(inputs, (b, x, dy) => {
        const type = pad === 'same' ? 'SAME' : 'VALID';
        const padding = { type, top, bottom, left, right } as const;
        const attributes = { size: [window, window], strides: [stride, stride], padding } as const;
        const [narrow, change] = [b.cast(x, 'bfloat16'), b.cast(dy, 'bfloat16')];
        const y = b.emit('maxPool', [narrow], attributes);
        return [b.cast(b.emit('maxPoolGrad', [change, narrow, y], attributes), 'float32')];
      });
      const expected = firstMaxima(
        inputs[0]!.data,
        inputs[1]!.data,
        side,
        out,
        window,
        stride,
        top,
      );
      expect(Array.from(gradient!)).toEqual([...expected]);
    },
  );

  it.skipIf(noBfloat16 !== '')(
    `products of bfloat16 operands, summed in float32${noBfloat16}`,
    async () => {
      const inputs = [
        normal(1, 6, 40),
        normal(2, 40, 5),
        normal(3, 2, 7, 7, 4),
        normal(4, 3, 3, 4, 6),
      ];
      const attributes = {
        strides: [1, 1],
        dilations: [1, 1],
        padding: { type: 'SAME', top: 1, bottom: 1, left: 1, right: 1 },
      } as const;
      const [product, convolved] = await bench.build(inputs, (b, ...values) => {
        const [a, c, x, filter] = values.map((value) => b.cast(value, 'bfloat16'));
        const multiplied = b.emit('matMul', [a!, c!], { transposeA: false, transposeB: false });
        return [multiplied, b.emit('conv2d', [x!, filter!], attributes)].map((y) =>
          b.cast(y, 'float32'),
        );
      });
      const [a, c, x, filter] = inputs.map(({ data, shape }) =>
        tf.tensor((data as Float32Array).map(bfloat16), shape),
      );
      // Another rounding of the sum, where it isn't kept in float32.
      const within = bench.lowering.sumsInFloat32 ? 1e-6 : 2 ** -8;
      expect(excess(product!, tf.matMul(a!, c!).dataSync())).toBeLessThan(within);
      const exact = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
      expect(excess(convolved!, exact.dataSync())).toBeLessThan(within);
    },
  );
}

/** Ops that only passes write, and bfloat16. */
export function testGraphOps(bench: Bench): void {
  it('sparse cross-entropy and its gradient, of large logits too', async () => {
    const logits = given([1, 2, 3, 1000, -1000, 0, 0.1, 0.2, 0.3], [3, 3]);
    const [loss, gradient] = await bench.build([logits, integers([2, 1, 0])], (b, x, y) =>
      b.emitAll('sparseSoftmaxCrossEntropy', [x, y], {}),
    );
    const onehot = tf.oneHot(tf.tensor1d([2, 1, 0], 'int32'), 3);
    const expected = tf.sub(tf.softmax(tensorOf(logits)), onehot);
    expect(difference(loss!, [0.407606, 2000, 1.2019428])).toBeLessThan(1e-6);
    expect(difference(gradient!, expected.dataSync())).toBeLessThan(1e-6);
  });

  it('momentum, biases, relu gradient, sums of squares', async () => {
    const inputs = [normal(1, 4, 3), normal(2, 4, 3), normal(3, 3), normal(4, 4, 3)];
    const [p, v, biased, gradient, masked, half] = await bench.build(inputs, (b, x, y, bias, g) => [
      ...b.emitAll('applyMomentum', [x, y, g, b.scalar(0.1, 'float32')], { momentum: 0.9 }),
      b.apply('biasAdd', x, bias),
      b.apply('biasAddGrad', x),
      b.apply('reluGrad', x, y),
      b.apply('l2Loss', x),
    ]);
    const [x, y, bias, g] = inputs.map(tensorOf) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const velocity = tf.add(tf.mul(y, 0.9), g);
    expect(difference(v!, velocity.dataSync())).toBeLessThan(1e-6);
    expect(difference(p!, tf.sub(x, tf.mul(velocity, 0.1)).dataSync())).toBeLessThan(1e-6);
    expect(difference(biased!, tf.add(x, bias).dataSync())).toBe(0);
    expect(difference(gradient!, tf.sum(x, 0).dataSync())).toBeLessThan(1e-6);
    expect(difference(masked!, tf.mul(x, tf.step(y)).dataSync())).toBe(0);
    expect(half![0]).toBeCloseTo(tf.sum(tf.square(x)).dataSync()[0]! / 2, 5);
  });

  it('momentum with a learning rate that is fed', async () => {
    const inputs = [normal(1, 3, 2), normal(2, 3, 2), normal(3, 3, 2), given([0.1], [])];
    const [p, v] = await bench.build(inputs, (b, ...operands) =>
      b.emitAll('applyMomentum', operands, { momentum: 0.9 }),
    );
    const [p0, v0, g] = inputs.map(({ data }) => data);
    const velocity = v0!.map((x, i) => 0.9 * x + g![i]!);
    expect(difference(v!, velocity)).toBeLessThan(1e-6);
    expect(
      difference(
        p!,
        p0!.map((x, i) => x - 0.1 * velocity[i]!),
      ),
    ).toBeLessThan(1e-6);
  });

  it('rounds to bfloat16 to the nearest, ties to even, and sums in float32', async () => {
    const values = [1, 1.00390625, 1.01171875, -3.7159, 1e-30, 3e38, 0.1];
    const [rounded, total, constant] = await bench.build([given(values)], (b, x) => {
      const ones = b.splat(1, { shape: [1000], dtype: 'bfloat16' });
      const embedded = { shape: [values.length], dtype: 'bfloat16' } as const;
      return [
        b.cast(b.cast(x, 'bfloat16'), 'float32'),
        b.cast(b.emit('sum', [ones], { axes: [0], keepDims: false }), 'float32'),
        b.cast(b.constant(Float32Array.from(values), embedded), 'float32'),
      ];
    });
    expect(Array.from(rounded!)).toEqual(values.map(bfloat16));
    expect(Array.from(constant!)).toEqual(values.map(bfloat16));
    expect(total![0]).toBe(1000);
  });

  const { noBfloat16 } = bench.lowering;
  it.skipIf(noBfloat16 !== '')(`pools bfloat16 images${noBfloat16}`, async () => {
    const input = ties(5, 9, 2, 6, 6, 3);
    const attributes = {
      size: [3, 3],
      strides: [2, 2],
      padding: { type: 'SAME', top: 0, bottom: 1, left: 0, right: 1 },
    } as const;
    const [pooled, gradient] = await bench.build([input], (b, x) => {
      const narrow = b.cast(x, 'bfloat16');
      const pooled = b.emit('maxPool', [narrow], attributes);
      const grad = b.emit('maxPoolGrad', [pooled, narrow, pooled], attributes);
      return [b.cast(pooled, 'float32'), b.cast(grad, 'float32')];
    });
    const x = tensorOf(input) as tf.Tensor4D;
    const pool = (t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, 3, 2, 'same');
    expect(difference(pooled!, pool(x).dataSync())).toBe(0);
    expect(gradient!.length).toBe(sizeOf(input.shape));
    expect(difference(gradient!, tf.grad(pool)(x, pool(x)).dataSync())).toBe(0);
  });
}
