import {
  type CorruptionConfig,
  changesPixels,
  type PixelCorruption,
} from '../config/corruptions.js';
import {
  type Dataset,
  type DatasetInfo,
  type Images,
  isStored,
  type SplitName,
  type StoredCorruption,
} from '../data/types.js';
import { RethinkError } from '../errors.js';
import { corruptLabels, type Given, pixelCorruption, selectsImage } from './apply.js';
import type { CorruptedDataset, CorruptedSplit } from './types.js';

export { corruptLabels, followsLaws, type Given, readGiven, transitionMatrix } from './apply.js';
export type { LabelSource } from './kinds.js';
export {
  type CorruptionSummary,
  HASHED_IMAGES,
  type SplitSummary,
  summarizeCorruption,
  summarizeWith,
} from './summary.js';
export { empiricalTransition, type TransitionMatrix } from './transition.js';
export type { CorruptedDataset, CorruptedSplit } from './types.js';

/**
 * Applies corruptions in order to both splits. The source isn't written to; arrays that stay as they are are shared
 * with it. Test labels stay true; what they would be is in `test.corruptedLabels`. Images on a disk are corrupted when they
 * are read.
 *
 * @param seed `seeds.corruption`.
 * @param given What `readGiven` read, for kinds that need it.
 * @throws RethinkError: `usage` where a kind is listed twice, or isn't defined for the data's classes; as `labelsFrom`.
 */
export function corruptDataset<I extends Images = Uint8Array>(
  dataset: Dataset<I>,
  corruptions: readonly CorruptionConfig[],
  seed: number,
  given: Given = new Map(),
): CorruptedDataset<I> {
  refuseRepeats(corruptions);
  const corrupted = (split: SplitName) => {
    const source = dataset[split];
    const labels = corruptLabels(source, split, corruptions, seed, dataset.info, given);
    const pixels = corruptImages(dataset, split, corruptions, seed);
    return { ...labels, ...pixels, indices: source.indices, count: source.count };
  };
  const train = corrupted('train');
  const test = corrupted('test');
  return {
    info: dataset.info,
    train: { ...train, labels: train.corruptedLabels },
    test: { ...test, labels: test.trueLabels },
  };
}

/** An example has one draw per kind, so a second one of the kind would silently do nothing. */
function refuseRepeats(corruptions: readonly CorruptionConfig[]): void {
  const seen = new Set<string>();
  for (const { kind } of corruptions) {
    if (seen.has(kind)) {
      throw new RethinkError('usage', `corruption lists ${kind} twice.`, {
        hint: 'Each kind is drawn once per example: list it once, with a larger fraction if need be.',
      });
    }
    seen.add(kind);
  }
}

/**
 * 1 where the label that is used differs from the true one, or the image was corrupted, [count]: the noisy part of a split
 * (randY and randX of Arpit 2017).
 */
export function corruptedExamples({
  labels,
  trueLabels,
  pixelsCorrupted,
}: Pick<CorruptedSplit<Images>, 'labels' | 'trueLabels' | 'pixelsCorrupted'>): Uint8Array {
  return pixelsCorrupted.map((image, i) => (image === 1 || labels[i] !== trueLabels[i] ? 1 : 0));
}

function corruptImages<I extends Images>(
  { info, statistics, ...splits }: Dataset<I>,
  split: SplitName,
  corruptions: readonly CorruptionConfig[],
  seed: number,
): { images: I; pixelsCorrupted: Uint8Array } {
  const { images, indices, count } = splits[split];
  const pixelsCorrupted = new Uint8Array(count);
  const active = corruptions.filter(changesPixels);
  if (active.length === 0) return { images, pixelsCorrupted };
  for (let i = 0; i < count; i++) {
    const selects = (each: PixelCorruption) => selectsImage(each, seed, split, indices[i]!);
    if (active.some(selects)) pixelsCorrupted[i] = 1;
  }
  const corruption = { corruptions: active, seed, split, statistics, indices };
  const corrupted: Images = isStored(images)
    ? { ...images, corruption }
    : corruptedCopy(images, info, corruption);
  return { images: corrupted as I, pixelsCorrupted };
}

function corruptedCopy(
  source: Uint8Array,
  info: DatasetInfo,
  { corruptions, seed, split, statistics, indices }: StoredCorruption,
): Uint8Array {
  const images = source.slice();
  const size = info.height * info.width * info.channels;
  const changes = corruptions.map((each) => pixelCorruption(each, seed, info, statistics));
  for (let i = 0; i < indices.length; i++) {
    const image = images.subarray(i * size, (i + 1) * size);
    for (const change of changes) change(image, split, indices[i]!);
  }
  return images;
}
