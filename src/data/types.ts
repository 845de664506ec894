/** The two halves of every data set; corruption draws differ between them. */
export type SplitName = 'train' | 'test';

/** Shape of every image of a data set, in pixels. */
export interface ImageSize {
  height: number;
  width: number;
  channels: number;
}

/** One example as a reader yields it. */
export interface ImageRecord {
  /** Position in the source's own order: what corruption depends on. */
  index: number;
  /** True class, 0…classes−1. */
  label: number;
  /** Bytes [height, width, channels], row-major. */
  image: Uint8Array;
}

/** What is known of a data set before any image is read. */
export interface DatasetInfo extends ImageSize {
  name: string;
  classes: string[];
  /** Examples in the whole source, whatever `data.limit` says. */
  counts: Record<SplitName, number>;
  /**
   * `official`: the bytes the authors publish; `imported`: decoded from images that were encoded anew, so no verdict
   * against the paper; `generated`: synthetic.
   */
  origin: 'official' | 'imported' | 'generated' | 'images';
}

/** A data set that can be streamed: bounded memory, one record at a time, the same order every time. */
export interface DataSource {
  readonly info: DatasetInfo;
  read(split: SplitName, signal?: AbortSignal): AsyncIterable<ImageRecord>;
}

/** Examples held in memory as bytes. */
export interface Split {
  /** [count, height, width, channels]. */
  images: Uint8Array;
  /** True classes, [count]. */
  labels: Int32Array;
  /** Source indices, [count]. */
  indices: Uint32Array;
  count: number;
}

/** Per-channel statistics of the full training set, in bytes (0…255). */
export interface ChannelStatistics {
  mean: number[];
  /** Population variance. */
  variance: number[];
}

/** What a run trains and tests on, before corruption. */
export interface Dataset {
  info: DatasetInfo;
  train: Split;
  test: Split;
  /** Of the full training set, not of the subset in `train`. */
  statistics: ChannelStatistics;
  /** SHA-256 (hex) of info, indices, labels and images of both splits as loaded, before corruption. */
  hash: string;
}
