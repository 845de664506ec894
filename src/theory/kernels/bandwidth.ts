import { RethinkError } from '../../errors.js';
import { Random } from '../../random.js';
import type { BlockMath, Rows } from './graph.js';
import { errorRate, oneHot, predict, solveKernel } from './solver.js';

/** Examples between whose pairs the median distance is taken. */
const MEDIAN_SAMPLE = 400;
/** Of the training set: enough to tell bandwidths apart, and little beside the solution itself. */
const MOST_FITTED = 2000;
const MOST_HELD_OUT = 1000;

export interface Choice {
  fraction: number;
  bandwidth: number;
  heldOut: { fraction: number; error: number | null }[];
}

/** What a bandwidth is chosen for. */
interface Task {
  train: Rows;
  labels: Int32Array;
  classes: number;
  ridge: number;
  seed: number;
}

/**
 * Chooses the kernel's bandwidth among fractions of the median squared distance, by the error on training data held out
 * of a smaller solution. A single fraction is taken unseen.
 *
 * @throws RethinkError (`failed`) where no fraction's kernel can be factored.
 */
export async function chooseBandwidth(
  math: BlockMath,
  given: Task,
  fractions: readonly number[],
): Promise<Choice> {
  const { train, seed } = given;
  const median = medianSquaredDistance(train, seed);
  const [only = 1] = fractions;
  if (fractions.length === 1) return { fraction: only, bandwidth: only * median, heldOut: [] };
  const heldOut: Choice['heldOut'] = [];
  for (const fraction of fractions) {
    heldOut.push({ fraction, error: await heldOutError(math, given, fraction * median) });
  }
  const [best] = heldOut
    .filter((tried) => tried.error !== null)
    .sort((a, b) => a.error! - b.error!);
  if (best === undefined) {
    throw new RethinkError(
      'failed',
      `The kernel is not positive definite in double precision with any of the bandwidths ${fractions.join(', ')}.`,
      { hint: 'Use smaller theory.bandwidths, or a theory.ridge above 0.' },
    );
  }
  return { fraction: best.fraction, bandwidth: best.fraction * median, heldOut };
}

/** `null` where the kernel can't be factored. */
async function heldOutError(
  math: BlockMath,
  given: Task,
  bandwidth: number,
): Promise<number | null> {
  const { train, labels, classes, ridge, seed } = given;
  const order = new Random(seed, 'kernels/held-out').permutation(train.rows);
  const held = Math.min(MOST_HELD_OUT, Math.floor(train.rows / 5));
  const take = (positions: Uint32Array) => ({
    features: takeRows(train, positions),
    labels: Int32Array.from(positions, (i) => labels[i]!),
  });
  const fitted = take(order.subarray(held, held + MOST_FITTED));
  const tested = take(order.subarray(0, held));
  const { features } = fitted;
  const problem = { features, targets: oneHot(fitted.labels, classes), bandwidth, ridge };
  try {
    const { alpha } = await solveKernel(math, problem);
    return errorRate(await predict(math, tested.features, problem, alpha), tested.labels);
  } catch (error) {
    if (error instanceof RethinkError && error.kind === 'failed') return null;
    throw error;
  }
}

/** Of pairs within a seeded sample. */
export function medianSquaredDistance(rows: Rows, seed: number): number {
  const order = new Random(seed, 'kernels/median').permutation(rows.rows);
  const sample = takeRows(rows, order.subarray(0, MEDIAN_SAMPLE));
  const distances: number[] = [];
  for (let i = 0; i < sample.rows; i++) {
    for (let j = 0; j < i; j++) distances.push(squaredDistance(sample, i, j));
  }
  distances.sort((a, b) => a - b);
  const median = distances[Math.floor(distances.length / 2)] ?? 0;
  if (median > 0) return median;
  throw new RethinkError('data', 'Half of the training images are the same: no distance to go by.');
}

function squaredDistance({ data, columns }: Rows, i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < columns; k++) {
    const difference = data[i * columns + k]! - data[j * columns + k]!;
    sum += difference * difference;
  }
  return sum;
}

function takeRows({ data, columns }: Rows, positions: Uint32Array): Rows {
  const taken = new Float32Array(positions.length * columns);
  for (const [i, at] of positions.entries()) {
    taken.set(data.subarray(at * columns, (at + 1) * columns), i * columns);
  }
  return { data: taken, rows: positions.length, columns };
}
