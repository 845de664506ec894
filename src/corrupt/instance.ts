import type { DatasetInfo, SplitLabels, SplitName } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { takingTurns, type Watching } from '../progress.js';
import { Random } from '../random.js';
import { grouped } from '../text.js';
import { normalDistribution } from './gaussian.js';
import { atLeastTwo, drawFrom } from './laws.js';
import type { ImageReader } from './types.js';

/** Of the normal distribution that flip rates are drawn from (Xia et al. 2020). */
const DEVIATION = 0.1;

const KIND = 'instance-dependent';

/** Bytes of images that are looked at in one go. */
const PIECE = 2 ** 24;

/**
 * Instance-dependent label noise (Xia et al. 2020, Part-dependent label noise, algorithm 2). Each example has a flip rate q
 * from N(τ, 0.1²) truncated to [0, 1]; with probability q its label y becomes another class k, drawn from the softmax over
 * all k ≠ y of x·w, w ∈ N(0, 1)^S for each pair (y, k) and x the image's S bytes, 0…255, as in the authors' code.
 *
 * All numbers belong to (seed, split, index): the labels flipped at a smaller τ are among those of a greater one, and get the
 * same classes.
 *
 * @param fraction τ; at 0 nothing flips. @param examples Labels as they are before. @param images Read where a label flips.
 * @returns [count] the new class, −1 where a label stays.
 * @throws RethinkError: `usage` for a single class, `data` where an image can't be read, `interrupted`.
 */
export async function instanceLabels(
  fraction: number,
  seed: number,
  split: SplitName,
  { labels, indices, count }: SplitLabels,
  images: () => Promise<ImageReader>,
  { info, ...watching }: { info: DatasetInfo } & Watching,
): Promise<Int32Array> {
  const classes = atLeastTwo(KIND, info.classes);
  const flips = fraction === 0 ? () => false : flipped(fraction, seed, split);
  const byClass = Array.from({ length: classes }, (): number[] => []);
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (!flips(indices[i]!)) continue;
    byClass[labels[i]!]!.push(i);
    total++;
  }
  const result = new Int32Array(count).fill(-1);
  if (total === 0) return result;
  const imagesAt = await images();
  const size = info.height * info.width * info.channels;
  const atOnce = Math.max(1, Math.floor(PIECE / size));
  let done = 0;
  const amount = () => ({ done, total, unit: 'images' as const });
  const turn = takingTurns(watching, `drawing ${KIND} labels of ${info.name} ${split}`, amount);
  for (const [label, positions] of byClass.entries()) {
    if (positions.length === 0) continue;
    // Those of one class at a time: all of them take classes times as much memory.
    const weights = weightsOf(seed, label, classes, size);
    for (let first = 0; first < positions.length; first += atOnce) {
      const part = positions.slice(first, first + atOnce);
      const pixels = await imagesAt(part);
      for (const [i, position] of part.entries()) {
        const scores = scoresOf(pixels.subarray(i * size, (i + 1) * size), weights, classes);
        const random = new Random(seed, `labels/${KIND}/class/${split}`, indices[position]!);
        result[position] = otherClass(scores, label, random.uniform());
        done++;
        await turn();
      }
    }
  }
  return result;
}

/** Whether an example flips: a uniform number is below its rate q, which is that quantile which another one names. */
function flipped(mean: number, seed: number, split: SplitName): (index: number) => boolean {
  const below = ratesBelow(mean);
  return (index) => {
    const random = new Random(seed, `labels/${KIND}/flip/${split}`, index);
    const uniform = random.uniform();
    const quantile = random.uniform();
    return quantile > below(uniform);
  };
}

/** P(q ≤ rate) of a flip rate q from N(mean, 0.1²) truncated to [0, 1], for rates from 0 to 1. */
export function ratesBelow(mean: number): (rate: number) => number {
  const below = (x: number) => normalDistribution((x - mean) / DEVIATION);
  const [least, most] = [below(0), below(1)];
  return (rate) => (below(rate) - least) / (most - least);
}

/** w of each pair (label, k): [size, classes], column k; none for the label itself. */
function weightsOf(seed: number, label: number, classes: number, size: number): Float64Array {
  const weights = allocate(size, classes);
  for (let k = 0; k < classes; k++) {
    if (k === label) continue;
    const random = new Random(seed, `labels/${KIND}/weights`, label, k);
    for (let s = 0; s < size; s++) weights[s * classes + k] = random.normal();
  }
  return weights;
}

function allocate(size: number, classes: number): Float64Array {
  try {
    return new Float64Array(size * classes);
  } catch (error) {
    throw new RethinkError(
      'usage',
      `${KIND} needs ${grouped(Math.ceil((size * classes) / 2 ** 17))} MiB of memory in one piece, more than this machine gives.`,
      { hint: 'Make data.size smaller, or take fewer classes.', cause: error },
    );
  }
}

/** x·w for each class: [classes]. */
function scoresOf(image: Uint8Array, weights: Float64Array, classes: number): Float64Array {
  const scores = new Float64Array(classes);
  for (let s = 0; s < image.length; s++) {
    const x = image[s]!;
    const row = s * classes;
    for (let k = 0; k < classes; k++) scores[k] = scores[k]! + x * weights[row + k]!;
  }
  return scores;
}

/** A class that a uniform number draws from the softmax of scores, the label's own left out. */
export function otherClass(scores: Float64Array, label: number, uniform: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const [k, score] of scores.entries()) if (k !== label && score > most) most = score;
  const weights = scores.map((score, k) => (k === label ? 0 : Math.exp(score - most)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return drawFrom(weights, uniform, total);
}
