import { describe, expect, it } from 'vitest';
import { folded } from '../../src/measures/fold.js';
import {
  frobeniusNorm,
  greatestEigenvalue,
  layerNorms,
  type Matrix,
  spectralNorm,
} from '../../src/measures/norms.js';
import { Random } from '../../src/random.js';
import { initialState } from '../../src/train/init.js';
import { build } from './helpers.js';

const matrix = (...rows: number[][]): Matrix => ({
  values: Float64Array.from(rows.flat()),
  columns: rows[0]!.length,
});

/** Power iteration, of as many passes as it takes. */
function byPower({ values, columns }: Matrix): number {
  const rows = values.length / columns;
  const random = new Random(1, 'power');
  let v = Array.from({ length: columns }, () => random.normal());
  let norm = 0;
  for (let pass = 0; pass < 5000; pass++) {
    const image = Array.from({ length: rows }, (_, i) =>
      v.reduce((sum, x, j) => sum + values[i * columns + j]! * x, 0),
    );
    norm = Math.hypot(...image) / Math.hypot(...v);
    v = v.map((_, j) => image.reduce((sum, x, i) => sum + values[i * columns + j]! * x, 0));
    const length = Math.hypot(...v);
    v = v.map((x) => x / length);
  }
  return norm;
}

describe('norms of matrices', () => {
  it('are those of small ones worked out on paper', () => {
    const m = matrix([3, 0], [4, 5]);
    expect(frobeniusNorm(m)).toBe(Math.sqrt(50));
    // MᵀM = [[25, 20], [20, 25]]: eigenvalues 45 and 5.
    expect(spectralNorm(m)).toBeCloseTo(Math.sqrt(45), 12);
    expect(spectralNorm(matrix([0, 0, 0], [0, 0, 0]))).toBe(0);
    expect(spectralNorm(matrix([-7]))).toBeCloseTo(7, 12);
    expect(spectralNorm(matrix([2, 2, 2], [1, 1, 1]))).toBeCloseTo(Math.sqrt(15), 12);
    // All singular values alike, and two greatest ones alike.
    expect(spectralNorm(matrix([0, 1, 0], [0, 0, 1], [1, 0, 0]))).toBeCloseTo(1, 12);
    expect(spectralNorm(matrix([5, 0, 0], [0, 5, 0], [0, 0, 1]))).toBeCloseTo(5, 12);
  });

  it("agrees with numpy's singular values, upright and lying", () => {
    const rows = [
      [3, -1, 2, 0],
      [4, 1, -5, 2],
      [0, 7, 1, -3],
      [2, 2, 2, 2],
      [-6, 0, 1, 4],
      [1, -3, 5, 0],
    ];
    const GREATEST = 9.09452919115039;
    expect(spectralNorm(matrix(...rows))).toBeCloseTo(GREATEST, 10);
    const lying = rows[0]!.map((_, j) => rows.map((row) => row[j]!));
    expect(spectralNorm(matrix(...lying))).toBeCloseTo(GREATEST, 10);
  });

  it.each([
    [40, 25],
    [9, 60],
  ])('agrees with power iteration on %i×%i', (rows, columns) => {
    const random = new Random(rows, 'matrix');
    const values = new Float64Array(rows * columns).map(() => random.normal());
    const m = { values, columns };
    expect(spectralNorm(m)).toBeCloseTo(byPower(m), 8);
  });

  it('finds the greatest eigenvalue of a tridiagonal matrix', () => {
    // 2 on the diagonal, 1 beside it: 2 + 2 cos(π / (n + 1)).
    const n = 9;
    const found = greatestEigenvalue(Array(n).fill(2), Array(n - 1).fill(1));
    expect(found).toBeCloseTo(2 + 2 * Math.cos(Math.PI / (n + 1)), 12);
    expect(greatestEigenvalue([-3], [])).toBe(-3);
  });
});

describe('norms of layers', () => {
  it('are those of weights, not of biases, and of how far they have come', async () => {
    const model = build({ name: 'mlp', hidden: [2] }, [1, 1, 2], 2);
    const state = initialState(model, 1);
    const first = initialState(model, 1);
    const set = (of: typeof state, name: string, ...values: number[]) => of[name]!.data.set(values);
    set(state, 'param/dense1/weight', 3, 0, 4, 5);
    set(state, 'param/dense1/bias', 100, 100);
    set(state, 'param/output/weight', 0, 2, 0, 0);
    set(first, 'param/dense1/weight', 3, 0, 4, 2);
    set(first, 'param/output/weight', 0, 0, 0, 0);
    const layers = await layerNorms(model, folded(model, state), folded(model, first));
    expect(layers.map(({ name }) => name)).toEqual(['dense1/weight', 'output/weight']);
    const [dense, output] = layers;
    expect(dense!.frobenius).toBeCloseTo(Math.sqrt(50), 12);
    expect(dense!.spectral).toBeCloseTo(Math.sqrt(45), 12);
    expect(dense!.frobenius_distance).toBe(3);
    expect(dense!.spectral_distance).toBeCloseTo(3, 12);
    expect(output).toEqual({
      name: 'output/weight',
      frobenius: 2,
      spectral: 2,
      frobenius_distance: 2,
      spectral_distance: 2,
    });
  });
});
