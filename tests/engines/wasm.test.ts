import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/engines/index.js';
import type { Engine } from '../../src/engines/types.js';
import { averagePool3x3 } from '../../src/models/composite-ops.js';
import { maxPool3x3 } from '../../src/models/layers.js';
import { Random } from '../../src/random.js';
import { EAGER } from '../helpers/engine.js';
import { expectReference, REFERENCE_NETWORKS } from './fixture.js';

vi.mock('../../src/models/ops.js', async (original) =>
  (await import('./smooth-twin.js')).smoothOps(await original()),
);
vi.mock('../../src/models/layers.js', async (original) =>
  (await import('./smooth-twin.js')).smoothLayers(await original()),
);

const WASM = { ...EAGER, name: 'wasm' } as const;
let engine: Engine;

beforeAll(async () => {
  engine = await createEngine(WASM);
});
afterAll(() => engine.dispose());

function normal(...shape: [number, number, number, number]): tf.Tensor4D {
  const random = new Random(1, 'test/wasm');
  const size = shape.reduce((a, b) => a * b);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

interface ConvolutionCase {
  image: [number, number, number, number];
  /** [height, width, outputs] */
  filter: [number, number, number];
  stride: number | [number, number];
  pad: 'same' | 'valid' | number;
}

/** The gradient of Σ y·w for random w, by the backend's own kernels. */
async function filterGradient(backend: string, c: ConvolutionCase): Promise<Float32Array> {
  await tf.setBackend(backend);
  return tf.tidy(() => {
    const x = normal(...c.image);
    const filter = normal(c.filter[0], c.filter[1], c.image[3], c.filter[2]);
    const loss = (f: tf.Tensor4D) => {
      const y = tf.conv2d(x, f, c.stride, c.pad);
      return tf.sum(tf.mul(y, normal(...y.shape))) as tf.Scalar;
    };
    return tf
      .grad((f) => loss(f as tf.Tensor4D))(filter)
      .dataSync<'float32'>()
      .slice();
  });
}

describe('Conv2DBackpropFilter', () => {
  it.each<ConvolutionCase>([
    { image: [2, 7, 7, 3], filter: [3, 3, 4], stride: 1, pad: 'same' },
    { image: [2, 8, 8, 3], filter: [3, 3, 4], stride: 2, pad: 'same' },
    { image: [3, 7, 5, 2], filter: [5, 5, 3], stride: 1, pad: 'same' },
    { image: [1, 9, 6, 2], filter: [3, 2, 5], stride: [2, 3], pad: 'valid' },
    { image: [2, 6, 6, 4], filter: [1, 1, 3], stride: 1, pad: 'same' },
    { image: [2, 7, 7, 4], filter: [1, 1, 3], stride: 2, pad: 'valid' },
    { image: [1, 5, 5, 1], filter: [3, 3, 1], stride: 1, pad: 2 },
    { image: [2, 3, 3, 2], filter: [3, 3, 2], stride: 1, pad: 'valid' },
    { image: [2, 9, 8, 2], filter: [1, 7, 3], stride: 1, pad: 'same' },
    { image: [2, 8, 9, 2], filter: [7, 1, 3], stride: 1, pad: 'same' },
    { image: [2, 9, 9, 3], filter: [3, 3, 4], stride: 2, pad: 'valid' },
  ])('agrees with tfjs’ reference for %j', async (c) => {
    const [expected, actual] = [await filterGradient('cpu', c), await filterGradient('wasm', c)];
    const scale = Math.max(...expected.map(Math.abs));
    for (const [i, value] of expected.entries()) {
      expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-5 * scale);
    }
  });

  it('agrees with finite differences', async () => {
    const c: ConvolutionCase = { image: [1, 6, 5, 2], filter: [3, 3, 2], stride: 2, pad: 'same' };
    const gradient = await filterGradient('wasm', c);
    const loss = (f: tf.Tensor4D) =>
      tf.tidy(() => {
        const y = tf.conv2d(normal(...c.image), f, 2, 'same');
        return tf.sum(tf.mul(y, normal(...y.shape))).dataSync()[0]!;
      });
    const filter = normal(3, 3, 2, 2).dataSync<'float32'>();
    for (let i = 0; i < filter.length; i += 5) {
      // The loss is linear in the filter: a large step costs no accuracy.
      const moved = filter.slice();
      moved[i] = moved[i]! + 4;
      const at = (data: Float32Array) => loss(tf.tensor4d(data, [3, 3, 2, 2]));
      expect((at(moved) - at(filter)) / 4).toBeCloseTo(gradient[i]!, 3);
    }
  });

  it('leaves no tensors behind', async () => {
    const c: ConvolutionCase = { image: [1, 6, 5, 2], filter: [3, 3, 2], stride: 2, pad: 'same' };
    await tf.setBackend('wasm');
    const before = tf.memory().numTensors;
    await filterGradient('wasm', c);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the pools of Inception V3', () => {
  const pools = {
    'average, 3×3, SAME': averagePool3x3,
    'maximum, 3×3/2, VALID': (x: tf.Tensor4D) => maxPool3x3(x, 'valid'),
  };

  it.each(Object.keys(pools) as (keyof typeof pools)[])('%s: as tfjs’ reference', async (name) => {
    const both: Float32Array[][] = [];
    for (const backend of ['cpu', 'wasm']) {
      await tf.setBackend(backend);
      both.push(
        tf.tidy(() => {
          const x = normal(2, 7, 9, 3);
          const weighted = (t: tf.Tensor) => {
            const y = pools[name](t as tf.Tensor4D);
            return tf.sum(tf.mul(y, normal(...y.shape)));
          };
          return [pools[name](x), tf.grad(weighted)(x)].map((t) => t.dataSync<'float32'>().slice());
        }),
      );
    }
    const [expected, actual] = both as [Float32Array[], Float32Array[]];
    for (const [i, values] of expected.entries()) {
      for (const [j, value] of values.entries()) expect(actual[i]![j]).toBeCloseTo(value, 5);
    }
  });
});

describe('the engine wasm', () => {
  it('says what it is', () => {
    expect(engine.info).toMatchObject({ name: 'wasm', device: 'cpu', mode: 'eager', threads: 1 });
    expect(engine.info.version).toMatch(/^4\./);
  });

  // One that is missing throws.
  it.each(REFERENCE_NETWORKS)('trains %j as tfjs’ reference does', (model, dropout) =>
    expectReference(engine, model, dropout),
  );

  it.each([
    ['engine.precision', { precision: 'bfloat16' }, /bfloat16/],
    ['engine.threads', { threads: 4 }, /one thread, not 4/],
    ['engine.device', { device: 2 }, /no device 2/],
  ] as const)('refuses another %s than it has', async (_, changes, message) => {
    const creating = createEngine({ ...WASM, ...changes });
    await expect(creating).rejects.toMatchObject({ kind: 'usage' });
    await expect(creating).rejects.toThrow(message);
  });
});
