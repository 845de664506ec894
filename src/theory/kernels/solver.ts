import { RethinkError } from '../../errors.js';
import type { Block, BlockMath, Rows } from './graph.js';

/** Rows of a block: its products keep all cores busy, its copies in and out cost little beside them. */
const BLOCK = 1024;
/** A residual from here on is rounding of K itself. */
const GOOD_RESIDUAL = 1e-10;
const MOST_REFINEMENTS = 5;

/** (K + λI)α = y solved, with how well. */
export interface Solution {
  /** [n, classes]. */
  alpha: Block;
  /** Kα: what is predicted for the training examples themselves. */
  fitted: Block;
  /** ‖(K + λI)α − y‖ / ‖y‖. */
  relativeResidual: number;
  refinements: number;
  /** √(Σ αᵀKα). */
  norm: number;
}

export interface Problem {
  features: Rows;
  /** [n, classes]. */
  targets: Block;
  bandwidth: number;
  ridge: number;
}

/** Called as a solution goes on, with the fraction done; may throw to end it. */
export type OnAdvance = (done: number, total: number) => Promise<void>;

/**
 * Solves for the coefficients of the kernel's minimum-norm solution by blocked Cholesky and iterative refinement. Only
 * the lower triangle of blocks is kept, 4·n² bytes; residuals make the kernel anew, block by block.
 *
 * @throws RethinkError (`failed`) where the kernel is not positive definite to working precision.
 */
export async function solveKernel(
  math: BlockMath,
  problem: Problem,
  onAdvance: OnAdvance = async () => {},
): Promise<Solution> {
  const blocks = await factorKernel(math, problem, onAdvance);
  const { targets, ridge } = problem;
  const alpha = await solveFactored(math, blocks, targets);
  let [refinements, kernelAlpha] = [0, await applyKernel(math, problem, alpha)];
  let residual = residualOf(targets, kernelAlpha, alpha, ridge);
  while (relative(residual, targets) > GOOD_RESIDUAL && refinements < MOST_REFINEMENTS) {
    const correction = await solveFactored(math, blocks, residual);
    const better = { ...alpha, data: alpha.data.map((a, k) => a + correction.data[k]!) };
    const applied = await applyKernel(math, problem, better);
    const left = residualOf(targets, applied, better, ridge);
    refinements++;
    if (!(relative(left, targets) < relative(residual, targets))) break;
    alpha.data.set(better.data);
    [kernelAlpha, residual] = [applied, left];
  }
  const squaredNorm = alpha.data.reduce((sum, a, k) => sum + a * kernelAlpha.data[k]!, 0);
  return {
    alpha,
    fitted: kernelAlpha,
    relativeResidual: relative(residual, targets),
    refinements,
    norm: Math.sqrt(Math.max(0, squaredNorm)),
  };
}

/** K(x, features)·α: predictions for other examples, [x.rows, classes]. */
export async function predict(
  math: BlockMath,
  x: Rows,
  { features, bandwidth }: Problem,
  alpha: Block,
): Promise<Block> {
  const result = zeroBlock(x.rows, alpha.columns);
  for (const [i, rows] of spans(x.rows).entries()) {
    const part = partOf(x, rows);
    const sum = partOf(result, spans(x.rows)[i]!);
    // The product with the transpose comes along for nothing's sake here.
    const nothing = zeroBlock(part.rows, 1);
    for (const columns of spans(features.rows)) {
      const [product] = await math.kernelProducts(
        part,
        partOf(features, columns),
        bandwidth,
        partOf(alpha, columns),
        nothing,
      );
      addTo(sum, product);
    }
  }
  return result;
}

type Span = [from: number, to: number];

/** Row i of blocks: blocks 0…i of the lower triangle. */
type Triangle = Block[][];

async function factorKernel(
  math: BlockMath,
  { features, bandwidth, ridge }: Problem,
  onAdvance: OnAdvance,
): Promise<Triangle> {
  const parts = spans(features.rows).map((span) => partOf(features, span));
  const total = (parts.length * (parts.length + 1) * (parts.length + 5)) / 6;
  let done = 0;
  const advance = () => onAdvance(++done, Math.ceil(total));
  const blocks: Triangle = [];
  for (const [i, rows] of parts.entries()) {
    blocks.push([]);
    for (const columns of parts.slice(0, i + 1)) {
      blocks[i]!.push(await math.kernel(rows, columns, bandwidth));
      await advance();
    }
    const { data, columns } = blocks[i]![i]!;
    for (let k = 0; k < data.length; k += columns + 1) data[k] = data[k]! + ridge;
  }
  for (let k = 0; k < parts.length; k++) {
    const pivot = await factorPivot(math, blocks[k]![k]!);
    blocks[k]![k] = pivot;
    for (let i = k + 1; i < parts.length; i++) {
      blocks[i]![k] = await math.apply('solveRight', blocks[i]![k]!, pivot);
    }
    for (let i = k + 1; i < parts.length; i++) {
      for (let j = k + 1; j <= i; j++) {
        blocks[i]![j] = await math.apply('update', blocks[i]![j]!, blocks[i]![k]!, blocks[j]![k]!);
        await advance();
      }
    }
  }
  return blocks;
}

async function factorPivot(math: BlockMath, block: Block): Promise<Block> {
  let cause: unknown;
  try {
    const factor = await math.apply('factor', block);
    if (factor.data.every(Number.isFinite)) return factor;
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    cause = error;
  }
  throw new RethinkError(
    'failed',
    'The kernel is not positive definite in double precision: two examples are the same or nearly so.',
    { hint: 'Use smaller theory.bandwidths, or a theory.ridge above 0.', cause },
  );
}

async function solveFactored(math: BlockMath, l: Triangle, b: Block): Promise<Block> {
  const where = spans(b.rows);
  const x: Block[] = where.map((span) => ({
    ...partOf(b, span),
    data: partOf(b, span).data.slice(),
  }));
  for (let i = 0; i < l.length; i++) {
    for (let j = 0; j < i; j++) x[i] = await math.apply('subtract', x[i]!, l[i]![j]!, x[j]!);
    x[i] = await math.apply('solve', x[i]!, l[i]![i]!);
  }
  for (let i = l.length - 1; i >= 0; i--) {
    for (let j = i + 1; j < l.length; j++) {
      x[i] = await math.apply('subtractTransposed', x[i]!, l[j]![i]!, x[j]!);
    }
    x[i] = await math.apply('solveTransposed', x[i]!, l[i]![i]!);
  }
  const result = zeroBlock(b.rows, b.columns);
  for (const [i, span] of where.entries()) partOf(result, span).data.set(x[i]!.data);
  return result;
}

/** Kα, each block made once and used for both of its places. */
async function applyKernel(
  math: BlockMath,
  { features, bandwidth }: Problem,
  alpha: Block,
): Promise<Block> {
  const result = zeroBlock(alpha.rows, alpha.columns);
  const where = spans(features.rows);
  for (const [i, rows] of where.entries()) {
    for (const [j, columns] of where.slice(0, i + 1).entries()) {
      const [product, transposed] = await math.kernelProducts(
        partOf(features, rows),
        partOf(features, columns),
        bandwidth,
        partOf(alpha, columns),
        partOf(alpha, rows),
      );
      addTo(partOf(result, rows), product);
      if (i !== j) addTo(partOf(result, columns), transposed);
    }
  }
  return result;
}

function residualOf(targets: Block, kernelAlpha: Block, alpha: Block, ridge: number): Block {
  const data = targets.data.map((y, k) => y - kernelAlpha.data[k]! - ridge * alpha.data[k]!);
  return { ...targets, data };
}

/** In Frobenius norms. */
function relative(residual: Block, targets: Block): number {
  const norm = ({ data }: Block) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
  return norm(residual) / norm(targets);
}

function spans(count: number): Span[] {
  return Array.from({ length: Math.ceil(count / BLOCK) }, (_, i) => [
    i * BLOCK,
    Math.min(count, (i + 1) * BLOCK),
  ]);
}

/** A view: writing to it writes to the whole. */
function partOf<T extends Rows | Block>({ data, columns }: T, [from, to]: Span): T {
  return { data: data.subarray(from * columns, to * columns), rows: to - from, columns } as T;
}

function zeroBlock(rows: number, columns: number): Block {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

function addTo(sum: Block, term: Block): void {
  for (let k = 0; k < sum.data.length; k++) sum.data[k] = sum.data[k]! + term.data[k]!;
}

/** One column a class, 1 for an example's label and 0 elsewhere, [n, classes]. With ±1 the argmax is the same. */
export function oneHot(labels: Int32Array, classes: number): Block {
  const data = new Float64Array(labels.length * classes);
  for (const [i, label] of labels.entries()) data[i * classes + label] = 1;
  return { rows: labels.length, columns: classes, data };
}

/** Fraction of rows whose largest score is not the label's. */
export function errorRate({ data, rows, columns }: Block, labels: Int32Array): number {
  let wrong = 0;
  for (let i = 0; i < rows; i++) {
    const scores = data.subarray(i * columns, (i + 1) * columns);
    if (scores.indexOf(Math.max(...scores)) !== labels[i]) wrong++;
  }
  return wrong / rows;
}
