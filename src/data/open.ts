import { createHash } from 'node:crypto';
import { OWN_NAMES } from '../config/datasets.js';
import type { Config } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { processMemory } from '../machine/machine.js';
import { throwIfInterrupted } from '../progress.js';
import { grouped } from '../text.js';
import { ChannelSums, describeForHash } from './collect.js';
import { fetchMissing, type LoadOptions, limited, loadSource, wholeTrain } from './load.js';
import { openSource } from './source.js';
import { StoredReader, takeStored } from './stored/stored.js';
import { checkLimit } from './subset.js';
import type {
  ChannelStatistics,
  DataSource,
  Dataset,
  DatasetInfo,
  Images,
  Split,
  SplitName,
  StoredImages,
} from './types.js';

/** Images are read for the hash this many bytes at a time. */
const PASS_BYTES = 16 * 2 ** 20;

export interface OpenOptions extends LoadOptions {
  /** What an earlier session of the run did: goes before `data.stream`. */
  streamed?: boolean | undefined;
}

/** A data set, and whether its images stay on the disk. */
export interface OpenedDataset {
  dataset: Dataset<Images>;
  streamed: boolean;
}

/**
 * Opens a data set for training: in memory where its images fit there, else on the disk, with labels and indices in
 * memory. Its hash is the same either way.
 *
 * @throws RethinkError as `loadDataset`; `usage` where `data.stream` asks for what this data can't do.
 */
export async function openDataset(
  data: Config['data'],
  options: OpenOptions,
): Promise<OpenedDataset> {
  await fetchMissing(data, options);
  const source = await openSource(data, options);
  const streamed = options.streamed ?? decide(data, source);
  if (!streamed) return { dataset: await loadSource(source, data, options), streamed };
  if (data.split !== undefined) {
    throw new RethinkError('usage', 'data.split and data.stream are both given.', {
      hint: 'A set that is divided is held in memory: leave data.stream out.',
    });
  }
  return { dataset: await streamSource(source, data, options), streamed };
}

/** Bytes that images in memory may take. */
function allowance(data: Config['data']): number {
  return data.memory === undefined ? processMemory().total / 4 : data.memory * 2 ** 20;
}

/** Bytes of images that a run holds while it reads them into memory: subsets are taken afterwards. */
export function imageBytesOf({ height, width, channels, counts }: DatasetInfo): number {
  return (counts.train + counts.test) * height * width * channels;
}

function decide(data: Config['data'], source: DataSource): boolean {
  const { info } = source;
  if (data.stream === false) return false;
  if (source.stored !== undefined) {
    return data.stream === true || imageBytesOf(info) > allowance(data);
  }
  if (data.stream !== true) return false;
  throw new RethinkError('usage', `data.stream is true, and ${info.name} is read into memory.`, {
    hint: `Only ${OWN_NAMES.join(' and ')} can be streamed: leave data.stream out.`,
  });
}

async function streamSource(
  source: DataSource,
  data: Config['data'],
  options: LoadOptions,
): Promise<Dataset<StoredImages>> {
  const { info } = source;
  checkLimit('data.limit', data.limit, info.counts.train, info.name);
  checkLimit('data.testLimit', data.testLimit, info.counts.test, info.name);
  const all = {
    train: await source.stored!('train', options.signal),
    test: await source.stored!('test', options.signal),
  };
  const train = limited(all.train, info, 'train', data.limit, options.seed, takeStored);
  const test = limited(all.test, info, 'test', data.testLimit, options.seed, takeStored);
  const whole = train === all.train && test === all.test;
  const statistics = source.statistics ?? (await statisticsOf(all.train, info, options));
  const hash = await hashStored(info, train, test, options);
  if (whole && source.hash !== undefined && source.hash !== hash) {
    throw new RethinkError(
      'data',
      `${data.dir} is damaged: its images are not those it was made with.`,
      {
        hint: `Find out which: rethink-gen data verify ${data.dir}`,
      },
    );
  }
  const { notes } = source;
  return { info, train, test, ...wholeTrain(train, all.train), statistics, hash, notes };
}

async function statisticsOf(
  all: Split<StoredImages>,
  info: DatasetInfo,
  options: LoadOptions,
): Promise<ChannelStatistics> {
  const sums = new ChannelSums(info.channels);
  await pass(all, info, 'measuring', 'train', options, (images) => sums.add(images));
  return sums.statistics();
}

/** As `hashDataset`, a few images at a time. */
export async function hashStored(
  info: DatasetInfo,
  train: Split<StoredImages>,
  test: Split<StoredImages>,
  options: Pick<LoadOptions, 'signal' | 'onProgress'>,
): Promise<string> {
  const hash = createHash('sha256').update(describeForHash(info));
  for (const [name, split] of [['train', train] as const, ['test', test] as const]) {
    hash.update(split.indices).update(split.labels);
    await pass(split, info, 'checking', name, options, (images) => hash.update(images));
  }
  return hash.digest('hex');
}

/** Reads all images of a split in order. */
async function pass(
  split: Split<StoredImages>,
  info: DatasetInfo,
  doing: string,
  name: SplitName,
  { signal, onProgress }: Pick<LoadOptions, 'signal' | 'onProgress'>,
  use: (images: Uint8Array) => void,
): Promise<void> {
  const reader = new StoredReader(split.images);
  const imageBytes = info.height * info.width * info.channels;
  const atOnce = Math.max(1, Math.floor(PASS_BYTES / imageBytes));
  const buffer = new Uint8Array(atOnce * imageBytes);
  const what = `${doing} ${info.name} ${name}`;
  try {
    for (let first = 0; first < split.count; first += atOnce) {
      throwIfInterrupted(signal, what);
      const n = Math.min(atOnce, split.count - first);
      const positions = Uint32Array.from({ length: n }, (_, i) => first + i);
      const images = buffer.subarray(0, n * imageBytes);
      await reader.read(positions, images);
      use(images);
      onProgress?.({ what, done: first + n, total: split.count, unit: 'images' });
    }
  } finally {
    reader.close();
  }
}

/** What is said to a person, and in `data.json`. */
export function describeMemory({ dataset: { info }, streamed }: OpenedDataset): string {
  const size = `${grouped(Math.ceil(imageBytesOf(info) / 2 ** 20))} MiB of images`;
  return streamed
    ? `${size} stay on the disk and are read batch by batch.`
    : `${size} are held in memory.`;
}
