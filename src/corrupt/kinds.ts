import type { CorruptionConfig, LabelKind, PixelKind } from '../config/corruptions.js';
import { CIFAR10_CLASSES } from '../data/published/classes.js';
import type { DatasetInfo, SplitName } from '../data/types.js';
import type { Random } from '../random.js';
import { type LabelFile, labelsFrom, readLabelFile } from './label-file.js';
import { gaussianPixels, type PreparePixels, randomPixels, shuffledPixels } from './pixels.js';
import { square, symmetric, type TransitionMatrix } from './transition.js';

/** Labels that are drawn one by one, by a law that is known. */
export interface LabelLaw {
  by: 'law';
  /** Names its random numbers: those of `labels/STREAM/SPLIT`. */
  stream: string;
  /** The class that replaces an example's. Its draws don't depend on `fraction`. */
  replace(random: Random, label: number, classes: number): number;
  /** T, where each example is drawn with probability `fraction`. */
  transition(fraction: number, classes: number): TransitionMatrix;
  /** The fewest classes that it is defined for, or the classes of the one data set. */
  needs: number | { dataset: string; classes: readonly string[] };
}

/** Labels that are given: how they change can only be counted. */
export interface GivenLabels {
  by: 'file';
  /** Reads them from the disk. @throws RethinkError as `readLabelFile`. */
  load(corruption: CorruptionConfig, info: DatasetInfo): Promise<LabelFile>;
  /** @returns [indices.length]; `undefined` for a split that no labels are given for. */
  labels(
    file: LabelFile,
    split: SplitName,
    info: DatasetInfo,
    indices: Uint32Array,
    trueLabels: Int32Array,
  ): Int32Array | undefined;
}

/** A class uniform over all classes, the example's own among them (Zhang2017, section 2). */
const uniform: LabelLaw = {
  by: 'law',
  stream: 'replace',
  replace: (random, _, classes) => random.integer(classes),
  transition: (fraction, classes) => symmetric(1 - fraction + fraction / classes, classes),
  needs: 1,
};

/** Classes of CIFAR-10 that people mistake for others (Patrini 2017): truck → automobile, cat ↔ dog … */
const MISTAKEN: Record<string, string> = {
  truck: 'automobile',
  bird: 'airplane',
  cat: 'dog',
  dog: 'cat',
  deer: 'horse',
};
/** The class that each class of CIFAR-10 may be taken for; itself where it never is. */
const MISTAKEN_FOR = CIFAR10_CLASSES.map((name) => CIFAR10_CLASSES.indexOf(MISTAKEN[name] ?? name));

/** What each kind does to labels. */
export const LABEL_KINDS: Record<LabelKind, LabelLaw | GivenLabels> = {
  'partial-labels': uniform,
  // From the same draws: it is partial-labels at fraction 1.
  'random-labels': uniform,
  'flip-labels': {
    by: 'law',
    stream: 'flip',
    replace(random, label, classes) {
      const other = random.integer(classes - 1);
      return other < label ? other : other + 1;
    },
    transition: (fraction, classes) => symmetric(1 - fraction, classes),
    needs: 2,
  },
  'asymmetric-flips': toOneOther('asymmetric', (label) => MISTAKEN_FOR[label]!, {
    dataset: 'CIFAR-10',
    classes: CIFAR10_CLASSES,
  }),
  // Han et al. 2018 (Co-teaching): a class is only ever taken for the one that comes next.
  'pair-flips': toOneOther('pair', (label, classes) => (label + 1) % classes, 2),
  'label-file': {
    by: 'file',
    load: readLabelFile,
    // A file is of the training set alone.
    labels: (file, split, info, indices, trueLabels) =>
      split === 'test' ? undefined : labelsFrom(file, info, indices, trueLabels),
  },
};

/** What each kind does to pixels. */
export const PIXEL_KINDS: Record<PixelKind, PreparePixels> = {
  'shuffled-pixels': shuffledPixels,
  'random-pixels': randomPixels,
  gaussian: gaussianPixels,
};

/** A law by which a class that is drawn always becomes the same other one. */
function toOneOther(
  stream: string,
  other: (label: number, classes: number) => number,
  needs: LabelLaw['needs'],
): LabelLaw {
  return {
    by: 'law',
    stream,
    replace: (_, label, classes) => other(label, classes),
    transition: (fraction, classes) =>
      square(classes, (i, j) => {
        const moved = other(i, classes) === j ? fraction : 0;
        return moved + (i === j ? 1 - fraction : 0);
      }),
    needs,
  };
}
