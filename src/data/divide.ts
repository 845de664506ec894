import type { Config } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import { grouped } from '../text.js';
import { takeExamples } from './subset.js';
import type { DatasetInfo, Split } from './types.js';

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
