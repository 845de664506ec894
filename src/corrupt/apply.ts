import {
  type CorruptionConfig,
  changesLabels,
  type LabelCorruption,
  type PixelCorruption,
} from '../config/corruptions.js';
import type { ChannelStatistics, DatasetInfo, ImageSize, Split, SplitName } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import { LABEL_KINDS, type LabelLaw, PIXEL_KINDS } from './kinds.js';
import type { LabelFile } from './label-file.js';
import { multiply, symmetric, type TransitionMatrix } from './transition.js';

/** What a label corruption drew for one example. */
export interface LabelDraw {
  /** Whether the example was selected; its label may still come out the same. */
  drawn: boolean;
  /** The label after the corruption. */
  label: number;
}

/** Labels that are given by files, by the corruption that names the file. */
export type GivenFiles = ReadonlyMap<CorruptionConfig, LabelFile>;

/** Reads the label files of a config. @throws RethinkError as `readLabelFile`. */
export async function readGivenFiles(
  corruptions: readonly CorruptionConfig[],
  info: DatasetInfo,
): Promise<GivenFiles> {
  const files = new Map<CorruptionConfig, LabelFile>();
  for (const corruption of corruptions.filter(changesLabels)) {
    const row = LABEL_KINDS[corruption.kind];
    if (row.by === 'file') files.set(corruption, await row.load(corruption, info));
  }
  return files;
}

/**
 * Prepares a label corruption for the examples of a split: for a position among them and the label before, what is drawn.
 *
 * @param files What `readGivenFiles` read.
 * @throws RethinkError: `usage` where the kind isn't defined for these classes; as `labelsFrom`.
 */
export function labelCorruption(
  corruption: LabelCorruption,
  seed: number,
  split: SplitName,
  info: DatasetInfo,
  { indices, labels: trueLabels }: Pick<Split, 'indices' | 'labels'>,
  files: GivenFiles,
): (position: number, label: number) => LabelDraw {
  const row = LABEL_KINDS[corruption.kind];
  if (row.by === 'file') {
    const file = files.get(corruption);
    if (file === undefined) throw new Error(`${corruption.kind} was not read before it was used`);
    const given = row.labels(file, split, info, indices, trueLabels);
    return (position, before) => {
      const label = given?.[position] ?? before;
      return { drawn: label !== before, label };
    };
  }
  requireClasses(corruption.kind, row, info.classes);
  const classes = info.classes.length;
  return (position, label) =>
    drawLabel(row, corruption.fraction, seed, split, indices[position]!, label, classes);
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
  classes: number,
): LabelDraw {
  const random = new Random(seed, `labels/${law.stream}/${split}`, index);
  const drawn = random.uniform() < fraction;
  return { drawn, label: drawn ? law.replace(random, label, classes) : label };
}

function requireClasses(kind: string, { needs }: LabelLaw, found: readonly string[]): void {
  if (typeof needs === 'number') {
    if (found.length >= needs) return;
    const why = `needs at least ${needs} classes, and the data has ${found.length}`;
    throw new RethinkError('usage', `${kind} ${why}.`);
  }
  const { dataset, classes } = needs;
  if (found.length === classes.length && found.every((name, i) => name === classes[i])) return;
  const first = found.slice(0, 3).join(', ');
  throw new RethinkError(
    'usage',
    `${kind} is defined on the classes of ${dataset}, not on ${found.length} classes (${first}, …).`,
    { hint: 'Use flip-labels, or labels from a file: corruption.kind=label-file.' },
  );
}

/** Whether how the labels change is known without counting. */
export function followsLaws(corruptions: readonly CorruptionConfig[]): boolean {
  return corruptions.filter(changesLabels).every(({ kind }) => LABEL_KINDS[kind].by === 'law');
}

/**
 * The matrix that a list of corruptions stands for: the product, in order, of those of its laws. Pixel corruptions leave
 * labels alone. Labels that are given follow no law ({@link followsLaws}): `empiricalTransition` counts them.
 */
export function transitionMatrix(
  corruptions: readonly CorruptionConfig[],
  classes: number,
): TransitionMatrix {
  return corruptions.filter(changesLabels).reduce(
    (before, { kind, fraction }) => {
      const law = LABEL_KINDS[kind];
      if (law.by !== 'law') throw new TypeError(`${kind} follows no law: its matrix is counted`);
      return multiply(before, law.transition(fraction, classes));
    },
    symmetric(1, classes),
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
