import { createHash } from 'node:crypto';
import { RethinkError } from '../errors.js';
import { takingTurns, type Watching } from '../progress.js';
import { grouped } from '../text.js';
import { takeExamples } from './subset.js';
import type {
  ChannelStatistics,
  DataSource,
  DatasetInfo,
  ImageRecord,
  Split,
  SplitLabels,
  SplitName,
} from './types.js';

/**
 * Reads a whole split into memory, in order of source index, whatever order the source streams it in.
 *
 * @throws RethinkError (`data`) where the source gives fewer or more records than it says it has.
 */
export async function collectSplit(
  source: DataSource,
  split: SplitName,
  watching: Watching = {},
): Promise<Split> {
  const { info } = source;
  // In a subset of a source indices have gaps: its records come in their order.
  const gaps = info.subset !== undefined;
  const records = source.read(split, watching.signal);
  return inOrder(await collect(records, info, split, gaps, watching));
}

/**
 * Reads examples at these places of a split, in ascending order, and nothing else: of a source that can.
 *
 * @throws RethinkError (`data`) as `collectSplit`.
 */
export async function collectPart(
  { info, part }: DataSource,
  split: SplitName,
  positions: Uint32Array,
  watching: Watching = {},
): Promise<Split> {
  const records = part!.read(split, positions, watching.signal);
  const counts = { ...info.counts, [split]: positions.length };
  return collect(records, { ...info, counts }, split, true, watching);
}

/** @param inTurn Whether records come in the order in which they are kept; else their index is their place. */
async function collect(
  records: AsyncIterable<ImageRecord>,
  info: DatasetInfo,
  split: SplitName,
  inTurn: boolean,
  watching: Watching,
): Promise<Split> {
  const count = info.counts[split];
  const bytes = info.height * info.width * info.channels;
  const images = allocate(count * bytes, info);
  const labels = new Int32Array(count);
  const indices = Uint32Array.from({ length: count }, (_, i) => i);
  const what = `reading ${info.name} ${split}`;
  let done = 0;
  const amount = () => ({ done, total: count, unit: 'images' as const });
  const turn = takingTurns(watching, what, amount);
  const report = () => watching.onProgress?.({ what, ...amount() });
  report();
  for await (const { index, label, image } of records) {
    const at = inTurn ? done : index;
    if (at < count) {
      images.set(image, at * bytes);
      labels[at] = label;
      indices[at] = index;
    }
    done++;
    await turn();
  }
  report();
  checkCount(info, split, done);
  return { images, labels, indices, count };
}

function checkCount({ name, counts }: DatasetInfo, split: SplitName, done: number): void {
  if (done === counts[split]) return;
  throw new RethinkError(
    'data',
    `${name} gave ${grouped(done)} of ${grouped(counts[split])} ${split} examples.`,
  );
}

/**
 * True classes and source indices of a split, in order of index. Where a list tells them, no image is read; else one at a
 * time is held.
 *
 * @throws RethinkError as `collectSplit`.
 */
export async function collectLabels(
  source: DataSource,
  split: SplitName,
  watching: Watching = {},
): Promise<SplitLabels> {
  const { info } = source;
  if (source.labels !== undefined) return source.labels(split);
  // Without a list there are no subsets: an index is a place.
  const count = info.counts[split];
  const indices = Uint32Array.from({ length: count }, (_, i) => i);
  if (source.part !== undefined) {
    return { labels: await source.part.labels(split, watching.signal), indices, count };
  }
  const labels = new Int32Array(count);
  const what = `reading labels of ${info.name} ${split}`;
  let done = 0;
  const amount = () => ({ done, total: count, unit: 'images' as const });
  const turn = takingTurns(watching, what, amount);
  for await (const { index, label } of source.read(split, watching.signal)) {
    if (index < count) labels[index] = label;
    done++;
    await turn();
  }
  checkCount(info, split, done);
  return { labels, indices, count };
}

/** A subset that came in an archive's order, by index. */
function inOrder(split: Split): Split {
  const { indices } = split;
  if (indices.every((index, i) => i === 0 || index > indices[i - 1]!)) return split;
  const positions = Uint32Array.from(indices.keys());
  return takeExamples(
    split,
    positions.sort((a, b) => indices[a]! - indices[b]!),
  );
}

/**
 * Mean and population variance of each channel over all pixels, exact: sums of bytes fit a double.
 *
 * @throws RethinkError (`interrupted`).
 */
export async function channelStatistics(
  images: Uint8Array,
  channels: number,
  watching: Watching = {},
): Promise<ChannelStatistics> {
  const sums = new ChannelSums(channels);
  // Pixels stay whole.
  for await (const piece of pieces(images, channels, watching)) sums.add(piece);
  return sums.statistics();
}

/** Bytes of images that are looked at in one go. */
const PIECE = 2 ** 22;

async function* pieces(
  images: Uint8Array,
  unit: number,
  watching: Watching,
): AsyncGenerator<Uint8Array> {
  const turn = takingTurns(watching, 'looking at the images');
  const size = PIECE - (PIECE % unit);
  for (let at = 0; at < images.length; at += size) {
    yield images.subarray(at, at + size);
    await turn();
  }
}

/** Mean and variance of images that come a few at a time: the same numbers, to the bit, as of all at once. */
export class ChannelSums {
  readonly sums: number[];
  readonly squares: number[];
  /** Pixels. */
  n = 0;

  constructor(private readonly channels: number) {
    this.sums = Array.from({ length: channels }, () => 0);
    this.squares = Array.from({ length: channels }, () => 0);
  }

  /** @param images Whole images [height, width, channels], one after another. */
  add(images: Uint8Array): void {
    const { channels } = this;
    const sums = new Float64Array(this.sums);
    const squares = new Float64Array(this.squares);
    for (let i = 0; i < images.length; ) {
      for (let channel = 0; channel < channels; channel++, i++) {
        const value = images[i]!;
        sums[channel] = sums[channel]! + value;
        squares[channel] = squares[channel]! + value * value;
      }
    }
    this.n += images.length / channels;
    for (let channel = 0; channel < channels; channel++) {
      this.sums[channel] = sums[channel]!;
      this.squares[channel] = squares[channel]!;
    }
  }

  /** Adds what was summed elsewhere. @param n Pixels. */
  merge(other: { sums: readonly number[]; squares: readonly number[] }, n: number): void {
    for (let channel = 0; channel < this.channels; channel++) {
      this.sums[channel]! += other.sums[channel]!;
      this.squares[channel]! += other.squares[channel]!;
    }
    this.n += n;
  }

  statistics(): ChannelStatistics {
    const { n, squares } = this;
    const mean = this.sums.map((sum) => sum / n);
    const variance = mean.map((m, channel) => Math.max(0, squares[channel]! / n - m * m));
    return { mean, variance };
  }
}

/**
 * SHA-256 (hex) of what a run sees of its data: info, then indices, labels and images of train and test.
 *
 * @throws RethinkError (`interrupted`).
 */
export async function hashDataset(
  info: DatasetInfo,
  train: Split,
  test: Split,
  watching: Watching = {},
): Promise<string> {
  const hash = createHash('sha256').update(describeForHash(info));
  for (const { indices, labels, images } of [train, test]) {
    hash.update(indices).update(labels);
    for await (const piece of pieces(images, 1, watching)) hash.update(piece);
  }
  return hash.digest('hex');
}

/** What a data set's hash begins with. */
export function describeForHash(info: DatasetInfo): string {
  const { name, height, width, channels, classes, counts, origin } = info;
  const shape = { name, height, width, channels, classes };
  return JSON.stringify({ ...shape, counts: [counts.train, counts.test], origin });
}

function allocate(bytes: number, info: DatasetInfo): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    throw new RethinkError(
      'data',
      `${info.name} needs ${(bytes / 2 ** 30).toFixed(1)} GiB of memory in one piece, more than this machine gives.`,
      { hint: 'Make data.size smaller.', cause: error },
    );
  }
}
