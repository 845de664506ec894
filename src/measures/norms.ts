import type { Model } from '../models/types.js';
import { Random } from '../random.js';
import type { LayerNorms } from '../results/measures.js';
import type { Weights } from './fold.js';

/** A row-major matrix; a filter [height, width, inputs, outputs] is [height · width · inputs, outputs]. */
export interface Matrix {
  values: Float64Array;
  columns: number;
}

/** √Σ w². */
export function frobeniusNorm({ values }: Matrix): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** Of the greatest singular value's square, between two steps. */
const TOLERANCE = 1e-12;

/**
 * The greatest singular value, by the Lanczos process on the smaller of AᵀA and AAᵀ, started from a seeded vector and kept
 * orthogonal: some tens of passes over the matrix where power iteration takes hundreds, and exact to rounding when the space is
 * used up.
 *
 * Of a convolution it is that of the filter as a matrix, as Jiang 2020 takes it (Yoshida & Miyato 2017, section 3.2), and not
 * of the operator on images.
 */
export function spectralNorm(matrix: Matrix): number {
  const { values, columns } = matrix;
  const rows = values.length / columns;
  const size = Math.min(rows, columns);
  const squared = (v: Float64Array) =>
    columns <= rows
      ? transposedTimes(matrix, times(matrix, v))
      : times(matrix, transposedTimes(matrix, v));
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  let next = unit(Float64Array.from({ length: size }, normals()));
  let greatest = 0;
  for (let calm = 0; calm < 2 && basis.length < size; ) {
    basis.push(next);
    const image = squared(next);
    diagonal.push(dot(image, next));
    // Twice is enough against rounding.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) addScaled(image, -dot(image, other), other);
    }
    const found = greatestEigenvalue(diagonal, beside);
    calm = found - greatest <= TOLERANCE * found ? calm + 1 : 0;
    greatest = found;
    const length = Math.sqrt(dot(image, image));
    if (!(length > TOLERANCE * found)) break;
    beside.push(length);
    next = unit(image);
  }
  return Math.sqrt(Math.max(0, greatest));
}

function normals(): () => number {
  const random = new Random(0, 'measures/lanczos');
  return () => random.normal();
}

/** Of the symmetric matrix with this diagonal and these numbers beside it, by bisection on how many lie above (Sturm). */
export function greatestEigenvalue(diagonal: readonly number[], beside: readonly number[]): number {
  const reach = (i: number) => Math.abs(beside[i - 1] ?? 0) + Math.abs(beside[i] ?? 0);
  let low = Math.max(...diagonal);
  let high = Math.max(...diagonal.map((value, i) => value + reach(i)));
  for (let step = 0; step < 100 && high - low > 1e-15 * Math.abs(high); step++) {
    const middle = (low + high) / 2;
    if (hasAbove(middle, diagonal, beside)) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether an eigenvalue is greater: a pivot of T − x is positive. */
function hasAbove(x: number, diagonal: readonly number[], beside: readonly number[]): boolean {
  let pivot = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < diagonal.length; i++) {
    pivot = diagonal[i]! - x - (i === 0 ? 0 : beside[i - 1]! ** 2 / pivot);
    if (pivot > 0) return true;
    if (pivot === 0) pivot = -Number.MIN_VALUE;
  }
  return false;
}

function times({ values, columns }: Matrix, v: Float64Array): Float64Array {
  const out = new Float64Array(values.length / columns);
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += values[at++]! * v[j]!;
    out[i] = sum;
  }
  return out;
}

function transposedTimes({ values, columns }: Matrix, v: Float64Array): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0, at = 0; i < v.length; i++) {
    const factor = v[i]!;
    for (let j = 0; j < columns; j++) out[j]! += factor * values[at++]!;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i]! += factor * x[i]!;
}

function unit(v: Float64Array): Float64Array {
  const length = Math.sqrt(dot(v, v));
  return v.map((value) => value / length);
}

/** The weights that norms are of: matrices and filters, no biases and no shifts, as in Jiang 2020. */
export const weightsOf = ({ parameters }: Model) => parameters.filter(({ decayed }) => decayed);

/**
 * Norms layer by layer, of weights with BatchNorm folded in and of their difference from the first ones.
 *
 * @param turn Awaited between two layers: see `takingTurns`.
 */
export async function layerNorms(
  model: Model,
  weights: Weights,
  first: Weights,
  turn: () => Promise<void> | undefined = () => undefined,
): Promise<LayerNorms[]> {
  const layers: LayerNorms[] = [];
  for (const { name, shape } of weightsOf(model)) {
    await turn();
    const columns = shape.at(-1)!;
    const values = weights[name]!;
    const now = { values, columns };
    const moved = { values: values.map((value, i) => value - first[name]![i]!), columns };
    layers.push({
      name,
      frobenius: frobeniusNorm(now),
      spectral: spectralNorm(now),
      frobenius_distance: frobeniusNorm(moved),
      spectral_distance: spectralNorm(moved),
    });
  }
  return layers;
}
