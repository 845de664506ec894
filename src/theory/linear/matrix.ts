import { RethinkError } from '../../errors.js';

/** Row-major matrices of doubles, small enough for loops: hundreds of rows. */
export interface Matrix {
  rows: number;
  columns: number;
  values: Float64Array;
}

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, values: new Float64Array(rows * columns) };
}

export function rowOf({ columns, values }: Matrix, i: number): Float64Array {
  return values.subarray(i * columns, (i + 1) * columns);
}

export function dot(a: Float64Array, b: Float64Array): number {
  // Four sums that do not wait for one another.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length - (a.length % 4);
  for (let k = 0; k < whole; k += 4) {
    s0 += a[k]! * b[k]!;
    s1 += a[k + 1]! * b[k + 1]!;
    s2 += a[k + 2]! * b[k + 2]!;
    s3 += a[k + 3]! * b[k + 3]!;
  }
  for (let k = whole; k < a.length; k++) s0 += a[k]! * b[k]!;
  return s0 + s1 + (s2 + s3);
}

/** y += factor·x. */
export function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let k = 0; k < y.length; k++) y[k] = y[k]! + factor * x[k]!;
}

/** XXᵀ. */
export function gram(x: Matrix): Matrix {
  const k = zeros(x.rows, x.rows);
  for (let i = 0; i < x.rows; i++) {
    for (let j = 0; j <= i; j++) {
      const value = dot(rowOf(x, i), rowOf(x, j));
      k.values[i * x.rows + j] = value;
      k.values[j * x.rows + i] = value;
    }
  }
  return k;
}

/** Xv. */
export function times(x: Matrix, v: Float64Array): Float64Array {
  return Float64Array.from({ length: x.rows }, (_, i) => dot(rowOf(x, i), v));
}

/** Xᵀv. */
export function transposedTimes(x: Matrix, v: Float64Array): Float64Array {
  const sum = new Float64Array(x.columns);
  for (let i = 0; i < x.rows; i++) addScaled(sum, v[i]!, rowOf(x, i));
  return sum;
}

/**
 * Cholesky's factor L of a symmetric matrix, A = LLᵀ.
 *
 * @throws RethinkError (`data`) where A is not positive definite to working precision.
 */
export function cholesky(a: Matrix): Matrix {
  const l = zeros(a.rows, a.rows);
  for (let i = 0; i < a.rows; i++) {
    const rowI = rowOf(l, i);
    for (let j = 0; j <= i; j++) {
      const rowJ = rowOf(l, j);
      let rest = a.values[i * a.rows + j]!;
      for (let k = 0; k < j; k++) rest -= rowI[k]! * rowJ[k]!;
      if (i !== j) rowI[j] = rest / rowJ[j]!;
      else if (rest > 1e-12 * a.values[i * a.rows + i]!) rowI[i] = Math.sqrt(rest);
      else throw dependent(i);
    }
  }
  return l;
}

function dependent(i: number): RethinkError {
  return new RethinkError(
    'data',
    `Training image ${i + 1} in order is a linear combination of those before it: the minimum-norm solution has no unique coefficients.`,
    { hint: 'Take fewer images than inputs (data.limit), and no image twice.' },
  );
}

/** Solves LLᵀx = b. */
export function solveCholesky(l: Matrix, b: Float64Array): Float64Array {
  const n = l.rows;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    const row = rowOf(l, i);
    for (let k = 0; k < i; k++) x[i] = x[i]! - row[k]! * x[k]!;
    x[i] = x[i]! / row[i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    const row = rowOf(l, i);
    x[i] = x[i]! / row[i]!;
    for (let k = 0; k < i; k++) x[k] = x[k]! - row[k]! * x[i]!;
  }
  return x;
}

export function norm(v: Float64Array): number {
  return Math.sqrt(dot(v, v));
}

/** Largest eigenvalue of a symmetric positive definite matrix, by power iteration: `apply` is the product with it. */
export function largestEigenvalue(
  n: number,
  apply: (v: Float64Array) => Float64Array,
  iterations = 300,
): number {
  let v: Float64Array = Float64Array.from({ length: n }, (_, i) => 1 + (i % 7) / 7);
  let value = 0;
  for (let k = 0; k < iterations; k++) {
    const next = apply(v.map((x) => x / norm(v)));
    value = norm(next);
    v = next;
  }
  return value;
}
