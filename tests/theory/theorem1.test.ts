import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Theorem1Findings } from '../../src/results/findings.js';
import { resumeRun } from '../../src/run/index.js';
import type { Inputs } from '../../src/theory/inputs.js';
import {
  buildNetwork,
  evaluateNetwork,
  networkWidth,
  weightCount,
} from '../../src/theory/theorem1/network.js';
import { choosePoints } from '../../src/theory/theorem1/points.js';
import {
  conditionNumber,
  interleave,
  smallestEigenvalue,
  solveSlopes,
} from '../../src/theory/theorem1/solve.js';
import { runTheoryConfig } from './helpers.js';

/** Points with gaps over nine orders of magnitude, as projections of many images have. */
const hardPoints = fc
  .array(
    fc.record({ exponent: fc.integer({ min: -9, max: 0 }), label: fc.integer({ min: 0, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 300,
    },
  )
  .map((steps) => {
    let at = -2;
    const x = Float64Array.from(steps, ({ exponent }) => (at += 10 ** exponent));
    return { x, y: Float64Array.from(steps, ({ label }) => label) };
  });

/** Inputs of one number each: their projections are the numbers themselves. */
function network(x: Float64Array, y: Float64Array, depth: number) {
  const points = { direction: Float64Array.of(1), x, y, minGap: 0 };
  return buildNetwork(points, solveSlopes(x, interleave(x), y), depth);
}

describe('the network of Theorem 1', () => {
  it('puts a threshold before every point and behind the one before', () => {
    fc.assert(
      fc.property(hardPoints, ({ x }) => {
        const b = interleave(x);
        for (const [i, point] of x.entries()) {
          expect(b[i]).toBeLessThan(point);
          if (i > 0) expect(b[i]).toBeGreaterThan(x[i - 1]!);
        }
      }),
    );
  });

  it.each([2, 3, 5, 12])('has any labels as its outputs at depth %i', (depth) => {
    fc.assert(
      fc.property(hardPoints, ({ x, y }) => {
        const net = network(x, y, depth);
        for (const [i, point] of x.entries()) {
          expect(Math.abs(evaluateNetwork(net, Float64Array.of(point)) - y[i]!)).toBeLessThan(1e-3);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('solves Aw = y as forward substitution does', () => {
    const x = Float64Array.of(-1, 0.5, 0.75, 2, 3.5);
    const y = Float64Array.of(3, 0, 9, 4, 4);
    const b = interleave(x);
    const w: number[] = [];
    for (const [i, point] of x.entries()) {
      const sum = w.reduce((total, weight, j) => total + weight * (point - b[j]!), 0);
      w.push((y[i]! - sum) / (point - b[i]!));
    }
    const { slopes } = solveSlopes(x, b, y);
    for (const [i, weight] of w.entries()) expect(slopes[i]).toBeCloseTo(weight, 10);
  });

  it('knows the condition number', () => {
    const x = Float64Array.of(0, 1, 1.5, 4);
    const b = interleave(x);
    const columns = x.map((_, j) => j).length;
    const inverse = Array.from(
      { length: columns },
      (_, j) =>
        solveSlopes(
          x,
          b,
          x.map((__, i) => (i === j ? 1 : 0)),
        ).slopes,
    );
    const rowSums = Array.from(x, (_, i) =>
      inverse.reduce((sum, column) => sum + Math.abs(column[i]!), 0),
    );
    const norm = Math.max(
      ...Array.from(x, (point) => b.reduce((sum, bj) => sum + Math.max(point - bj, 0), 0)),
    );
    expect(conditionNumber(x, b)).toBeCloseTo(norm * Math.max(...rowSums), 8);
  });

  it('has the smallest distance of a point to its threshold as the smallest eigenvalue', () => {
    expect(smallestEigenvalue(Float64Array.of(1, 3, 7), Float64Array.of(0, 2.5, 4))).toBe(0.5);
    const x = Float64Array.of(0, 1, 1.001, 5);
    expect(smallestEigenvalue(x, interleave(x))).toBeCloseTo(0.00075, 12);
  });

  it('has 2n + d weights at depth 2, one more for each further layer, and gets narrower', () => {
    const x = Float64Array.from({ length: 1000 }, (_, i) => i);
    const y = x.map((i) => i % 10);
    expect(weightCount(network(x, y, 2))).toBe(2001);
    expect(networkWidth(network(x, y, 2))).toBe(1000);
    expect(weightCount(network(x, y, 5))).toBe(2001 + 3);
    expect(networkWidth(network(x, y, 5))).toBe(252);
  });
});

describe('choosing a direction', () => {
  const options = { seed: 1, directions: 4, names: Uint32Array.of(10, 11, 12) };
  const inputs = (...rows: number[][]): Inputs => ({
    count: rows.length,
    dimension: rows[0]!.length,
    read: (i, out) => out.set(rows[i]!),
  });
  const twice = inputs([1, 2], [3, 4], [1, 2]);

  it('takes the widest smallest gap', () => {
    const many = inputs([1, 2], [3, 4], [5, 9]);
    const labels = Int32Array.of(0, 1, 2);
    const one = choosePoints(many, labels, { ...options, directions: 1 });
    const best = choosePoints(many, labels, { ...options, directions: 50 });
    expect(best.minGap).toBeGreaterThan(one.minGap);
    expect([...best.x]).toEqual([...best.x].sort((a, b) => a - b));
  });

  it('merges copies that agree and names those that do not', () => {
    const agreeing = choosePoints(twice, Int32Array.of(3, 5, 3), options);
    expect(agreeing.x).toHaveLength(2);
    expect([...agreeing.y].sort()).toEqual([3, 5]);
    expect(() => choosePoints(twice, Int32Array.of(3, 5, 4), options)).toThrow(
      'Training images 10 and 12 are the same to the network and have labels 3 and 4',
    );
  });
});

describe('experiment theorem1', () => {
  it('fits random labels of synthetic images, and writes n, fitted and weights', async () => {
    const { result, runDir } = await runTheoryConfig({
      experiment: 'theorem1',
      data: { name: 'synthetic', limit: 1000, testLimit: 300 },
      corruption: 'random-labels',
      theory: { depth: 4 },
    });
    const found = result as Theorem1Findings & typeof result;
    expect(found).toMatchObject({ n: 1000, fitted: 1000, dimension: 2352, depth: 4, width: 336 });
    expect(found.weights).toBe(2 * 1000 + 2352 + 2);
    expect(found.max_error).toBeLessThan(0.01);
    expect(found.test_accuracy).toBeLessThan(0.25);
    expect(found.label_noise).toBeGreaterThan(0.8);
    const written = JSON.parse(readFileSync(join(runDir, 'result.json'), 'utf8'));
    expect(written).toMatchObject({ experiment: 'theorem1', n: 1000, fitted: 1000, engine: null });
    const corruption = JSON.parse(readFileSync(join(runDir, 'corruption.json'), 'utf8'));
    expect(corruption.train.labels_changed).toBe(found.label_noise);
    expect((await resumeRun(runDir)).result).toEqual(result);
  });

  it('ends when it is interrupted', async () => {
    const controller = new AbortController();
    const events = {
      preparing: ({ what }: { what: string }) => {
        if (what.startsWith('evaluating')) controller.abort();
      },
    };
    const run = runTheoryConfig(
      { experiment: 'theorem1', data: { name: 'synthetic', limit: 500, testLimit: 100 } },
      { signal: controller.signal, events },
    );
    await expect(run).rejects.toMatchObject({ kind: 'interrupted' });
  });
});
