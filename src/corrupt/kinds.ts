import type { CorruptionConfig, LabelKind, PixelKind } from '../config/corruptions.js';
import type { DatasetInfo, SplitLabels, SplitName } from '../data/types.js';
import type { Watching } from '../progress.js';
import { instanceLabels } from './instance.js';
import { labelsFrom, readLabelFile, twinMatrix } from './label-file.js';
import {
  byMatrix,
  type LabelLaw,
  type LawOf,
  toAnyOther,
  toNext,
  toTheMistaken,
  uniform,
} from './laws.js';
import { gaussianPixels, type PreparePixels, randomPixels, shuffledPixels } from './pixels.js';
import { givenMatrix } from './transition-file.js';
import type { ImageReader } from './types.js';

/** Labels that are known before they are needed: how they change can only be counted. */
export interface GivenLabels {
  /** @returns [count], −1 where a label stays; `undefined` for a split in which all stay. */
  labels(split: SplitName, source: SplitLabels): Int32Array | undefined;
}

/** What kinds may have to look at in a data set before any label can be drawn. */
export interface LabelSource extends Watching {
  info: DatasetInfo;
  /** Splits whose labels are wanted, with their true labels. */
  splits: Partial<Record<SplitName, SplitLabels>>;
  /** Of one of them, as they are before any corruption, in the order of its labels. */
  images(split: SplitName): Promise<ImageReader>;
  /** True labels of the whole training split, whatever `data.limit` takes. */
  wholeTrain(): SplitLabels | Promise<SplitLabels>;
}

/** A kind whose law is known by the classes alone. */
interface KindByClasses {
  by: 'classes';
  law: LawOf;
}

/** A kind that has something to read first. */
interface KindByReading {
  by: 'reading';
  /**
   * @param seed `seeds.corruption`. @param before Labels of a split after the corruptions that are listed before this one.
   * @throws RethinkError: `usage` where it doesn't fit the data, `data` where what it reads is missing or damaged.
   */
  read(
    corruption: CorruptionConfig,
    source: LabelSource,
    seed: number,
    before: (split: SplitName) => Int32Array,
  ): Promise<LabelLaw | GivenLabels>;
}

/** What each kind does to labels. */
export const LABEL_KINDS: Record<LabelKind, KindByClasses | KindByReading> = {
  'partial-labels': { by: 'classes', law: uniform },
  // From the same draws: it is partial-labels at fraction 1.
  'random-labels': { by: 'classes', law: uniform },
  'flip-labels': { by: 'classes', law: toAnyOther },
  'asymmetric-flips': { by: 'classes', law: toTheMistaken },
  'pair-flips': { by: 'classes', law: toNext },
  'label-file': {
    by: 'reading',
    async read(corruption, { info }) {
      const file = await readLabelFile(corruption, info);
      return {
        // A file is of the training set alone.
        labels: (split, { indices, labels }) =>
          split === 'test' ? undefined : labelsFrom(file, info, indices, labels),
      };
    },
  },
  'label-file-twin': {
    by: 'reading',
    read: async (corruption, source) =>
      byMatrix('twin', await twinMatrix(corruption, source.info, await source.wholeTrain())),
  },
  'transition-matrix': {
    by: 'reading',
    read: async (corruption, { info }) => byMatrix('matrix', givenMatrix(corruption, info)),
  },
  'instance-dependent': {
    by: 'reading',
    async read({ fraction }, source, seed, before) {
      const given = new Map<SplitName, Int32Array>();
      for (const split of Object.keys(source.splits) as SplitName[]) {
        const examples = { ...source.splits[split]!, labels: before(split) };
        const images = () => source.images(split);
        given.set(split, await instanceLabels(fraction, seed, split, examples, images, source));
      }
      return { labels: (split) => given.get(split) };
    },
  },
};

/** What each kind does to pixels. */
export const PIXEL_KINDS: Record<PixelKind, PreparePixels> = {
  'shuffled-pixels': shuffledPixels,
  'random-pixels': randomPixels,
  gaussian: gaussianPixels,
};
