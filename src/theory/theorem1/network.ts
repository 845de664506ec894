import type { Points } from './points.js';
import type { Ramp } from './solve.js';

/** One hidden layer's share of the units. */
interface Block {
  /** Thresholds on what enters the layer: the projection, or behind the first layer its distance from b₁. */
  thresholds: Float64Array;
  /** Weights of these units in the sum that goes on. */
  slopes: Float64Array;
  /** Added to the sum that is carried past this layer, so that it stays above zero and a ReLU lets it through. */
  offset: number;
}

/** The network of Theorem 1 (one hidden layer) or Corollary 1 (more), with shared input weights. */
export interface Network {
  direction: Float64Array;
  blocks: Block[];
}

/**
 * Spreads the units over depth − 1 hidden layers. The first unit of all is open for every point and so carries the
 * projection on; the sum so far is carried by one unit a layer. Width n/(depth − 1) + 2.
 */
export function buildNetwork(points: Points, ramp: Ramp, depth: number): Network {
  const layers = Math.min(depth - 1, points.x.length);
  const size = Math.ceil(points.x.length / layers);
  const first = ramp.thresholds[0]!;
  const blocks: Block[] = [];
  const partial = new Float64Array(points.x.length);
  for (let start = 0; start < points.x.length; start += size) {
    const behindFirst = start > 0;
    const offset = behindFirst ? Math.max(0, -partial.reduce((a, b) => Math.min(a, b))) : 0;
    const thresholds = ramp.thresholds.slice(start, start + size);
    const slopes = ramp.slopes.slice(start, start + size);
    addBlock(partial, points.x, thresholds, slopes);
    blocks.push({
      thresholds: behindFirst ? thresholds.map((b) => b - first) : thresholds,
      slopes,
      offset,
    });
  }
  return { direction: points.direction, blocks };
}

/** Adds one block's ramps at every point in one sweep: both are ascending. */
function addBlock(
  partial: Float64Array,
  x: Float64Array,
  thresholds: Float64Array,
  slopes: Float64Array,
): void {
  let [next, slope, value, at] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    while (next < thresholds.length && thresholds[next]! < x[i]!) {
      value += slope * (thresholds[next]! - at);
      at = thresholds[next]!;
      slope += slopes[next++]!;
    }
    value += slope * (x[i]! - at);
    at = x[i]!;
    partial[i] = partial[i]! + value;
  }
}

/** Numbers stored: d of the direction, a threshold and a slope for each unit, an offset for each carried sum. */
export function weightCount({ direction, blocks }: Network): number {
  const units = blocks.reduce((sum, { slopes }) => sum + slopes.length, 0);
  return direction.length + 2 * units + (blocks.length - 1);
}

/** Units of the widest hidden layer, those that carry projection and sum included. */
export function networkWidth({ blocks }: Network): number {
  return Math.max(...blocks.map(({ slopes }, layer) => slopes.length + (layer === 0 ? 0 : 2)));
}

/**
 * The network's output for one input, unit by unit as it is defined: nothing is known here of order or gaps. The
 * projection is summed from the other end than when the network was built, so its rounding is another one, too.
 */
export function evaluateNetwork({ direction, blocks }: Network, input: Float64Array): number {
  let projection = 0;
  for (let k = input.length - 1; k >= 0; k--) projection += direction[k]! * input[k]!;
  let entering = projection;
  let sum = 0;
  for (const [layer, { thresholds, slopes, offset }] of blocks.entries()) {
    const carried = layer === 0 ? 0 : Math.max(sum + offset, 0) - offset;
    sum = carried + weightedUnits(entering, thresholds, slopes);
    if (layer === 0) entering = Math.max(projection - thresholds[0]!, 0);
  }
  return sum;
}

function weightedUnits(entering: number, thresholds: Float64Array, slopes: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < thresholds.length; j++) {
    const above = entering - thresholds[j]!;
    if (above > 0) sum += slopes[j]! * above;
  }
  return sum;
}
