import {
  type CorruptionConfig,
  type CorruptionKind,
  filledIn,
  type LabelCorruption,
} from '../../src/config/corruptions.js';
import { drawLabel, type LabelDraw } from '../../src/corrupt/apply.js';
import { type CorruptedDataset, corruptDataset, readGiven } from '../../src/corrupt/index.js';
import { LABEL_KINDS } from '../../src/corrupt/kinds.js';
import { labelSource } from '../../src/corrupt/label-source.js';
import type { Dataset, Split, SplitName } from '../../src/data/types.js';
import { Random } from '../../src/random.js';

/** A corruption with the defaults that the config would fill in. */
export function corruption<K extends CorruptionKind>(
  kind: K,
  rest: Partial<CorruptionConfig> = {},
): CorruptionConfig & { kind: K } {
  return { ...filledIn(kind, rest), kind };
}

/** A data set after corruption, with what its kinds read first. */
export async function corrupted(
  dataset: Dataset,
  list: readonly CorruptionConfig[],
  seed: number,
): Promise<CorruptedDataset> {
  return corruptDataset(dataset, list, seed, await readGiven(list, seed, labelSource(dataset)));
}

/** Names for so many classes. */
export const classNames = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** What a kind that has a law draws for one example. */
export function draw(
  { kind, fraction }: LabelCorruption,
  seed: number,
  split: SplitName,
  index: number,
  label: number,
  classes: number,
): LabelDraw {
  const row = LABEL_KINDS[kind];
  if (row.by !== 'classes') throw new TypeError(`${kind} has something to read first`);
  return drawLabel(row.law(kind, classNames(classes)), fraction, seed, split, index, label);
}

/** Random images of 5×4 pixels; source indices with gaps, as a subset has them. */
export function randomDataset(counts: { train: number; test: number }, channels = 3): Dataset {
  const split = (name: 'train' | 'test'): Split => {
    const count = counts[name];
    const random = new Random(9, `test data/${name}`);
    return {
      images: Uint8Array.from({ length: count * 20 * channels }, () => random.integer(256)),
      labels: Int32Array.from({ length: count }, () => random.integer(10)),
      indices: Uint32Array.from({ length: count }, (_, i) => 3 * i + 1),
      count,
    };
  };
  return {
    info: {
      name: 'random',
      height: 5,
      width: 4,
      channels,
      classes: [...'0123456789'],
      counts,
      origin: 'generated',
    },
    train: split('train'),
    test: split('test'),
    statistics: { mean: [60, 128, 190].slice(0, channels), variance: [900, 2500, 400] },
    hash: '',
  };
}

/** Copies the examples at these positions, in this order. */
export function subset(split: Split, positions: number[]): Split {
  const bytes = split.images.length / split.count;
  const images = new Uint8Array(positions.length * bytes);
  positions.forEach((p, i) => {
    images.set(split.images.subarray(p * bytes, (p + 1) * bytes), i * bytes);
  });
  return {
    images,
    labels: Int32Array.from(positions, (p) => split.labels[p]!),
    indices: Uint32Array.from(positions, (p) => split.indices[p]!),
    count: positions.length,
  };
}

/** Pearson's statistic of counts against expected counts. */
export function chiSquared(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - expected[i]!) ** 2 / expected[i]!, 0);
}
