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
  { train, test }: DivisionConfig,
  seed: number,
): { train: Split; test: Split } {
  const order = new Random(seed, 'data/split').permutation(all.count);
  const take = (from: number, to: number) => takeExamples(all, order.slice(from, to).sort());
  return { train: take(0, train), test: take(train, train + test) };
}

/** @throws RethinkError (`usage`) where more examples are asked for than the half has. */
export function checkDivision({ from, train, test }: DivisionConfig, info: DatasetInfo): void {
  const count = info.counts[from];
  if (train + test <= count) return;
  throw new RethinkError(
    'usage',
    `data.split asks for ${grouped(train)} + ${grouped(test)} examples, but the ${from} half of ${info.name} has ${grouped(count)}.`,
    { hint: `Take at most ${count} together.` },
  );
}
