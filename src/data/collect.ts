import { createHash } from 'node:crypto';
import { RethinkError } from '../errors.js';
import type { OnProgress } from '../events.js';
import { grouped } from '../text.js';
import type { ChannelStatistics, DataSource, DatasetInfo, Split, SplitName } from './types.js';

/**
 * Reads a whole split into memory, in order of source index, whatever order the source streams it in.
 *
 * @throws RethinkError (`data`) where the source gives fewer or more records than it says it has.
 */
export async function collectSplit(
  source: DataSource,
  split: SplitName,
  options: { signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined } = {},
): Promise<Split> {
  const { info } = source;
  const count = info.counts[split];
  const bytes = info.height * info.width * info.channels;
  const images = allocate(count * bytes, info);
  const labels = new Int32Array(count);
  const step = Math.max(1, Math.floor(count / 100));
  let done = 0;
  const report = () =>
    options.onProgress?.({
      what: `reading ${info.name} ${split}`,
      done,
      total: count,
      unit: 'images',
    });
  report();
  for await (const { index, label, image } of source.read(split, options.signal)) {
    images.set(image, index * bytes);
    labels[index] = label;
    done++;
    if (done % step === 0) report();
  }
  if (done !== count) {
    throw new RethinkError(
      'data',
      `${info.name} gave ${grouped(done)} of ${grouped(count)} ${split} examples.`,
    );
  }
  return { images, labels, indices: Uint32Array.from(labels.keys()), count };
}

/** Mean and population variance of each channel over all pixels, exact: sums of bytes fit a double. */
export function channelStatistics(images: Uint8Array, channels: number): ChannelStatistics {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < images.length; ) {
    for (let channel = 0; channel < channels; channel++, i++) {
      const value = images[i]!;
      sums[channel] = sums[channel]! + value;
      squares[channel] = squares[channel]! + value * value;
    }
  }
  const n = images.length / channels;
  const mean = Array.from(sums, (sum) => sum / n);
  const variance = mean.map((m, channel) => Math.max(0, squares[channel]! / n - m * m));
  return { mean, variance };
}

/** SHA-256 (hex) of what a run sees of its data: info, then indices, labels and images of train and test. */
export function hashDataset(info: DatasetInfo, train: Split, test: Split): string {
  const { name, height, width, channels, classes, counts, origin } = info;
  const shape = { name, height, width, channels, classes };
  const hash = createHash('sha256').update(
    JSON.stringify({ ...shape, counts: [counts.train, counts.test], origin }),
  );
  for (const { indices, labels, images } of [train, test]) {
    hash.update(indices).update(labels).update(images);
  }
  return hash.digest('hex');
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
