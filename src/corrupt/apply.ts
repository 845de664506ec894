import {
  type CorruptionConfig,
  changesLabels,
  type LabelCorruption,
  type PixelCorruption,
} from '../config/corruptions.js';
import type {
  ChannelStatistics,
  DatasetInfo,
  ImageSize,
  SplitLabels,
  SplitName,
} from '../data/types.js';
import { Random } from '../random.js';
import { type GivenLabels, LABEL_KINDS, type LabelSource, PIXEL_KINDS } from './kinds.js';
import type { LabelLaw } from './laws.js';
import { multiply, symmetric, type TransitionMatrix } from './transition.js';

/** What a label corruption drew for one example. */
export interface LabelDraw {
  /** Whether the example was selected; its label may still come out the same. */
  drawn: boolean;
  /** The label after the corruption. */
  label: number;
}

/** What kinds have read of a data set, by the corruption that asked for it. */
export type Given = ReadonlyMap<CorruptionConfig, LabelLaw | GivenLabels>;

/** What those need that have nothing to read. */
const NOTHING: Given = new Map();

/**
 * Reads what corruptions of labels need beside labels: files, and images that labels depend on.
 *
 * @param seed `seeds.corruption`.
 * @throws RethinkError: `usage` where a kind isn't defined for the data, `data` where a file or an image can't be read,
 *   `interrupted`.
 */
export async function readGiven(
  corruptions: readonly CorruptionConfig[],
  seed: number,
  source: LabelSource,
): Promise<Given> {
  const given = new Map<CorruptionConfig, LabelLaw | GivenLabels>();
  for (const [i, corruption] of corruptions.entries()) {
    if (!changesLabels(corruption)) continue;
    const row = LABEL_KINDS[corruption.kind];
    if (row.by === 'classes') continue;
    const before = (split: SplitName) => {
      const { info, splits } = source;
      const earlier = corruptions.slice(0, i);
      return corruptLabels(splits[split]!, split, earlier, seed, info, given).corruptedLabels;
    };
    given.set(corruption, await row.read(corruption, source, seed, before));
  }
  return given;
}

/** How a corruption changes labels. @throws RethinkError (`usage`) where its kind isn't defined for these classes. */
function changeOf(
  corruption: LabelCorruption,
  classes: readonly string[],
  given: Given,
): LabelLaw | GivenLabels {
  const row = LABEL_KINDS[corruption.kind];
  if (row.by === 'classes') return row.law(corruption.kind, classes);
  const read = given.get(corruption);
  if (read === undefined) throw new Error(`${corruption.kind} was not read before it was used`);
  return read;
}

const isLaw = (change: LabelLaw | GivenLabels): change is LabelLaw => 'replace' in change;

/**
 * The labels of a split under corruptions, in order: all that `corruptDataset` does but for images.
 *
 * @param info Of the source. @param given What `readGiven` read.
 * @returns Arrays [count], as in `CorruptedSplit`.
 * @throws RethinkError as `corruptDataset`.
 */
export function corruptLabels(
  source: SplitLabels,
  split: SplitName,
  corruptions: readonly CorruptionConfig[],
  seed: number,
  info: DatasetInfo,
  given: Given = NOTHING,
) {
  const trueLabels = source.labels;
  const labelDrawn = new Uint8Array(source.count);
  const labelChanged = new Uint8Array(source.count);
  const draws = corruptions
    .filter(changesLabels)
    .map((each) => labelCorruption(each, seed, split, info, source, given));
  if (draws.length === 0) {
    return { trueLabels, corruptedLabels: trueLabels, labelDrawn, labelChanged };
  }
  const corruptedLabels = trueLabels.slice();
  for (let i = 0; i < source.count; i++) {
    for (const draw of draws) {
      const { drawn, label } = draw(i, corruptedLabels[i]!);
      corruptedLabels[i] = label;
      if (drawn) labelDrawn[i] = 1;
    }
    if (corruptedLabels[i] !== trueLabels[i]) labelChanged[i] = 1;
  }
  return { trueLabels, corruptedLabels, labelDrawn, labelChanged };
}

/** Prepares a label corruption for a split: for a position in it and the label before, what is drawn. */
function labelCorruption(
  corruption: LabelCorruption,
  seed: number,
  split: SplitName,
  info: DatasetInfo,
  source: SplitLabels,
  given: Given,
): (position: number, label: number) => LabelDraw {
  const change = changeOf(corruption, info.classes, given);
  if (isLaw(change)) {
    const { indices } = source;
    return (position, label) =>
      drawLabel(change, corruption.fraction, seed, split, indices[position]!, label);
  }
  const labels = change.labels(split, source);
  return (position, before) => {
    const label = labels?.[position] ?? -1;
    return label < 0 || label === before ? { drawn: false, label: before } : { drawn: true, label };
  };
}

/**
 * Draws one example's label: a pure function of its arguments.
 *
 * The number that decides and the class that replaces don't depend on `fraction`: for one seed, the labels corrupted at
 * 0.3 are among those corrupted at 0.5 and get the same classes, so that curves over `fraction` are less noisy.
 *
 * @param index The example's position in its source, not in a subset.
 * @param label Class before the corruption, 0…classes−1.
 */
export function drawLabel(
  law: LabelLaw,
  fraction: number,
  seed: number,
  split: SplitName,
  index: number,
  label: number,
): LabelDraw {
  const random = new Random(seed, `labels/${law.stream}/${split}`, index);
  const drawn = random.uniform() < fraction;
  return { drawn, label: drawn ? law.replace(random, label) : label };
}

/** Whether how the labels change is known without counting. */
export function followsLaws(
  corruptions: readonly CorruptionConfig[],
  classes: readonly string[],
  given: Given = NOTHING,
): boolean {
  return corruptions.filter(changesLabels).every((each) => isLaw(changeOf(each, classes, given)));
}

/**
 * The matrix that a list of corruptions stands for: the product, in order, of those of its laws. Pixel corruptions leave
 * labels alone. Labels that are given follow no law ({@link followsLaws}): `empiricalTransition` counts them.
 */
export function transitionMatrix(
  corruptions: readonly CorruptionConfig[],
  classes: readonly string[],
  given: Given = NOTHING,
): TransitionMatrix {
  return corruptions.filter(changesLabels).reduce(
    (before, corruption) => {
      const law = changeOf(corruption, classes, given);
      if (!isLaw(law))
        throw new TypeError(`${corruption.kind} follows no law: its matrix is counted`);
      return multiply(before, law.transition(corruption.fraction));
    },
    symmetric(1, classes.length),
  );
}

/**
 * Prepares a pixel corruption (Zhang2017, section 2): it corrupts one image, bytes [height, width, channels], in place,
 * and says whether it was selected. What comes out is a pure function of the corruption, its seed, the split, the source
 * index and the image.
 *
 * With `fraction` < 1 each image is selected on its own with that probability (randX of Arpit 2017), at 0.3 a subset of
 * those at 0.5.
 *
 * @param statistics Of the full training set, as published: before any corruption, whatever subset is used.
 */
export function pixelCorruption(
  corruption: PixelCorruption,
  seed: number,
  size: ImageSize,
  statistics: ChannelStatistics,
): (image: Uint8Array, split: SplitName, index: number) => boolean {
  const change = PIXEL_KINDS[corruption.kind](corruption, seed, size, statistics);
  return (image, split, index) => {
    if (!selectsImage(corruption, seed, split, index)) return false;
    change(image, split, index);
    return true;
  };
}

/** Whether a pixel corruption selects an image: known without the image. */
export function selectsImage(
  { kind, fraction }: PixelCorruption,
  seed: number,
  split: SplitName,
  index: number,
): boolean {
  return new Random(seed, `pixels/${kind}/selected/${split}`, index).uniform() < fraction;
}
