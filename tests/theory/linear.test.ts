import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import type { LinearFindings } from '../../src/results/findings.js';
import {
  cholesky,
  gram,
  largestEigenvalue,
  type Matrix,
  norm,
  solveCholesky,
  times,
  transposedTimes,
} from '../../src/theory/linear/matrix.js';
import { runTheoryConfig } from './helpers.js';

const random = new Random(3, 'test');
const x: Matrix = {
  rows: 6,
  columns: 20,
  values: Float64Array.from({ length: 120 }, () => random.normal()),
};

describe('matrices', () => {
  it('gives the interpolating solution of least norm', () => {
    const y = Float64Array.of(1, -2, 3, 0, 5, 1);
    const alpha = solveCholesky(cholesky(gram(x)), y);
    const w = transposedTimes(x, alpha);
    const fitted = times(x, w);
    for (const [i, value] of y.entries()) expect(fitted[i]).toBeCloseTo(value, 10);
    // Any other solution differs by something orthogonal to all rows, and is longer by it.
    const z = Float64Array.from({ length: 20 }, () => random.normal());
    const inSpan = transposedTimes(x, solveCholesky(cholesky(gram(x)), times(x, z)));
    const other = w.map((value, k) => value + z[k]! - inSpan[k]!);
    expect(norm(other)).toBeGreaterThan(norm(w));
  });

  it('refuses rows that depend on one another', () => {
    const values = x.values.slice();
    values.set(values.subarray(0, 20), 40);
    expect(() => cholesky(gram({ ...x, values }))).toThrow('Training image 3 in order');
  });

  it('finds the largest eigenvalue', () => {
    const diagonal = Float64Array.of(1, 5, 2);
    const value = largestEigenvalue(3, (v) => v.map((entry, i) => entry * diagonal[i]!));
    expect(value).toBeCloseTo(5, 8);
  });
});

describe('experiment linear', () => {
  it('comes ever closer to the minimum-norm solution and never leaves the span', async () => {
    const { result, runDir } = await runTheoryConfig({
      experiment: 'linear',
      data: { name: 'synthetic', limit: 60, testLimit: 50 },
      // Nearly orthogonal images: well conditioned, so that a short run goes all the way.
      corruption: 'gaussian',
      train: { batchSize: 20 },
      theory: { steps: 400 },
    });
    const found = result as LinearFindings & typeof result;
    expect(found).toMatchObject({ n: 60, dimension: 2352, steps: 400, batch_size: 20 });
    expect(found.relative_distance).toBeLessThan(1e-6);
    expect(found.outside_span).toBeLessThan(1e-10);
    expect(found.norm).toBeCloseTo(found.minimum_norm, 5);
    expect(found.train_accuracy).toBe(1);
    const rows = readFileSync(join(runDir, 'distance.csv'), 'utf8').trim().split('\n');
    expect(rows[0]).toBe('step,relative_distance,relative_residual,norm');
    expect(rows).toHaveLength(402);
    const distances = rows.slice(1).map((row) => Number(row.split(',')[1]));
    expect(distances[0]).toBe(1);
    expect(distances[200]!).toBeLessThan(distances[50]!);
    expect(distances[400]).toBe(found.relative_distance);
  });

  it('refuses more images than inputs', async () => {
    const run = runTheoryConfig({
      experiment: 'linear',
      data: { name: 'synthetic', limit: 60, testLimit: 50, crop: 4 },
    });
    await expect(run).rejects.toThrow('60 training images for 48 inputs');
  });
});
