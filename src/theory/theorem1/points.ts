import { RethinkError } from '../../errors.js';
import { Random } from '../../random.js';
import type { Inputs } from '../inputs.js';

/** The training set seen along one direction: all there is to know for the construction. */
export interface Points {
  /** The direction a, [dimension]. */
  direction: Float64Array;
  /** Projections ⟨a, z⟩ of the distinct inputs, ascending. */
  x: Float64Array;
  /** Their labels. */
  y: Float64Array;
  /** Smallest difference of two neighbors; infinite for a single point. */
  minGap: number;
}

/**
 * Projects the inputs on random Gaussian directions and keeps the one whose projections lie farthest apart: the
 * smallest gap sets the size of the network's weights and so how much of a double's precision is left.
 *
 * @param names Source index of each input, for the error.
 * @throws RethinkError: `data` where two equal inputs have different labels, which no function fits; `failed` where no
 * direction tells all inputs apart.
 */
export function choosePoints(
  inputs: Inputs,
  labels: Int32Array,
  { seed, directions, names }: { seed: number; directions: number; names: Uint32Array },
): Points {
  const { dimension } = inputs;
  const candidates = Array.from({ length: directions }, (_, k) => {
    const random = new Random(seed, 'theorem1/direction', k);
    return Float64Array.from({ length: dimension }, () => random.normal() / Math.sqrt(dimension));
  });
  const projections = projectAll(inputs, candidates);
  const all = candidates.map((direction, k) =>
    sortedPoints(inputs, labels, direction, projections[k]!, names),
  );
  const best = all.reduce((a, b) => (b.minGap > a.minGap ? b : a));
  if (best.minGap > 0) return best;
  throw new RethinkError('failed', `None of ${directions} directions tells all inputs apart.`, {
    hint: 'Try more of them (theory.directions), or another seed.',
  });
}

/** One pass over the inputs for all directions: making an input costs more than a product with it. */
function projectAll(inputs: Inputs, directions: Float64Array[]): Float64Array[] {
  const projections = directions.map(() => new Float64Array(inputs.count));
  const input = new Float64Array(inputs.dimension);
  for (let i = 0; i < inputs.count; i++) {
    inputs.read(i, input);
    for (const [k, direction] of directions.entries()) projections[k]![i] = dot(direction, input);
  }
  return projections;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function sortedPoints(
  inputs: Inputs,
  labels: Int32Array,
  direction: Float64Array,
  projections: Float64Array,
  names: Uint32Array,
): Points {
  const order = Uint32Array.from(projections.keys()).sort(
    (i, j) => projections[i]! - projections[j]!,
  );
  const kept: number[] = [];
  let minGap = Number.POSITIVE_INFINITY;
  for (const i of order) {
    const last = kept.at(-1);
    const gap =
      last === undefined ? Number.POSITIVE_INFINITY : projections[i]! - projections[last]!;
    // Equal inputs have equal projections; the contrary would make this direction useless.
    if (gap === 0 && sameInput(inputs, last!, i)) {
      requireSameLabel(labels, last!, i, names);
      continue;
    }
    minGap = Math.min(minGap, gap);
    kept.push(i);
  }
  return {
    direction,
    x: Float64Array.from(kept, (i) => projections[i]!),
    y: Float64Array.from(kept, (i) => labels[i]!),
    minGap,
  };
}

function sameInput({ dimension, read }: Inputs, i: number, j: number): boolean {
  const [a, b] = [new Float64Array(dimension), new Float64Array(dimension)];
  read(i, a);
  read(j, b);
  return a.every((value, k) => value === b[k]);
}

function requireSameLabel(labels: Int32Array, i: number, j: number, names: Uint32Array): void {
  if (labels[i] === labels[j]) return;
  throw new RethinkError(
    'data',
    `Training images ${names[i]} and ${names[j]} are the same to the network and have labels ${labels[i]} and ${labels[j]}: no function fits both.`,
    { hint: 'Take a subset without one of them (data.limit), or another seeds.corruption.' },
  );
}
