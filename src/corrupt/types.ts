import type { DatasetInfo, Images } from '../data/types.js';

/** A split after corruption; every array is [count] but `images`. */
export interface CorruptedSplit<I extends Images = Uint8Array> {
  /** [count, height, width, channels]; the source's own array where no pixels are corrupted. On a disk, corrupted when read. */
  images: I;
  /** What a run uses by default: the corrupted labels of the training split, the true ones of the test split. */
  labels: Int32Array;
  trueLabels: Int32Array;
  corruptedLabels: Int32Array;
  /** Source indices. */
  indices: Uint32Array;
  /** 1 where some label corruption selected the example, even if its label came out the same. */
  labelDrawn: Uint8Array;
  /** 1 where the corrupted label differs from the true one. */
  labelChanged: Uint8Array;
  /** 1 where some pixel corruption selected the image. */
  pixelsCorrupted: Uint8Array;
  count: number;
}

export interface CorruptedDataset<I extends Images = Uint8Array> {
  info: DatasetInfo;
  train: CorruptedSplit<I>;
  test: CorruptedSplit<I>;
}

/** Gives the images at these places, one after another. */
export type ImageReader = (positions: ArrayLike<number>) => Promise<Uint8Array>;
