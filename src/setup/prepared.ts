import type { Config } from '../config/resolve.js';
import type {
  CorruptedDataset,
  CorruptedSplit,
  CorruptionSummary,
  Given,
} from '../corrupt/index.js';
import type { DatasetInfo, Images, SplitName } from '../data/types.js';
import type { RunEvents } from './events.js';

/** See `DataShelf`. */
export interface Shelf {
  of(
    config: Config,
    options: PrepareOptions,
    open: (config: Config, options: PrepareOptions) => Promise<PreparedData<Images>>,
  ): Promise<PreparedData<Images>>;
}

/** The training set that a member has a part of, and which. */
export interface WholeTraining<I extends Images = Uint8Array> {
  split: CorruptedSplit<I>;
  /** 1 where the member is trained on the example, [count]. */
  included: Uint8Array;
}

export interface PrepareOptions {
  dataDir?: string | undefined;
  events?: RunEvents | undefined;
  signal?: AbortSignal | undefined;
  /** Whether images stay on the disk, where an earlier session of the run has decided it. */
  streamed?: boolean | undefined;
  /** What a process keeps from one member of `experiment: memorization` to the next. */
  shelf?: Shelf | undefined;
}

/** The data of a run: a pure function of its config and the data on the disk. */
export interface PreparedData<I extends Images = Uint8Array> {
  info: DatasetInfo;
  data: CorruptedDataset<I>;
  /** What corruptions have read. */
  given: Given;
  /** Of the data before corruption. */
  dataHash: string;
  corruption: CorruptionSummary;
  /** Side in pixels of what is seen of an image. */
  crop: number;
  /** What `data.json` says of images of the user's own. */
  record?: DataRecord;
  /** Of a member of `experiment: memorization`: what `data.train` is a random part of. */
  whole?: WholeTraining<I>;
}

/** How a run came to its images: which of a source, and where they are kept. */
export interface DataRecord {
  name: string;
  /** Whether images were read from the disk batch by batch: it decides the order of an epoch. */
  streamed: boolean;
  image_bytes: number;
  classes: string[];
  counts: Record<SplitName, number>;
  subset: DatasetInfo['subset'] | null;
}
