import type { Config } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import { grouped } from '../text.js';
import type { DatasetInfo, Split, SplitName } from './types.js';

/**
 * Positions of the examples that a seeded, class-balanced subset holds, in order.
 *
 * Examples have a rank within their class that depends on (seed, split, index) alone; classes take turns in a seeded
 * order, each giving its next example. The subset is the first `limit` of that sequence: class counts differ by at most
 * one while no class runs out, and a smaller subset lies within a larger one.
 *
 * @param all The full split: true classes and source indices.
 */
export function balancedSubset(
  { labels, indices }: Pick<Split, 'labels' | 'indices'>,
  classes: number,
  limit: number,
  seed: number,
  split: SplitName,
): Uint32Array {
  const ranked: { at: number; rank: number }[][] = Array.from({ length: classes }, () => []);
  for (const [at, label] of labels.entries()) {
    const rank = new Random(seed, `subset/${split}`, indices[at]!).uniform();
    ranked[label]!.push({ at, rank });
  }
  for (const list of ranked) list.sort((a, b) => a.rank - b.rank || a.at - b.at);
  const turns = new Random(seed, `subset-classes/${split}`).permutation(classes);
  const chosen = new Uint32Array(limit);
  for (let round = 0, n = 0; n < limit; round++) {
    for (const label of turns) {
      const next = ranked[label]![round];
      if (next !== undefined && n < limit) chosen[n++] = next.at;
    }
  }
  return chosen.sort();
}

/** The examples of a split at these positions, as a split of their own; source indices stay. */
export function takeExamples(split: Split, positions: Uint32Array): Split {
  const bytes = split.images.length / split.count;
  const images = new Uint8Array(positions.length * bytes);
  for (const [i, at] of positions.entries()) {
    images.set(split.images.subarray(at * bytes, (at + 1) * bytes), i * bytes);
  }
  return {
    images,
    labels: Int32Array.from(positions, (at) => split.labels[at]!),
    indices: Uint32Array.from(positions, (at) => split.indices[at]!),
    count: positions.length,
  };
}

/** @throws RethinkError (`usage`) where more examples are asked for than there are. */
export function checkLimit(
  key: string,
  limit: number | undefined,
  count: number,
  name: string,
): void {
  if (limit === undefined || limit <= count) return;
  throw new RethinkError(
    'usage',
    `${key} is ${grouped(limit)}, but ${name} has ${grouped(count)} ${key.endsWith('testLimit') ? 'test' : 'training'} examples.`,
    { hint: `Take at most ${count}, or leave ${key} out to use all.` },
  );
}

export type DivisionConfig = NonNullable<Config['data']['split']>;

/**
 * A training and a test set from one split, by a seeded permutation: no example is in both, and class frequencies are
 * those of chance. Each in order of index, with its source indices.
 */
export function divide(
  all: Split,
  division: DivisionConfig,
  seed: number,
): { train: Split; test: Split } {
  const { train, test } = dividedPositions(all.count, division, seed);
  return { train: takeExamples(all, train), test: takeExamples(all, test) };
}

function dividedPositions(
  count: number,
  { train, test }: DivisionConfig,
  seed: number,
): Record<SplitName, Uint32Array> {
  const order = new Random(seed, 'data/split').permutation(count);
  const take = (from: number, to: number) => order.slice(from, to).sort();
  return { train: take(0, train), test: take(train, train + test) };
}

/**
 * Positions of the examples that a run uses of a split: known without images.
 *
 * @param all The split of the source, or with `data.split` the half that it divides.
 * @param seed `seeds.data`.
 * @throws RethinkError (`usage`) where the config asks for more than there is.
 */
export function usedPositions(
  all: Pick<Split, 'labels' | 'indices' | 'count'>,
  info: DatasetInfo,
  data: Config['data'],
  split: SplitName,
  seed: number,
): Uint32Array {
  if (data.split !== undefined) {
    checkDivision(data, data.split, info);
    return dividedPositions(all.count, data.split, seed)[split];
  }
  const key = split === 'train' ? 'limit' : 'testLimit';
  const limit = data[key];
  checkLimit(`data.${key}`, limit, info.counts[split], info.name);
  if (limit === undefined || limit === all.count) {
    return Uint32Array.from({ length: all.count }, (_, i) => i);
  }
  return balancedSubset(all, info.classes.length, limit, seed, split);
}

/** @throws RethinkError (`usage`) where more examples are asked for than the half has, or limits are given as well. */
export function checkDivision(
  { limit, testLimit }: Pick<Config['data'], 'limit' | 'testLimit'>,
  { from, train, test }: DivisionConfig,
  info: DatasetInfo,
): void {
  if (limit !== undefined || testLimit !== undefined) {
    const key = limit === undefined ? 'testLimit' : 'limit';
    throw new RethinkError('usage', `data.${key} and data.split are both given.`, {
      hint: `Leave data.${key} out: data.split says how many examples are used.`,
    });
  }
  const count = info.counts[from];
  if (train + test <= count) return;
  throw new RethinkError(
    'usage',
    `data.split asks for ${grouped(train)} + ${grouped(test)} examples, but the ${from} half of ${info.name} has ${grouped(count)}.`,
    { hint: `Take at most ${count} together.` },
  );
}
