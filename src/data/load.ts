import type { Config } from '../config/resolve.js';
import type { Watching } from '../progress.js';
import { channelStatistics, collectPart, collectSplit, hashDataset } from './collect.js';
import { publishedSpec } from './published/catalog.js';
import { fetchDataset } from './published/fetch.js';
import { locateAll } from './published/locate.js';
import { openSource } from './source.js';
import {
  balancedSubset,
  checkDivision,
  checkLimit,
  type DivisionConfig,
  divide,
  takeExamples,
} from './subset.js';
import type {
  ChannelStatistics,
  DataSource,
  Dataset,
  DatasetInfo,
  Images,
  Split,
  SplitLabels,
  SplitName,
} from './types.js';

export interface LoadOptions extends Watching {
  /** Folder in which data sets are looked for first (`--data-dir`). */
  dataDir?: string | undefined;
  /** `seeds.data`: which examples a subset holds. */
  seed: number;
  /** Is told of what a person should know: a copy that other programs keep. */
  onNote?: ((note: string) => void) | undefined;
  /** Fetch a published data set that is not on this machine; default false. */
  allowDownload?: boolean | undefined;
  /** Whether the statistics of all training images are wanted: they take reading all of them; default true. */
  statistics?: boolean | undefined;
}

/**
 * Reads a data set into memory: its subsets where `limit` or `testLimit` say so, the statistics of all its training
 * images in any case.
 *
 * @throws RethinkError: `data` where it is missing or damaged, `usage` where a limit exceeds it, `interrupted`.
 */
export async function loadDataset(data: Config['data'], options: LoadOptions): Promise<Dataset> {
  await fetchMissing(data, options);
  return loadSource(await openSource(data, options), data, options);
}

/** As `loadDataset`, from a source that is open. */
export async function loadSource(
  source: DataSource,
  data: Config['data'],
  options: LoadOptions,
): Promise<Dataset> {
  const { info } = source;
  if (data.split !== undefined) return loadDivided(source, data, data.split, options);
  checkLimit('data.limit', data.limit, info.counts.train, info.name);
  checkLimit('data.testLimit', data.testLimit, info.counts.test, info.name);
  const part = options.statistics === false ? data.limit : undefined;
  const { read: allTrain, whole } = await readSplit(source, 'train', part, options);
  const measured = allTrain.count === info.counts.train;
  const statistics =
    source.statistics ??
    (measured ? await channelStatistics(allTrain.images, info.channels, options) : unknown(info));
  const train = limited(allTrain, info, 'train', data.limit, options.seed, takeExamples);
  const { read: allTest } = await readSplit(source, 'test', data.testLimit, options);
  const test = limited(allTest, info, 'test', data.testLimit, options.seed, takeExamples);
  const { notes } = source;
  const hash = await hashDataset(info, train, test, options);
  return { info, train, test, ...wholeTrain(train, whole), statistics, hash, notes };
}

/** What a data set says of the training split that its own is a part of: nothing where it is all of it. */
export function wholeTrain(
  part: SplitLabels,
  { labels, indices, count }: SplitLabels,
): Pick<Dataset, 'wholeTrain'> {
  return part.count === count ? {} : { wholeTrain: { labels, indices, count } };
}

/** A split: all of it, or only its limited part where the source can read that without the rest. */
async function readSplit(
  source: DataSource,
  split: SplitName,
  limit: number | undefined,
  options: LoadOptions,
): Promise<{ read: Split; whole: SplitLabels }> {
  const { info, part } = source;
  if (part === undefined || limit === undefined || limit === info.counts[split]) {
    const read = await collectSplit(source, split, options);
    return { read, whole: read };
  }
  const labels = await part.labels(split, options.signal);
  const whole = { labels, indices: Uint32Array.from(labels.keys()), count: labels.length };
  const positions = balancedSubset(whole, info.classes.length, limit, options.seed, split);
  return { read: await collectPart(source, split, positions, options), whole };
}

function unknown({ channels }: DatasetInfo): ChannelStatistics {
  const none = Array.from({ length: channels }, () => Number.NaN);
  return { mean: none, variance: none };
}

/** One half of the source, divided into a training and a test set. `info.counts` stay those of the whole. */
async function loadDivided(
  source: DataSource,
  data: Config['data'],
  split: DivisionConfig,
  options: LoadOptions,
): Promise<Dataset> {
  const { info } = source;
  checkDivision(data, split, info);
  const all = await collectSplit(source, split.from, options);
  const { train, test } = divide(all, split, options.seed);
  const statistics = await channelStatistics(train.images, info.channels, options);
  const { notes } = source;
  const hash = await hashDataset(info, train, test, options);
  const whole = split.from === 'train' ? wholeTrain(train, all) : {};
  return { info, train, test, ...whole, statistics, hash, notes };
}

/** The seeded subset that a limit leaves of a split. */
export function limited<I extends Images>(
  all: Split<I>,
  { classes }: DatasetInfo,
  split: SplitName,
  limit: number | undefined,
  seed: number,
  take: (all: Split<I>, positions: Uint32Array) => Split<I>,
): Split<I> {
  // What was read of a limited part is that part.
  if (limit === undefined || limit === all.count) return all;
  return take(all, balancedSubset(all, classes.length, limit, seed, split));
}

/** Downloads a published data set that isn't there, where that is allowed. */
export async function fetchMissing(data: Config['data'], options: LoadOptions): Promise<void> {
  if (!options.allowDownload) return;
  const spec = publishedSpec(data.name);
  if (spec === undefined || data.dir !== undefined) return;
  if (locateAll(spec, { dataDir: options.dataDir }).length > 0) return;
  await fetchDataset(spec.name, options);
}
