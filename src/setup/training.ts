import type { TrainBatches } from '../batches/batches.js';
import { type CountedEvalChunk, evalChunks } from '../batches/chunks.js';
import type { StreamedBatches } from '../batches/open-batches.js';
import { storedEvalChunks } from '../batches/stored-eval-chunks.js';
import { recordsTop5 } from '../config/models.js';
import type { Config } from '../config/resolve.js';
import {
  type CorruptedDataset,
  corruptedExamples,
  type TransitionMatrix,
} from '../corrupt/index.js';
import {
  type DatasetInfo,
  type Images,
  isStored,
  type Split,
  type SplitName,
} from '../data/types.js';
import type { Program } from '../engines/types.js';
import { buildModel } from '../models/index.js';
import type { Model } from '../models/types.js';
import { evalBatches } from '../train/eval-batch.js';
import { lossOf } from '../train/losses.js';
import type { MeasuredData } from '../train/measure.js';
import { extrasOf, makeProgram } from '../train/program.js';
import { namedTransition } from '../train/transition.js';
import { trainBatches } from './batches.js';
import { openData, type PreparedData, type PrepareOptions } from './data.js';

/** All of a training run but an engine and a place to write to. */
export interface Prepared extends PreparedData<Images> {
  model: Model;
  program: Program;
  batches: TrainBatches | StreamedBatches;
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
  return prepareTraining(config, await openData(config, options));
}

/**
 * Builds the network and its program for data that is there.
 *
 * @param transition How labels change, for a corrected loss; default: as the config says.
 * @throws RethinkError (`usage`) where config and data do not fit.
 */
export function prepareTraining(
  config: Config,
  prepared: PreparedData<Images>,
  transition = namedTransition(config, prepared.data, prepared.given),
): Prepared {
  const { train, regularization } = config;
  const { info, data, crop } = prepared;
  const model = buildModel({
    config: config.model,
    inputShape: [crop, crop, info.channels],
    classes: info.classes.length,
    dropout: regularization.dropout,
    initGain: train.initGain,
  });
  const minimized = {
    loss: lossOf(config.loss, transition),
    mixup: regularization.mixup !== undefined,
  };
  const extras = extrasOf(minimized);
  const batches = trainBatches(config, prepared, { masks: model.masks, extras });
  const program = makeProgram({
    model,
    batchSize: batches.batchSize,
    ...evalBatches(model, Math.max(data.train.count, data.test.count)),
    momentum: train.momentum,
    weightDecay: regularization.weightDecay,
    dropout: regularization.dropout,
    optimizer: train.optimizer,
    ...minimized,
    examples: data.train.count,
    margin: config.record.examples || config.record.measures,
  });
  return {
    ...prepared,
    transition,
    model,
    program,
    batches,
    measured: measuredData(data, program, config),
    decayEvery: decayEvery(train, info),
  };
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
): Iterable<CountedEvalChunk> | AsyncIterable<CountedEvalChunk> {
  return chunksOf(data[split], { info: data.info, program }, probabilities);
}

/** The same of examples that are no split of a run's data. */
export function chunksOf(
  { images, labels, count }: Pick<Split<Images>, 'images' | 'labels' | 'count'>,
  { info, program }: Pick<Prepared, 'info' | 'program'>,
  probabilities = false,
): Iterable<CountedEvalChunk> | AsyncIterable<CountedEvalChunk> {
  const options = {
    labels,
    count,
    size: info,
    evalBatchSize: program.evalBatchSize,
    crop: program.imageShape[0],
    probabilities,
  };
  return isStored(images)
    ? storedEvalChunks({ ...options, images })
    : evalChunks({ ...options, images });
}

export function measuredData(
  data: CorruptedDataset<Images>,
  program: Program,
  { model, record }: Config,
): MeasuredData {
  const { train, test } = data;
  return {
    train: {
      chunks: () => splitChunks({ data, program }, 'train'),
      labels: train.labels,
      trueLabels: train.trueLabels,
      corrupted: corruptedExamples(train),
    },
    test: {
      chunks: () => splitChunks({ data, program }, 'test'),
      labels: test.labels,
      ...(record.corruptedTestAccuracy ? { corruptedLabels: test.corruptedLabels } : {}),
    },
    top5: record.top5 ?? recordsTop5(model.name, program.classes),
  };
}
