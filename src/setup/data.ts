import { readImages } from '../batches/stored-eval-chunks.js';
import { usesStatistics } from '../config/corruptions.js';
import { hasOwnImages } from '../config/datasets.js';
import type { Config } from '../config/resolve.js';
import {
  type CorruptedDataset,
  type CorruptedSplit,
  corruptDataset,
  HASHED_IMAGES,
  type LabelSource,
  readGiven,
  summarizeCorruption,
  summarizeWith,
} from '../corrupt/index.js';
import { labelSource } from '../corrupt/label-source.js';
import { countByClass, untestedNote } from '../data/inspect/per-class.js';
import { loadDataset } from '../data/load.js';
import { describeMemory, imageBytesOf, type OpenedDataset, openDataset } from '../data/open.js';
import type { Dataset, ImageSize, Images } from '../data/types.js';
import { RethinkError } from '../errors.js';
import type { UsedData } from '../results/training.js';
import type { RunEvents } from './events.js';
import { DataShelf, partOf } from './member.js';
import type { PreparedData, PrepareOptions } from './prepared.js';

export type { DataRecord, PreparedData, PrepareOptions } from './prepared.js';

/**
 * Opens and corrupts the data of a training: images stay on the disk where they don't fit into memory.
 *
 * @throws RethinkError as `prepareData`.
 */
export async function openData(
  config: Config,
  options: PrepareOptions,
): Promise<PreparedData<Images>> {
  const { memorization, seeds } = config;
  if (memorization?.member === undefined) return openWhole(config, options);
  const whole = await (options.shelf ?? new DataShelf()).of(config, options, openWhole);
  return partOf(whole, { ...memorization, member: memorization.member, seed: seeds.data });
}

async function openWhole(config: Config, options: PrepareOptions): Promise<PreparedData<Images>> {
  const { seeds } = config;
  const { events } = options;
  const opened = await openDataset(config.data, {
    dataDir: options.dataDir,
    seed: seeds.data,
    signal: options.signal,
    onProgress: (event) => events?.preparing?.(event),
    onNote: (note) => events?.note?.(note),
    streamed: options.streamed,
    statistics: config.corruption.some(usesStatistics),
  });
  const { dataset, streamed } = opened;
  const { info, hash } = dataset;
  const given = await readGiven(config.corruption, seeds.corruption, watched(dataset, options));
  const data = corruptDataset(dataset, config.corruption, seeds.corruption, given);
  const first = {
    train: await firstImages(data.train, info),
    test: await firstImages(data.test, info),
  };
  const prepared = {
    info,
    data,
    given,
    dataHash: hash,
    corruption: summarizeWith(data, first, config.corruption, seeds.corruption),
    crop: cropSide(config.data, info),
  };
  tellNotes(dataset, events);
  if (!hasOwnImages(info.name)) return prepared;
  events?.note?.(describeMemory(opened));
  const untested = untestedNote(info.classes, countByClass(info.classes, dataset.test.labels));
  // A small part may well lack a class of many.
  if (untested !== undefined && config.data.testLimit === undefined) events?.note?.(untested);
  const { classes, counts, subset = null } = info;
  const record = { name: info.name, streamed, image_bytes: imageBytesOf(info), classes, counts };
  return { ...prepared, record: { ...record, subset } };
}

/**
 * The data of a training before corruption and after it.
 *
 * @throws RethinkError as `prepareData`.
 */
export async function openCorrupted(
  config: Config,
  options: PrepareOptions,
): Promise<{ opened: OpenedDataset; data: CorruptedDataset<Images> }> {
  const { seeds } = config;
  const { dataDir, events, signal, streamed } = options;
  const opened = await openDataset(config.data, {
    dataDir,
    seed: seeds.data,
    signal,
    onProgress: (event) => events?.preparing?.(event),
    onNote: (note) => events?.note?.(note),
    streamed,
  });
  const source = watched(opened.dataset, options);
  const given = await readGiven(config.corruption, seeds.corruption, source);
  const data = corruptDataset(opened.dataset, config.corruption, seeds.corruption, given);
  return { opened, data };
}

/** A data set as corruptions look at it, told to whoever watches. */
function watched(dataset: Dataset<Images>, { events, signal }: PrepareOptions): LabelSource {
  return labelSource(dataset, { signal, onProgress: (event) => events?.preparing?.(event) });
}

/** What a source has to say of itself: files in it that are no images, for one. */
function tellNotes({ notes = [] }: Pick<Dataset<Images>, 'notes'>, events?: RunEvents): void {
  for (const note of notes) events?.note?.(note);
}

/** The images that a split's hash is of, as they are after corruption. */
function firstImages(
  { images, count }: CorruptedSplit<Images>,
  { height, width, channels }: ImageSize,
): Promise<Uint8Array> {
  const n = Math.min(count, HASHED_IMAGES);
  const positions = Uint32Array.from({ length: n }, (_, i) => i);
  return readImages(images, positions, height * width * channels);
}

/**
 * Loads the data into memory and corrupts it.
 *
 * @throws RethinkError: `data` where the data is missing or damaged, `usage` where config and data do not fit.
 */
export async function prepareData(config: Config, options: PrepareOptions): Promise<PreparedData> {
  const { seeds } = config;
  if (config.data.stream === true) {
    throw new RethinkError(
      'usage',
      `data.stream is true, and the experiment ${config.experiment} needs all images in memory.`,
      { hint: 'Leave data.stream out.' },
    );
  }
  const dataset = await loadDataset(config.data, {
    dataDir: options.dataDir,
    seed: seeds.data,
    signal: options.signal,
    onProgress: (event) => options.events?.preparing?.(event),
    onNote: (note) => options.events?.note?.(note),
    statistics: config.corruption.some(usesStatistics),
  });
  tellNotes(dataset, options.events);
  const given = await readGiven(config.corruption, seeds.corruption, watched(dataset, options));
  const data = corruptDataset(dataset, config.corruption, seeds.corruption, given);
  return {
    info: dataset.info,
    data,
    given,
    dataHash: dataset.hash,
    corruption: summarizeCorruption(data, config.corruption, seeds.corruption),
    crop: cropSide(config.data, dataset.info),
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

/** The data of a result. */
export function usedData({ info, data, dataHash }: PreparedData<Images>): UsedData {
  return {
    name: info.name,
    origin: info.origin,
    hash: dataHash,
    train: data.train.count,
    test: data.test.count,
    full_train: info.counts.train,
    full_test: info.counts.test,
    classes: info.classes.length,
  };
}
