import type { Config } from '../config/resolve.js';
import { imagesAt } from '../data/stored/stored.js';
import type { DatasetInfo, ImageSize } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { trainBatches } from '../setup/batches.js';
import { cropSide, openCorrupted, type PrepareOptions } from '../setup/data.js';
import { whitenedInputs } from '../theory/inputs.js';

/** An example as a network is given it. */
export interface ShownExample {
  /** Position in the source. */
  index: number;
  trueLabel: number;
  /** That it is trained on. */
  label: number;
  /** Whether a corruption has drawn its label anew, the same or not. */
  drawn: boolean;
  /** As the data set has it, of the size of `info`. */
  original: Uint8Array;
  /** The bytes of the batch, [crop, crop, channels]: corrupted, cropped and augmented. */
  image: Uint8Array;
  /** The same whitened, as {@link viewable} bytes. */
  whitened: Uint8Array;
}

/** The first examples of the first epoch of a training, in the order in which it takes them. */
export interface ShownBatch {
  info: DatasetInfo;
  /** Of `image` and `whitened`. */
  size: ImageSize;
  examples: ShownExample[];
  /** Of all that is trained on. */
  train: { count: number; drawn: number; changed: number };
  batchSize: number;
  stepsPerEpoch: number;
}

/**
 * What a training's network is given first: the very bytes of its batches, which are a function of config and data.
 *
 * @param config With places as seen from here.
 * @param most Examples at most; an epoch may have fewer.
 * @throws RethinkError as `prepareData`; `usage` where no network is trained.
 */
export async function showBatch(
  config: Config,
  most: number,
  options: PrepareOptions,
): Promise<ShownBatch> {
  if (config.experiment !== 'train') {
    throw new RethinkError(
      'usage',
      `Batches are shown of a training, and the experiment is ${config.experiment}.`,
      { hint: `Its data: rethink-gen data show ${config.data.name}` },
    );
  }
  const { opened, data } = await openCorrupted(config, options);
  const { info } = data;
  const crop = cropSide(config.data, info);
  const batches = trainBatches(config, { info, data, crop });
  try {
    const { batchSize, stepsPerEpoch } = batches;
    const steps = Math.min(stepsPerEpoch, Math.ceil(most / batchSize));
    const positions = batches.positionsOf(0, 0, steps).slice(0, most);
    const { images, labels } = await batches.chunk(0, 0, steps, new Float32Array(steps));
    const size = { height: crop, width: crop, channels: info.channels };
    const [bytes, viewBytes] = [bytesOf(info), bytesOf(size)];
    const originals = await imagesAt(opened.dataset.train.images, positions, bytes);
    const whitened = whitenedInputs(images, positions.length, size, crop);
    const values = new Float64Array(viewBytes);
    const { train } = data;
    const examples = Array.from(positions, (position, i): ShownExample => {
      whitened.read(i, values);
      return {
        index: train.indices[position]!,
        trueLabel: train.trueLabels[position]!,
        label: labels[i]!,
        drawn: train.labelDrawn[position] === 1,
        original: originals.subarray(i * bytes, (i + 1) * bytes),
        image: images.slice(i * viewBytes, (i + 1) * viewBytes),
        whitened: viewable(values),
      };
    });
    const sum = (flags: Uint8Array) => flags.reduce((n, flag) => n + flag, 0);
    const { count, labelDrawn, labelChanged } = train;
    const all = { count, drawn: sum(labelDrawn), changed: sum(labelChanged) };
    return { info, size, examples, train: all, batchSize, stepsPerEpoch };
  } finally {
    batches.dispose();
  }
}

function bytesOf({ height, width, channels }: ImageSize): number {
  return height * width * channels;
}

/** Standard deviations of a whitened image that are told apart, to either side of its mean. */
export const WHITENED_RANGE = 3;

/** Whitened values to look at: the image's mean is middle gray, three standard deviations below it black, above it white. */
export function viewable(whitened: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(whitened, (value) =>
    Math.round(Math.max(0, Math.min(255, 127.5 * (1 + value / WHITENED_RANGE)))),
  );
}
