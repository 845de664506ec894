import type { CorruptionConfig } from '../config/resolve.js';
import {
  type Dataset,
  type DatasetInfo,
  type Images,
  isStored,
  type Split,
  type SplitName,
  type StoredCorruption,
} from '../data/types.js';
import { RethinkError } from '../errors.js';
import { requireCifar10 } from './asymmetric.js';
import { readLabelFile } from './label-file.js';
import { drawLabel, isLabelCorruption } from './labels.js';
import { pixelCorruption, selectsImage } from './pixels.js';
import type { CorruptedDataset } from './types.js';

export { corruptLabel, drawLabel, isLabelCorruption, type LabelDraw } from './labels.js';
export { type PixelCorruption, pixelCorruption } from './pixels.js';
export {
  type CorruptionSummary,
  HASHED_IMAGES,
  type SplitSummary,
  summarizeCorruption,
  summarizeWith,
} from './summary.js';
export { empiricalTransition, type TransitionMatrix, transitionMatrix } from './transition.js';
export type { CorruptedDataset, CorruptedSplit } from './types.js';

/**
 * Applies corruptions in order to both splits. The source isn't written to; arrays that stay as they are are shared
 * with it. Test labels stay true; what they would be is in `test.corruptedLabels`. Images on a disk are corrupted when they
 * are read.
 *
 * @param seed `seeds.corruption`.
 * @throws RethinkError (`usage`) where a kind is listed twice, or flips labels of a single class.
 */
export function corruptDataset<I extends Images = Uint8Array>(
  dataset: Dataset<I>,
  corruptions: readonly CorruptionConfig[],
  seed: number,
): CorruptedDataset<I> {
  refuseRepeats(corruptions);
  const corrupted = (split: SplitName) => {
    const source = dataset[split];
    const labels = corruptLabels(source, split, corruptions, seed, dataset.info);
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

function corruptLabels(
  source: Omit<Split, 'images'>,
  split: SplitName,
  corruptions: readonly CorruptionConfig[],
  seed: number,
  info: DatasetInfo,
) {
  const trueLabels = source.labels;
  const labelDrawn = new Uint8Array(source.count);
  const labelChanged = new Uint8Array(source.count);
  const active = corruptions.filter(({ kind }) => isLabelCorruption(kind));
  if (active.length === 0) {
    return { trueLabels, corruptedLabels: trueLabels, labelDrawn, labelChanged };
  }
  const classes = info.classes.length;
  const given = labelsGiven(active, split, info, source.indices);
  const corruptedLabels = trueLabels.slice();
  for (let i = 0; i < source.count; i++) {
    for (const corruption of active) {
      const before = corruptedLabels[i]!;
      if (corruption.kind === 'label-file') {
        corruptedLabels[i] = given?.[i] ?? before;
        if (corruptedLabels[i] !== before) labelDrawn[i] = 1;
        continue;
      }
      const draw = drawLabel(corruption, seed, split, source.indices[i]!, before, classes);
      corruptedLabels[i] = draw.label;
      if (draw.drawn) labelDrawn[i] = 1;
    }
    if (corruptedLabels[i] !== trueLabels[i]) labelChanged[i] = 1;
  }
  return { trueLabels, corruptedLabels, labelDrawn, labelChanged };
}

/** The labels of a file, [indices.length]; a file is of the training set alone. */
function labelsGiven(
  active: readonly CorruptionConfig[],
  split: SplitName,
  info: DatasetInfo,
  indices: Uint32Array,
): Int32Array | undefined {
  if (active.some(({ kind }) => kind === 'asymmetric-flips')) requireCifar10(info.classes);
  const file = active.find(({ kind }) => kind === 'label-file')?.file;
  return file === undefined || split === 'test' ? undefined : readLabelFile(file, info, indices);
}

function corruptImages<I extends Images>(
  { info, statistics, ...splits }: Dataset<I>,
  split: SplitName,
  corruptions: readonly CorruptionConfig[],
  seed: number,
): { images: I; pixelsCorrupted: Uint8Array } {
  const { images, indices, count } = splits[split];
  const pixelsCorrupted = new Uint8Array(count);
  const active = corruptions.filter(({ kind }) => !isLabelCorruption(kind));
  if (active.length === 0) return { images, pixelsCorrupted };
  for (let i = 0; i < count; i++) {
    const selects = (each: CorruptionConfig) => selectsImage(each, seed, split, indices[i]!);
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
