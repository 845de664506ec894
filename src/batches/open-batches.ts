import type { StoredReader } from '../data/stored/stored.js';
import { type Images, isStored, type Split, type StoredImages } from '../data/types.js';
import type { TrainChunk } from '../engines/types.js';
import { TrainBatches, type TrainBatchesOptions } from './batches.js';
import { openStored } from './stored-eval-chunks.js';

/** Options of batches whose images lie in memory or on the disk. */
export type AnyBatchesOptions = Omit<TrainBatchesOptions, 'examples'> & {
  examples: Pick<Split<Images>, 'images' | 'labels' | 'indices' | 'count'>;
};

export type StreamedBatchesOptions = Omit<TrainBatchesOptions, 'examples'> & {
  examples: Pick<Split<StoredImages>, 'images' | 'labels' | 'indices' | 'count'>;
};

const NO_IMAGES = new Uint8Array(0);

/**
 * The batches of a training set that stays on the disk: what `TrainBatches` gives of it, with images read chunk by
 * chunk. Memory is that of two chunks.
 */
export class StreamedBatches {
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly bytesPerStep: number;
  private readonly batches: TrainBatches;
  private readonly reader: StoredReader;
  private readonly imageBytes: number;
  /** Whole images, before crops are taken from them. */
  private whole = NO_IMAGES;
  /** One chunk after another: two would share the buffer. */
  private busy: Promise<unknown> = Promise.resolve();

  /** @throws RethinkError as `TrainBatches`. */
  constructor(readonly options: StreamedBatchesOptions) {
    const { examples, size } = options;
    this.batches = new TrainBatches({
      ...options,
      examples: { ...examples, images: NO_IMAGES },
      streamed: true,
    });
    this.reader = openStored(examples.images);
    this.imageBytes = size.height * size.width * size.channels;
    this.batchSize = this.batches.batchSize;
    this.stepsPerEpoch = this.batches.stepsPerEpoch;
    // A chunk holds whole images as well as what is cut from them.
    this.bytesPerStep = this.batches.bytesPerStep + this.batchSize * this.imageBytes;
  }

  /** As `TrainBatches.chunk`. @throws RethinkError (`data`) where an image can't be read. */
  chunk(
    epoch: number,
    firstStep: number,
    steps: number,
    learningRates: Float32Array,
  ): Promise<TrainChunk> {
    const chunk = this.busy.then(async () => {
      const positions = this.batches.positionsOf(epoch, firstStep, steps);
      const bytes = positions.length * this.imageBytes;
      if (this.whole.length < bytes) this.whole = new Uint8Array(bytes);
      await this.reader.read(positions, this.whole.subarray(0, bytes));
      return this.batches.chunk(epoch, firstStep, steps, learningRates, this.whole);
    });
    this.busy = chunk.catch(() => {});
    return chunk;
  }

  /** As `TrainBatches.positionsOf`. */
  positionsOf(epoch: number, firstStep: number, steps: number): Uint32Array {
    return this.batches.positionsOf(epoch, firstStep, steps);
  }

  /** Closes its files. Safe to call twice. */
  dispose(): void {
    this.reader.close();
  }
}

/** Batches of images in memory or on the disk. */
export function openBatches(options: AnyBatchesOptions): TrainBatches | StreamedBatches {
  const { images } = options.examples;
  return isStored(images)
    ? new StreamedBatches({ ...options, examples: { ...options.examples, images } })
    : new TrainBatches({ ...options, examples: { ...options.examples, images } });
}
