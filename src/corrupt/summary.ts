import type { CorruptionConfig } from '../config/corruptions.js';
import type { Images, SplitName } from '../data/types.js';
import { sha256 } from '../disk/digest.js';
import type { CorruptedDataset, CorruptedSplit } from './types.js';

/** Images of each split that go into the summary's hash. */
export const HASHED_IMAGES = 1000;

/** How one split came out. Rates are fractions of `count`. */
export interface SplitSummary {
  count: number;
  /** Labels that were drawn anew, the same class or not. */
  labels_drawn: number;
  /** Labels that differ from the true ones: the realized noise. */
  labels_changed: number;
  images_corrupted: number;
  /** SHA-256 of all corrupted labels, each as a little-endian int32, in the split's order. */
  labels_sha256: string;
  /** SHA-256 of the bytes of the split's first 1,000 images (or all, if fewer) after corruption. */
  first_images_sha256: string;
}

/** What `corruption.json` holds. */
export interface CorruptionSummary {
  /** What was asked for, in the order in which it was applied. */
  corruptions: CorruptionConfig[];
  /** `seeds.corruption`. */
  seed: number;
  train: SplitSummary;
  /** Accuracy is measured against true test labels; the labels here are what they would be, equally corrupted. */
  test: SplitSummary;
}

/** Says exactly what was corrupted: the rates realized, and hashes by which two runs can be compared. */
export function summarizeCorruption(
  dataset: CorruptedDataset,
  corruptions: readonly CorruptionConfig[],
  seed: number,
): CorruptionSummary {
  const { height, width, channels } = dataset.info;
  const bytes = HASHED_IMAGES * height * width * channels;
  const { train, test } = dataset;
  const first = { train: train.images.subarray(0, bytes), test: test.images.subarray(0, bytes) };
  return summarizeWith(dataset, first, corruptions, seed);
}

/**
 * The same for images that lie elsewhere.
 *
 * @param first The first 1,000 images of each split (or all, if fewer) after corruption.
 */
export function summarizeWith(
  dataset: CorruptedDataset<Images>,
  first: Record<SplitName, Uint8Array>,
  corruptions: readonly CorruptionConfig[],
  seed: number,
): CorruptionSummary {
  return {
    corruptions: corruptions.map((corruption) => ({ ...corruption })),
    seed,
    train: summarizeSplit(dataset.train, first.train),
    test: summarizeSplit(dataset.test, first.test),
  };
}

function summarizeSplit(split: Omit<CorruptedSplit, 'images'>, first: Uint8Array): SplitSummary {
  return {
    count: split.count,
    labels_drawn: rate(split.labelDrawn),
    labels_changed: rate(split.labelChanged),
    images_corrupted: rate(split.pixelsCorrupted),
    labels_sha256: sha256(littleEndian(split.corruptedLabels)),
    first_images_sha256: sha256(first),
  };
}

function rate(flags: Uint8Array): number {
  if (flags.length === 0) return 0;
  let set = 0;
  for (const flag of flags) set += flag;
  return set / flags.length;
}

/** Not the array's own memory, whose byte order is the machine's. */
function littleEndian(labels: Int32Array): Uint8Array {
  const bytes = Buffer.alloc(labels.length * 4);
  labels.forEach((label, i) => {
    bytes.writeInt32LE(label, i * 4);
  });
  return bytes;
}
