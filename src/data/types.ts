import type { PixelCorruption } from '../config/corruptions.js';
import type { Holes } from './archive/tar-sparse.js';

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

/** What a run's `data.subset` came to. */
export interface SubsetChoice {
  /** The classes chosen, in order of label. */
  synsets: string[];
  /** Training and test images of each; `null`: all there are. */
  perClass: number | null;
  testPerClass: number | null;
  seed: number;
  /** Examples of the whole source. */
  of: Record<SplitName, number> & { classes: number };
}

/** What is known of a data set before any image is read. */
export interface DatasetInfo extends ImageSize {
  name: string;
  classes: string[];
  /** Examples in the whole source (of its subset, where `data.subset` takes one), whatever `data.limit` says. */
  counts: Record<SplitName, number>;
  /**
   * `official`: the bytes the authors publish; `imported`: decoded from images that were encoded anew, so no verdict
   * against the paper; `generated`: synthetic.
   */
  origin: 'official' | 'imported' | 'generated' | 'images';
  /** Where `data.subset` takes a part of the source: an index may then be larger than the count. */
  subset?: SubsetChoice;
}

/** A data set that can be streamed: bounded memory, one record at a time, the same order every time. */
export interface DataSource {
  readonly info: DatasetInfo;
  read(split: SplitName, signal?: AbortSignal): AsyncIterable<ImageRecord>;
  /**
   * A split whose images stay on the disk; left out by a source of which no single image can be read.
   *
   * @throws RethinkError (`data`) where this copy of it can't: a gzipped archive has no places to jump to.
   */
  stored?(split: SplitName, signal?: AbortSignal): Promise<Split<StoredImages>>;
  /** How a few examples are read without the others, where that saves much; index and place are the same. */
  part?: {
    /** True classes of a whole split, [count]. */
    labels(split: SplitName, signal?: AbortSignal): Promise<Int32Array>;
    /** Records at places in ascending order. */
    read(
      split: SplitName,
      positions: Uint32Array,
      signal?: AbortSignal,
    ): AsyncIterable<ImageRecord>;
  };
  /** True classes and source indices of a split, where they are known without reading images. */
  labels?(split: SplitName): SplitLabels;
  /** Of the whole training split, where they are known without reading it. */
  statistics?: ChannelStatistics;
  /** What `hashDataset` gives for all of it, where that is known. */
  hash?: string;
  /** Told to a person who uses it. */
  notes?: readonly string[];
  /** Paths of files beside the images that are not read. */
  others?: readonly string[];
}

/** Where each image of a split lies on the disk: plain data, so that a thread can be given it. Arrays are [count]. */
export interface StoredImages {
  /** `pixels`: bytes [height, width, channels]; `encoded`: a JPEG or PNG, scaled until it fills the size when it is read. */
  form: 'pixels' | 'encoded';
  /** Absolute paths. */
  files: string[];
  /** Which of the files. */
  file: Uint32Array;
  /** Where it begins in its file, and its bytes. */
  offset: Float64Array;
  bytes: Uint32Array;
  /** Whether the files are zips, whose entries are read by their local headers. */
  zip?: boolean;
  /** Of files in a tar that have holes, by position. */
  holes?: Map<number, Holes>;
  size: ImageSize;
  /** How pixels are corrupted when an image has been read. */
  corruption?: StoredCorruption;
}

/** All that corruption of pixels depends on. */
export interface StoredCorruption {
  corruptions: readonly PixelCorruption[];
  /** `seeds.corruption`. */
  seed: number;
  split: SplitName;
  statistics: ChannelStatistics;
  /** Source indices, [count]. */
  indices: Uint32Array;
}

/** Images in memory, [count, height, width, channels], or on the disk. */
export type Images = Uint8Array | StoredImages;

/** Whether images have to be read from the disk. */
export function isStored(images: Images): images is StoredImages {
  return !(images instanceof Uint8Array);
}

/** The examples of a split, images as bytes in memory unless it says otherwise. */
export interface Split<I extends Images = Uint8Array> {
  images: I;
  /** True classes, [count]. */
  labels: Int32Array;
  /** Source indices, [count]. */
  indices: Uint32Array;
  count: number;
}

/** What is known of a split without its images. */
export type SplitLabels = Pick<Split, 'labels' | 'indices' | 'count'>;

/** Per-channel statistics of the full training set, in bytes (0…255). */
export interface ChannelStatistics {
  mean: number[];
  /** Population variance. */
  variance: number[];
}

/** What a run trains and tests on, before corruption. */
export interface Dataset<I extends Images = Uint8Array> {
  info: DatasetInfo;
  train: Split<I>;
  test: Split<I>;
  /** True labels of the whole training split, where `train` is a part of it. */
  wholeTrain?: SplitLabels | undefined;
  /** Of the full training set, not of the subset in `train`; NaN where nobody asked for them and only a part was read. */
  statistics: ChannelStatistics;
  /** SHA-256 (hex) of info, indices, labels and images of both splits as loaded, before corruption. */
  hash: string;
  /** Of its source: told to a person who uses it. */
  notes?: readonly string[] | undefined;
}
