import type { Config } from './config/resolve.js';
import {
  type CorruptedDataset,
  type CorruptionSummary,
  corruptDataset,
  summarizeCorruption,
  type TransitionMatrix,
} from './corrupt/index.js';
import { TrainBatches } from './data/batches.js';
import { type CountedEvalChunk, evalChunks } from './data/chunks.js';
import { loadDataset } from './data/load.js';
import type { DatasetInfo, ImageSize, SplitName } from './data/types.js';
import type { Program } from './engines/types.js';
import { RethinkError } from './errors.js';
import type { RunEvents } from './events.js';
import { buildModel } from './models/index.js';
import type { Model } from './models/types.js';
import { evalBatchSize } from './train/eval-batch.js';
import type { MeasuredData } from './train/measure.js';
import { makeProgram } from './train/program.js';
import { namedTransition } from './train/transition.js';

export interface PrepareOptions {
  dataDir?: string | undefined;
  events?: RunEvents | undefined;
  signal?: AbortSignal | undefined;
}

/** The data of a run: a pure function of its config and the data on the disk. */
export interface PreparedData {
  info: DatasetInfo;
  data: CorruptedDataset;
  /** Of the data before corruption. */
  dataHash: string;
  corruption: CorruptionSummary;
  /** Side in pixels of what is seen of an image. */
  crop: number;
}

/** All of a training run but an engine and a place to write to. */
export interface Prepared extends PreparedData {
  model: Model;
  program: Program;
  batches: TrainBatches;
  measured: MeasuredData;
  /** In steps. */
  decayEvery: number;
  /** What the loss is corrected with; `null` where it is not, or where the matrix is yet to be estimated. */
  transition: TransitionMatrix | null;
}

/**
 * Loads and corrupts the data and builds the network and its program.
 *
 * @throws RethinkError: `data` where the data is missing or damaged, `usage` where config and data do not fit.
 */
export async function prepare(config: Config, options: PrepareOptions): Promise<Prepared> {
  return prepareTraining(config, await prepareData(config, options));
}

/**
 * Loads and corrupts the data.
 *
 * @throws RethinkError: `data` where the data is missing or damaged, `usage` where config and data do not fit.
 */
export async function prepareData(config: Config, options: PrepareOptions): Promise<PreparedData> {
  const { seeds } = config;
  const dataset = await loadDataset(config.data, {
    dataDir: options.dataDir,
    seed: seeds.data,
    signal: options.signal,
    onProgress: (event) => options.events?.preparing?.(event),
  });
  const data = corruptDataset(dataset, config.corruption, seeds.corruption);
  return {
    info: dataset.info,
    data,
    dataHash: dataset.hash,
    corruption: summarizeCorruption(data, config.corruption, seeds.corruption),
    crop: cropSide(config.data, dataset.info),
  };
}

/**
 * Builds the network and its program for data that is there.
 *
 * @param transition How labels change, for a corrected loss; default: as the config says.
 * @throws RethinkError (`usage`) where config and data do not fit.
 */
export function prepareTraining(
  config: Config,
  prepared: PreparedData,
  transition = namedTransition(config, prepared.data),
): Prepared {
  const { seeds, train, regularization } = config;
  const { info, data, crop } = prepared;
  const model = buildModel({
    config: config.model,
    inputShape: [crop, crop, info.channels],
    classes: info.classes.length,
    dropout: regularization.dropout,
  });
  const batches = new TrainBatches({
    examples: data.train,
    size: info,
    batchSize: train.batchSize,
    crop,
    augment: regularization.augment,
    masks: model.masks,
    dropout: regularization.dropout,
    seed: seeds.data,
  });
  const program = makeProgram({
    model,
    batchSize: batches.batchSize,
    evalBatchSize: evalBatchSize(model, Math.max(data.train.count, data.test.count)),
    momentum: train.momentum,
    weightDecay: regularization.weightDecay,
    dropout: regularization.dropout,
    correction:
      config.loss && transition ? { kind: config.loss.correction, matrix: transition } : undefined,
  });
  return {
    ...prepared,
    transition,
    model,
    program,
    batches,
    measured: measuredData(data, program, config.record.corruptedTestAccuracy),
    decayEvery: decayEvery(train, info),
  };
}

/**
 * Side in pixels of what the network sees: `data.crop`, else the paper's 28 of 32×32 images, else the whole image.
 *
 * @throws RethinkError (`usage`) where the crop does not fit into the image.
 */
export function cropSide(data: Config['data'], { height, width }: ImageSize): number {
  const side = Math.min(height, width);
  const crop = data.crop ?? (height === 32 && width === 32 ? 28 : side);
  if (crop > side) {
    throw new RethinkError('usage', `data.crop is ${crop}, but the images are ${height}×${width}.`);
  }
  return crop;
}

/** Steps between decays: `train.decayEvery`, else an epoch of the full training set (390 on CIFAR-10 at batch 128). */
export function decayEvery(train: Config['train'], { counts }: DatasetInfo): number {
  return train.decayEvery ?? Math.max(1, Math.floor(counts.train / train.batchSize));
}

/** All examples of a split in order, in evaluation batches, against the labels that a run uses for it. */
export function splitChunks(
  { data, program }: Pick<Prepared, 'data' | 'program'>,
  split: SplitName,
  probabilities = false,
): Iterable<CountedEvalChunk> {
  const { images, labels, count } = data[split];
  return evalChunks({
    images,
    labels,
    count,
    size: data.info,
    evalBatchSize: program.evalBatchSize,
    crop: program.imageShape[0],
    probabilities,
  });
}

function measuredData(
  data: CorruptedDataset,
  program: Program,
  corruptedTest: boolean,
): MeasuredData {
  const { train, test } = data;
  return {
    train: {
      chunks: () => splitChunks({ data, program }, 'train'),
      labels: train.labels,
      trueLabels: train.trueLabels,
      labelChanged: train.labelChanged,
    },
    test: {
      chunks: () => splitChunks({ data, program }, 'test'),
      labels: test.labels,
      ...(corruptedTest ? { corruptedLabels: test.corruptedLabels } : {}),
    },
  };
}
