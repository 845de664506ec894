import type { CorruptionConfig } from '../config/resolve.js';
import type { Dataset, DatasetInfo, Split, SplitName } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { requireCifar10 } from './asymmetric.js';
import { readLabelFile } from './label-file.js';
import { drawLabel, isLabelCorruption } from './labels.js';
import { pixelCorruption } from './pixels.js';
import type { CorruptedDataset } from './types.js';

export { corruptLabel, drawLabel, isLabelCorruption, type LabelDraw } from './labels.js';
export { type PixelCorruption, pixelCorruption } from './pixels.js';
export { type CorruptionSummary, type SplitSummary, summarizeCorruption } from './summary.js';
export { empiricalTransition, type TransitionMatrix, transitionMatrix } from './transition.js';
export type { CorruptedDataset, CorruptedSplit } from './types.js';

/**
 * Applies corruptions in order to both splits. The source isn't written to; arrays that stay as they are are shared
 * with it. Test labels stay true; what they would be is in `test.corruptedLabels`.
 *
 * @param seed `seeds.corruption`.
 * @throws RethinkError (`usage`) where a kind is listed twice, or flips labels of a single class.
 */
export function corruptDataset(
  dataset: Dataset,
  corruptions: readonly CorruptionConfig[],
  seed: number,
): CorruptedDataset {
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
  source: Split,
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
  const given = labelsGiven(active, split, info);
  const corruptedLabels = trueLabels.slice();
  for (let i = 0; i < source.count; i++) {
    for (const corruption of active) {
      const before = corruptedLabels[i]!;
      if (corruption.kind === 'label-file') {
        corruptedLabels[i] = given?.[source.indices[i]!] ?? before;
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

/** The labels of a file, by source index; a file is of the training set alone. */
function labelsGiven(
  active: readonly CorruptionConfig[],
  split: SplitName,
  info: DatasetInfo,
): Int32Array | undefined {
  if (active.some(({ kind }) => kind === 'asymmetric-flips')) requireCifar10(info.classes);
  const file = active.find(({ kind }) => kind === 'label-file')?.file;
  return file === undefined || split === 'test' ? undefined : readLabelFile(file, info);
}

function corruptImages(
  { info, statistics, ...splits }: Dataset,
  split: SplitName,
  corruptions: readonly CorruptionConfig[],
  seed: number,
) {
  const source = splits[split];
  const pixelsCorrupted = new Uint8Array(source.count);
  const active = corruptions.filter(({ kind }) => !isLabelCorruption(kind));
  if (active.length === 0) return { images: source.images, pixelsCorrupted };
  const images = source.images.slice();
  const size = info.height * info.width * info.channels;
  const changes = active.map((corruption) => pixelCorruption(corruption, seed, info, statistics));
  for (let i = 0; i < source.count; i++) {
    const image = images.subarray(i * size, (i + 1) * size);
    for (const change of changes) {
      if (change(image, split, source.indices[i]!)) pixelsCorrupted[i] = 1;
    }
  }
  return { images, pixelsCorrupted };
}
