import { join } from 'node:path';
import { RethinkError } from '../../errors.js';
import { Random } from '../../random.js';
import { CsvTable } from '../../record/tables.js';
import type { LinearFindings } from '../../results/findings.js';
import { breathe, type TheoryContext } from '../context.js';
import { type Inputs, readAll, splitInputs } from '../inputs.js';
import {
  addScaled,
  cholesky,
  dot,
  gram,
  largestEigenvalue,
  type Matrix,
  norm,
  rowOf,
  solveCholesky,
  times,
  transposedTimes,
} from './matrix.js';

/** More would take minutes to factor in loops. */
const MOST_EXAMPLES = 4000;
/** Rows of `distance.csv`. */
const ROWS = 500;

type Columns = Float64Array[];

/** The model and what it goes to, a column for each class. */
interface Descent {
  x: Matrix;
  y: Columns;
  w: Columns;
  velocity: Columns;
  target: Columns;
  rate: number;
  momentum: number;
}

/** One row of `distance.csv`. */
interface DistanceRow {
  step: number;
  /** ‖w − w*‖ / ‖w*‖. */
  relative_distance: number;
  /** ‖Xw − y‖ / ‖y‖. */
  relative_residual: number;
  norm: number;
}

/**
 * SGD from zero on a linear model, one output a class with one-hot targets, against the interpolating solution of least
 * norm w* = Xᵀ(XXᵀ)⁻¹y (Zhang2017, section 5). Writes `distance.csv`.
 *
 * @throws RethinkError: `usage` where there are more examples than inputs, `data` where XXᵀ is singular.
 */
export async function runLinear(context: TheoryContext): Promise<LinearFindings> {
  const { prepared, config, theory } = context;
  const { info, data } = prepared;
  const inputs = splitInputs(prepared, 'train');
  requireUnderdetermined(inputs.count, inputs.dimension);
  const x: Matrix = { rows: inputs.count, columns: inputs.dimension, values: readAll(inputs) };
  const y = info.classes.map((_, c) =>
    Float64Array.from(data.train.labels, (label) => (label === c ? 1 : 0)),
  );
  const kernel = gram(x);
  const factor = cholesky(kernel);
  const target = y.map((column) => transposedTimes(x, solveCholesky(factor, column)));

  const batch = Math.min(config.train.batchSize, x.rows);
  const { momentum } = config.train;
  const { rate, condition } = stepSize(kernel, factor, batch, momentum);
  const w = y.map(() => new Float64Array(x.columns));
  const velocity = y.map(() => new Float64Array(x.columns));
  const descent: Descent = { x, y, w, velocity, target, rate, momentum };
  const columns = ['step', 'relative_distance', 'relative_residual', 'norm'];
  const path = join(context.runDir, 'distance.csv');
  const table = new CsvTable<DistanceRow>(path, columns, { anew: true, confirm: context.confirm });
  const every = Math.max(1, Math.floor(theory.steps / ROWS));
  let row = distance(0, descent);
  table.append([row]);
  for (let step = 1; step <= theory.steps; step++) {
    sgdStep(descent, batchOf(config.seeds.data, step, x.rows, batch));
    if (step % every === 0 || step === theory.steps) {
      row = distance(step, descent);
      table.append([row]);
    }
    await breathe(context, 'descending', step, theory.steps, 'steps');
  }
  table.sync();
  return {
    experiment: 'linear',
    n: x.rows,
    dimension: x.columns,
    steps: theory.steps,
    learning_rate: rate,
    batch_size: batch,
    relative_distance: row.relative_distance,
    outside_span: outsideSpan(x, factor, w),
    relative_residual: row.relative_residual,
    minimum_norm: jointNorm(target),
    norm: jointNorm(w),
    condition,
    train_accuracy: accuracy(inputs, data.train.labels, w),
    test_accuracy: accuracy(splitInputs(prepared, 'test'), data.test.trueLabels, w),
  };
}

function requireUnderdetermined(n: number, dimension: number): void {
  const most = Math.min(dimension, MOST_EXAMPLES);
  if (n <= most) return;
  throw new RethinkError(
    'usage',
    `The experiment linear has ${n} training images for ${dimension} inputs, and can use at most ${most}.`,
    { hint: `Set data.limit to ${Math.min(500, most)}.` },
  );
}

/**
 * A step that surely descends whichever batch comes, for the mean over a batch of half the squared error, and
 * λmax/λmin of XXᵀ.
 */
function stepSize(kernel: Matrix, factor: Matrix, batch: number, momentum: number) {
  const n = kernel.rows;
  const largest = largestEigenvalue(n, (v) => times(kernel, v));
  const smallest = 1 / largestEigenvalue(n, (v) => solveCholesky(factor, v));
  const longest = Math.max(...Array.from({ length: n }, (_, i) => kernel.values[i * n + i]!));
  // What a batch's own draw may add to the mean over all examples; momentum makes steps 1/(1 − μ) times as long for it.
  const noise = batch < n ? longest / batch / (1 - momentum) : 0;
  return { rate: 1 / (largest / n + noise), condition: largest / smallest };
}

/** Examples of one step: a fresh draw without repetition, or all of them. */
function batchOf(seed: number, step: number, n: number, batch: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  if (batch === n) return order;
  const random = new Random(seed, 'linear/batch', step);
  for (let k = 0; k < batch; k++) {
    const other = k + random.integer(n - k);
    const kept = order[k]!;
    order[k] = order[other]!;
    order[other] = kept;
  }
  return order.subarray(0, batch);
}

/** Heavy ball, as in training: v ← μv + ∇, w ← w − ηv. Stays in the span of the images. */
function sgdStep({ x, y, w, velocity, rate, momentum }: Descent, chosen: Uint32Array): void {
  for (const v of velocity) {
    for (let k = 0; k < v.length; k++) v[k] = v[k]! * momentum;
  }
  for (const i of chosen) {
    const row = rowOf(x, i);
    for (const [c, weights] of w.entries()) {
      const residual = dot(row, weights) - y[c]![i]!;
      addScaled(velocity[c]!, residual / chosen.length, row);
    }
  }
  for (const [c, weights] of w.entries()) addScaled(weights, -rate, velocity[c]!);
}

function distance(step: number, { x, y, w, target }: Descent): DistanceRow {
  const away = w.map((column, c) => minus(column, target[c]!));
  const residual = w.map((column, c) => minus(times(x, column), y[c]!));
  return {
    step,
    relative_distance: jointNorm(away) / jointNorm(target),
    relative_residual: jointNorm(residual) / jointNorm(y),
    norm: jointNorm(w),
  };
}

/** w less its projection Xᵀ(XXᵀ)⁻¹Xw on the span of the images. */
function outsideSpan(x: Matrix, factor: Matrix, w: Float64Array[]): number {
  const outside = w.map((column) =>
    minus(column, transposedTimes(x, solveCholesky(factor, times(x, column)))),
  );
  return jointNorm(outside) / jointNorm(w);
}

function minus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, k) => value - b[k]!);
}

/** Frobenius norm of columns. */
function jointNorm(columns: Float64Array[]): number {
  return Math.hypot(...columns.map(norm));
}

function accuracy(inputs: Inputs, labels: Int32Array, w: Float64Array[]): number {
  const input = new Float64Array(inputs.dimension);
  let right = 0;
  for (let i = 0; i < inputs.count; i++) {
    inputs.read(i, input);
    const scores = w.map((column) => dot(column, input));
    if (scores.indexOf(Math.max(...scores)) === labels[i]) right++;
  }
  return right / inputs.count;
}
