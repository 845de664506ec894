import type { AugmentConfig } from '../config/resolve.js';
import type { ImageSize, Split } from '../data/types.js';
import type { TrainChunk } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import { centerView, drawView, isAugmented, writeView } from './augment/augment.js';
import { centerCropped } from './augment/center-crop.js';
import { drawColors, isRecolored, recolor } from './augment/color.js';
import type { View } from './augment/write-view.js';
import { AlternatingBuffers } from './chunks.js';
import { type ExtraName, makeExtras } from './extras.js';
import { fillMask } from './masks.js';
import { epochOrder, streamedOrder } from './order.js';

export interface TrainBatchesOptions {
  /** Images and labels as trained on. */
  examples: Pick<Split, 'images' | 'labels' | 'indices' | 'count'>;
  size: ImageSize;
  /** Made smaller where there are fewer examples. */
  batchSize: number;
  /** Side of the crop, random or center. */
  crop: number;
  augment: AugmentConfig;
  /** Dense activations that a dropout mask multiplies. */
  masks: readonly { name: string; units: number }[];
  /** Probability that a unit is dropped. */
  dropout: number;
  /** What the steps are given beside; default: nothing. */
  extras?: readonly ExtraName[];
  /** α of mixup, where it is among them. */
  mixup?: number;
  /** `seeds.data`. */
  seed: number;
  /** Chunks in memory that other threads can read, too. */
  shared?: boolean;
  /** Images lie on a disk: an order that suits it, and each chunk is given its own. */
  streamed?: boolean;
}

/**
 * The training set in mini-batches. What a step gets is a pure function of (seed, epoch, step in the epoch), whatever
 * was asked for before: a resumed run goes on with the batches that the interrupted one would have had.
 *
 * Each epoch is a fresh permutation; its last partial batch is dropped.
 */
export class TrainBatches {
  readonly batchSize: number;
  /** floor(examples / batchSize). */
  readonly stepsPerEpoch: number;
  /** Of images and masks, for `stepsPerChunk`. */
  readonly bytesPerStep: number;
  readonly options: TrainBatchesOptions;
  private readonly center: View;
  private readonly augmented: boolean;
  private readonly imageBytes: number;
  private readonly viewBytes: number;
  private readonly imageBuffers: AlternatingBuffers;
  private readonly maskBuffers: AlternatingBuffers[];
  private order: { epoch: number; positions: Uint32Array } | undefined;

  /** @throws RethinkError: `data` for an empty training set, `usage` for a crop larger than the images. */
  constructor(options: TrainBatchesOptions) {
    const { examples, crop, augment, masks } = options;
    if (examples.count === 0) {
      throw new RethinkError('data', 'The training set has no example.', {
        hint: 'Check data.dir and data.limit.',
      });
    }
    this.augmented = isAugmented(augment);
    this.options = this.augmented || options.streamed ? options : withCenterCropped(options);
    this.batchSize = Math.min(options.batchSize, examples.count);
    this.stepsPerEpoch = Math.floor(examples.count / this.batchSize);
    const { size } = this.options;
    this.center = centerView(size, crop);
    this.imageBytes = size.height * size.width * size.channels;
    this.viewBytes = crop * crop * size.channels;
    this.imageBuffers = new AlternatingBuffers(options.shared);
    this.maskBuffers = masks.map(() => new AlternatingBuffers(options.shared));
    const maskBytes = masks.reduce((sum, { units }) => sum + units, 0);
    this.bytesPerStep = this.batchSize * (this.viewBytes + maskBytes);
  }

  /**
   * Prepares `steps` steps of one epoch.
   *
   * Two sets of buffers take turns: the arrays are overwritten by the second call after this one, so an engine may read
   * one chunk while the next is prepared, and no longer.
   *
   * @param epoch From 0. @param firstStep Step in the epoch, from 0. @param learningRates [steps].
   * @param read Where images are streamed: those of `positionsOf` this chunk, one after another.
   */
  chunk(
    epoch: number,
    firstStep: number,
    steps: number,
    learningRates: Float32Array,
    read?: Uint8Array,
  ): TrainChunk {
    const positions = this.positionsOf(epoch, firstStep, steps);
    const { labels } = this.options.examples;
    const firstGlobalStep = epoch * this.stepsPerEpoch + firstStep;
    return {
      steps,
      images: this.images(epoch, positions, read),
      labels: Int32Array.from(positions, (position) => labels[position]!),
      masks: this.masks(firstGlobalStep, steps),
      extras: this.extras(firstGlobalStep, positions),
      learningRates,
    };
  }

  /** Positions in the training set of the examples of some steps, [steps · batchSize]. */
  positionsOf(epoch: number, firstStep: number, steps: number): Uint32Array {
    if (firstStep < 0 || steps < 1 || firstStep + steps > this.stepsPerEpoch) {
      const asked = `steps ${firstStep} to ${firstStep + steps - 1}`;
      throw new RangeError(`an epoch has steps 0 to ${this.stepsPerEpoch - 1}, not ${asked}`);
    }
    return this.positions(epoch).subarray(
      firstStep * this.batchSize,
      (firstStep + steps) * this.batchSize,
    );
  }

  /** Nothing to do: only batches that hold files or threads have something to give back. */
  dispose(): void {}

  /** Positions in the training set in the order of an epoch, [count]. */
  private positions(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      const { seed, examples, streamed } = this.options;
      const order = streamed ? streamedOrder(this.imageBytes) : undefined;
      const positions = epochOrder(seed, epoch, examples.count, order);
      this.order = { epoch, positions };
    }
    return this.order.positions;
  }

  private images(epoch: number, positions: Uint32Array, read?: Uint8Array): Uint8Array {
    const { examples, size, crop, augment, seed } = this.options;
    const { imageBytes, viewBytes, center, augmented } = this;
    const recolored = isRecolored(augment);
    const out = this.imageBuffers.next(positions.length * viewBytes);
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i]!;
      const index = examples.indices[position]!;
      const view = augmented ? drawView(augment, seed, epoch, index, size, center, crop) : center;
      const from = (read === undefined ? position : i) * imageBytes;
      writeView(read ?? examples.images, from, size, crop, view, out, i * viewBytes);
      if (recolored) {
        const colors = drawColors(augment, seed, epoch, index);
        recolor(out, i * viewBytes, crop * crop, size.channels, colors);
      }
    }
    return out;
  }

  /** A step's mask is a function of (seed, name, step counted from the beginning of the run). */
  private masks(firstGlobalStep: number, steps: number): Record<string, Uint8Array> {
    const { masks, dropout, seed } = this.options;
    const drawn: Record<string, Uint8Array> = {};
    masks.forEach(({ name, units }, m) => {
      const size = this.batchSize * units;
      const out = this.maskBuffers[m]!.next(steps * size);
      for (let step = 0; step < steps; step++) {
        const random = new Random(seed, `dropout/${name}`, firstGlobalStep + step);
        fillMask(random, 1 - dropout, out.subarray(step * size, (step + 1) * size));
      }
      drawn[name] = out;
    });
    return drawn;
  }

  /** As masks, a function of the seed and the step counted from the beginning of the run. */
  private extras(firstGlobalStep: number, positions: Uint32Array): TrainChunk['extras'] {
    const { extras = [], mixup = 0, seed } = this.options;
    const { batchSize } = this;
    const steps = Array.from({ length: positions.length / batchSize }, (_, i) => ({
      seed,
      mixup,
      step: firstGlobalStep + i,
      positions: positions.subarray(i * batchSize, (i + 1) * batchSize),
    }));
    return makeExtras(extras, steps);
  }
}

function withCenterCropped(options: TrainBatchesOptions): TrainBatchesOptions {
  const { examples, size, crop } = options;
  const cropped = centerCropped(examples.images, size, crop);
  return { ...options, examples: { ...examples, images: cropped.images }, size: cropped.size };
}
