import type { Config } from '../config/resolve.js';

/** How training accuracy has risen so far. */
export interface Course {
  /** Evaluations, oldest first: epochs completed and training accuracy. */
  points: readonly { epoch: number; accuracy: number }[];
  /** Training examples: an accuracy is a multiple of 1 / examples. */
  examples: number;
}

/** Epochs that a training takes in all. */
export interface EpochsNeeded {
  epochs: number;
  /** Whether it may take fewer, and nothing tells how many. */
  atMost: boolean;
}

/** Of the evaluations, the last ones, as a network's speed of fitting changes. */
const LOOKED_AT = 5;
/** A slope is told from noise at so many of its standard errors. */
const CERTAIN = 2;

/**
 * Epochs that a training takes until it stops, from its course so far. Log odds of training accuracy rise about evenly
 * while a network fits its labels, true or random; they are extended along a straight line to what the stop asks for.
 * Where they don't rise for certain, all epochs are the only bound there is.
 */
export function epochsNeeded(
  { points, examples }: Course,
  { epochs, stop, evaluateEvery }: Pick<Config['train'], 'epochs' | 'stop' | 'evaluateEvery'>,
): EpochsNeeded {
  if (stop === null) return { epochs, atMost: false };
  const all = { epochs, atMost: true };
  const last = points.at(-1);
  if (last === undefined) return all;
  const before = points.findLastIndex(({ accuracy }) => accuracy < stop.accuracy);
  const inARow = points.length - 1 - before;
  const further = (epoch: number, evaluations: number): EpochsNeeded => {
    const needed = epoch + evaluations * evaluateEvery;
    return needed < epochs ? { epochs: needed, atMost: false } : all;
  };
  if (inARow > 0) return further(last.epoch, Math.max(0, stop.patience - inARow));
  const logOdds = (accuracy: number) => {
    const least = 0.5 / examples;
    const within = Math.min(1 - least, Math.max(least, accuracy));
    return Math.log(within / (1 - within));
  };
  const line = fitLine(
    points.slice(-LOOKED_AT).map(({ epoch, accuracy }) => [epoch, logOdds(accuracy)]),
  );
  if (line === undefined || !(line.slope > CERTAIN * line.error)) return all;
  const missing = logOdds(stop.accuracy) - line.at(last.epoch);
  const evaluations = Math.max(1, Math.ceil(missing / line.slope / evaluateEvery));
  return further(last.epoch, evaluations + stop.patience - 1);
}

/** A straight line through points by least squares; `undefined` for fewer than three. */
function fitLine(points: readonly [x: number, y: number][]) {
  const n = points.length;
  if (n < 3) return undefined;
  const mean = (of: (point: [number, number]) => number) =>
    points.reduce((sum, [x, y]) => sum + of([x, y]), 0) / n;
  const x0 = mean(([x]) => x);
  const y0 = mean(([, y]) => y);
  const xx = mean(([x]) => (x - x0) ** 2);
  const slope = mean(([x, y]) => (x - x0) * (y - y0)) / xx;
  const at = (x: number) => y0 + slope * (x - x0);
  const variance = (mean(([x, y]) => (y - at(x)) ** 2) * n) / (n - 2);
  return { slope, at, error: Math.sqrt(variance / (n * xx)) };
}
