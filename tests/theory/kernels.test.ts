import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import type { KernelFindings } from '../../src/results/findings.js';
import type { FeatureLayer } from '../../src/theory/context.js';
import { chooseBandwidth, medianSquaredDistance } from '../../src/theory/kernels/bandwidth.js';
import { gaborLayer } from '../../src/theory/kernels/gabor.js';
import { type Block, BlockMath, type Rows } from '../../src/theory/kernels/graph.js';
import { randomConvLayer } from '../../src/theory/kernels/random-conv.js';
import { errorRate, oneHot, predict, solveKernel } from '../../src/theory/kernels/solver.js';
import { cholesky, solveCholesky, times } from '../../src/theory/linear/matrix.js';
import { realData } from '../data/helpers.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { runTheoryConfig } from './helpers.js';

const { engine, skipped } = await ensureTensorflow();

function randomRows(rows: number, columns: number, seed: number): Rows {
  const random = new Random(seed, 'test');
  const data = Float32Array.from({ length: rows * columns }, () => random.normal());
  return { data, rows, columns };
}

function block(rows: number, columns: number, seed: number): Block {
  return { rows, columns, data: Float64Array.from(randomRows(rows, columns, seed).data) };
}

/** exp(−‖x − y‖² / h), number by number. */
function naiveKernel(x: Rows, y: Rows, bandwidth: number): Float64Array {
  return Float64Array.from({ length: x.rows * y.rows }, (_, at) => {
    const [i, j] = [Math.floor(at / y.rows), at % y.rows];
    let sum = 0;
    for (let k = 0; k < x.columns; k++) {
      sum += (x.data[i * x.columns + k]! - y.data[j * y.columns + k]!) ** 2;
    }
    return Math.exp(-sum / bandwidth);
  });
}

function expectClose(actual: Float64Array, wanted: Float64Array, tolerance = 1e-11): void {
  expect(actual).toHaveLength(wanted.length);
  let worst = 0;
  for (const [k, value] of wanted.entries()) worst = Math.max(worst, Math.abs(actual[k]! - value));
  expect(worst).toBeLessThan(tolerance);
}

describe.skipIf(engine === undefined)(`kernels in doubles${skipped}`, { timeout: 120_000 }, () => {
  let math: BlockMath;
  beforeAll(async () => {
    math = BlockMath.create();
  });
  afterAll(() => math?.dispose());

  it('makes the Gaussian kernel and its products to double precision', async () => {
    const [x, y] = [randomRows(7, 3, 1), randomRows(5, 3, 2)];
    const kernel = naiveKernel(x, y, 4);
    expectClose((await math.kernel(x, y, 4)).data, kernel, 1e-14);
    const [v, u] = [block(5, 2, 3), block(7, 2, 4)];
    const [kv, ku] = await math.kernelProducts(x, y, 4, v, u);
    const at = (i: number, j: number) => kernel[i * 5 + j]!;
    const entry = (i: number, c: number) =>
      [0, 1, 2, 3, 4].reduce((sum, j) => sum + at(i, j) * v.data[j * 2 + c]!, 0);
    expect(kv.data[6]).toBeCloseTo(entry(3, 0), 13);
    const transposed = [0, 1, 2, 3, 4, 5, 6].reduce(
      (sum, i) => sum + at(i, 4) * u.data[i * 2 + 1]!,
      0,
    );
    expect(ku.data[9]).toBeCloseTo(transposed, 13);
  });

  it('solves over several blocks as one Cholesky does', async () => {
    // More than a block of 1,024, so that every kind of block operation takes part.
    const features = randomRows(1100, 4, 5);
    const problem = { features, targets: block(1100, 2, 6), bandwidth: 0.05, ridge: 0.1 };
    const { alpha, relativeResidual, norm } = await solveKernel(math, problem);
    expect(relativeResidual).toBeLessThan(1e-12);
    const kernel = naiveKernel(features, features, 0.05);
    const a = { rows: 1100, columns: 1100, values: kernel.slice() };
    for (let i = 0; i < 1100; i++) a.values[i * 1101] = a.values[i * 1101]! + 0.1;
    const column = Float64Array.from({ length: 1100 }, (_, i) => problem.targets.data[2 * i]!);
    const wanted = solveCholesky(cholesky(a), column);
    expectClose(
      Float64Array.from(wanted, (_, i) => alpha.data[2 * i]!),
      wanted,
      1e-9,
    );
    const k = { rows: 1100, columns: 1100, values: kernel };
    const squared = [0, 1].reduce((sum, c) => {
      const own = Float64Array.from({ length: 1100 }, (_, i) => alpha.data[2 * i + c]!);
      return sum + times(k, own).reduce((total, value, i) => total + value * own[i]!, 0);
    }, 0);
    expect(norm).toBeCloseTo(Math.sqrt(squared), 8);
  });

  it('interpolates without a ridge, and predicts other examples', async () => {
    const features = randomRows(50, 4, 7);
    const problem = { features, targets: block(50, 3, 8), bandwidth: 2, ridge: 0 };
    const { alpha } = await solveKernel(math, problem);
    expectClose((await predict(math, features, problem, alpha)).data, problem.targets.data, 1e-7);
    const other = randomRows(2, 4, 9);
    const kernel = naiveKernel(other, features, 2);
    const wanted = Float64Array.from({ length: 6 }, (_, at) => {
      const [i, c] = [Math.floor(at / 3), at % 3];
      return Array.from(
        { length: 50 },
        (__, j) => kernel[i * 50 + j]! * alpha.data[j * 3 + c]!,
      ).reduce((sum, term) => sum + term, 0);
    });
    expectClose((await predict(math, other, problem, alpha)).data, wanted, 1e-8);
  });

  it('refuses two equal examples without a ridge, and takes them with one', async () => {
    const features = randomRows(20, 4, 10);
    features.data.copyWithin(0, 4, 8);
    const problem = { features, targets: block(20, 1, 11), bandwidth: 2, ridge: 0 };
    await expect(solveKernel(math, problem)).rejects.toThrow('not positive definite');
    const { relativeResidual } = await solveKernel(math, { ...problem, ridge: 0.01 });
    expect(relativeResidual).toBeLessThan(1e-10);
  });

  it('chooses the bandwidth that does best on held-out examples', async () => {
    const train = randomRows(300, 2, 12);
    const labels = Int32Array.from({ length: 300 }, (_, i) => (train.data[2 * i]! > 0 ? 1 : 0));
    const given = { train, labels, classes: 2, ridge: 1e-6, seed: 1 };
    const choice = await chooseBandwidth(math, given, [1e-6, 1]);
    expect(choice.fraction).toBe(1);
    expect(choice.bandwidth).toBeCloseTo(medianSquaredDistance(train, 1), 12);
    const [narrow, wide] = choice.heldOut;
    // A kernel narrower than any distance knows nothing of other examples.
    expect(narrow!.error!).toBeGreaterThan(0.3);
    expect(wide!.error!).toBeLessThan(0.1);
  });

  it('runs whole on synthetic images, with a random layer', async () => {
    const { result } = await runTheoryConfig({
      experiment: 'kernels',
      data: { name: 'synthetic', limit: 300, testLimit: 200 },
      theory: { features: 'random-conv', filters: 32, bandwidths: [0.5, 1] },
    });
    const found = result as KernelFindings & typeof result;
    expect(found).toMatchObject({ n: 300, n_test: 200, filters: 32, feature_count: 128 });
    expect(found.train_error).toBe(0);
    expect(found.relative_residual).toBeLessThan(1e-6);
    expect(found.test_error).toBeLessThan(0.7);
    expect(found.engine?.name).toBe('tensorflow');
  });

  it('refuses an engine without doubles', async () => {
    const run = runTheoryConfig({
      experiment: 'kernels',
      data: { name: 'synthetic', limit: 50 },
      engine: { name: 'wasm' },
    });
    await expect(run).rejects.toThrow('engine.name is wasm');
  });

  const mnist = realData('t10k-images-idx3-ubyte.gz');
  it.skipIf(!mnist)(
    `learns real digits from a part of MNIST's test file${mnist ? '' : ' (skipped: no real data)'}`,
    async () => {
      const { dirname } = await import('node:path');
      const { result } = await runTheoryConfig({
        experiment: 'kernels',
        data: {
          name: 'mnist',
          dir: dirname(mnist!),
          split: { from: 'test', train: 1000, test: 500 },
        },
        theory: { bandwidths: [0.5] },
      });
      const found = result as KernelFindings & typeof result;
      expect(found.data).toMatchObject({ train: 1000, test: 500, full_train: 60_000 });
      expect(found.test_error).toBeLessThan(0.12);
    },
  );
});

describe('feature layers', () => {
  type Shape4D = [number, number, number, number];
  const applied = ({ weights, apply }: FeatureLayer, images: tf.Tensor4D) =>
    apply(images, ...weights.map(({ data, shape }) => tf.tensor4d(data, shape as Shape4D)));
  const image = (f: (k: number) => number, side: number, channels: number) =>
    tf.tensor4d(
      Float32Array.from({ length: side * side * channels }, (_, k) => f(k)),
      [1, side, side, channels],
    );
  const wavy = (k: number) => 0.5 + 0.3 * Math.sin(k * 0.7);

  it('random-conv sees contrast and not brightness, and nothing in a flat image', () => {
    const layer = randomConvLayer({ height: 32, width: 32, channels: 3 }, 16, 1);
    const features = applied(layer, image(wavy, 32, 3));
    expect(features.shape).toEqual([1, 2, 2, 16]);
    const brighter = applied(
      layer,
      image((k) => wavy(k) + 0.15, 32, 3),
    );
    const [a, b] = [features.dataSync(), brighter.dataSync()];
    expect(Math.max(...a)).toBeGreaterThan(0);
    for (const [k, value] of a.entries()) expect(b[k]).toBeCloseTo(value, 3);
    expect(
      Math.max(
        ...applied(
          layer,
          image(() => 0.4, 32, 3),
        ).dataSync(),
      ),
    ).toBe(0);
  });

  it('gabor answers most to stripes of its own direction', () => {
    const layer = gaborLayer();
    const { filters } = layer;
    const stripes = image((k) => 0.5 + 0.5 * Math.cos((2 * Math.PI * (k % 28)) / 4), 28, 1);
    const features = applied(layer, stripes);
    expect(features.shape).toEqual([1, 7, 7, filters]);
    const sums = tf.sum(features, [0, 1, 2]).dataSync();
    // Wavelength 4, angle 0: the first two filters and, in the second half, their negative parts.
    const best = [...sums.keys()].sort((i, j) => sums[j]! - sums[i]!).slice(0, 4);
    expect(best.sort((i, j) => i - j)).toEqual([0, 1, filters / 2, filters / 2 + 1]);
  });

  it('counts errors by the largest score', () => {
    const scores = { rows: 3, columns: 2, data: Float64Array.of(1, 0, 0.2, 0.3, 5, -1) };
    expect(errorRate(scores, Int32Array.of(0, 0, 0))).toBeCloseTo(1 / 3, 12);
    expect([...oneHot(Int32Array.of(1, 0), 2).data]).toEqual([0, 1, 1, 0]);
  });
});
