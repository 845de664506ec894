import { canonicalJson } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import type { CorruptedSplit } from '../corrupt/index.js';
import { takeStored } from '../data/stored/stored.js';
import { takeExamples } from '../data/subset.js';
import { type Images, isStored, type Split } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import { grouped } from '../text.js';
import type { PreparedData, PrepareOptions, Shelf } from './prepared.js';

/** A member of `experiment: memorization`, from 1. */
interface Member {
  member: number;
  /** Of the training set. */
  fraction: number;
  /** `seeds.data`. */
  seed: number;
}

/**
 * Which examples a member is trained on: the first of a random order that is its own (Feldman & Zhang 2020, section 3.1), the
 * same for every corruption.
 *
 * @returns 1 for each of them, [count].
 * @throws RethinkError (`usage`) where that is none, or all.
 */
export function includedExamples(count: number, { member, fraction, seed }: Member): Uint8Array {
  const size = Math.round(fraction * count);
  if (size === 0 || size === count) {
    const what = size === 0 ? 'none' : 'all';
    throw new RethinkError(
      'usage',
      `memorization.fraction is ${fraction}, which of ${grouped(count)} training examples is ${what}.`,
      { hint: 'Every network needs examples that it is trained on, and others that it is not.' },
    );
  }
  const included = new Uint8Array(count);
  const order = new Random(seed, 'memorization/part', member).permutation(count);
  for (const at of order.subarray(0, size)) included[at] = 1;
  return included;
}

/** The same data with the part of its training set that a member is trained on. */
export function partOf(data: PreparedData<Images>, member: Member): PreparedData<Images> {
  const { train, test } = data.data;
  const included = includedExamples(train.count, member);
  const positions = Uint32Array.from(train.labels.keys()).filter((at) => included[at] === 1);
  return {
    ...data,
    data: { info: data.data.info, train: taken(train, positions), test },
    whole: { split: train, included },
  };
}

/** The examples of a split at these positions; source indices stay. */
function taken(split: CorruptedSplit<Images>, positions: Uint32Array): CorruptedSplit<Images> {
  const labels = (of: Int32Array) => Int32Array.from(positions, (at) => of[at]!);
  const flags = (of: Uint8Array) => Uint8Array.from(positions, (at) => of[at]!);
  return {
    ...takeImages(split, positions),
    trueLabels: labels(split.trueLabels),
    corruptedLabels: labels(split.corruptedLabels),
    labelDrawn: flags(split.labelDrawn),
    labelChanged: flags(split.labelChanged),
    pixelsCorrupted: flags(split.pixelsCorrupted),
  };
}

function takeImages(split: Split<Images>, positions: Uint32Array): Split<Images> {
  const { images } = split;
  if (!isStored(images)) return takeExamples({ ...split, images }, positions);
  const part = takeStored({ ...split, images }, positions);
  const { corruption } = images;
  if (corruption === undefined) return part;
  // It goes by the indices of the images that it is laid over.
  return {
    ...part,
    images: { ...part.images, corruption: { ...corruption, indices: part.indices } },
  };
}

/**
 * The data of the last member, as it is before a part of it is taken: the next one of the same process has the same. Of others
 * nothing is kept, so that two data sets are never held at once.
 */
export class DataShelf implements Shelf {
  private kept: { key: string; data: PreparedData<Images> } | undefined;

  /** @param open Called where the data isn't that of the last member. */
  async of(
    config: Config,
    options: PrepareOptions,
    open: (config: Config, options: PrepareOptions) => Promise<PreparedData<Images>>,
  ): Promise<PreparedData<Images>> {
    const { data, corruption, seeds } = config;
    const { dataDir, streamed } = options;
    const drawn = { data: seeds.data, corruption: seeds.corruption };
    const key = canonicalJson({ data, corruption, drawn, dataDir, streamed });
    if (this.kept?.key !== key) {
      this.kept = undefined;
      this.kept = { key, data: await open(config, options) };
    }
    return this.kept.data;
  }
}
