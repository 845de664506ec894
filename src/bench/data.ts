import { TrainBatches } from '../batches/batches.js';
import { epochOrder, streamedOrder } from '../batches/order.js';
import { loadExperiment } from '../config/experiment.js';
import { isConfigName } from '../config/file/load.js';
import { resolveAugment } from '../config/resolve.js';
import { guessName } from '../data/own.js';
import { openSource } from '../data/source.js';
import { StoredReader } from '../data/stored/stored.js';
import type { DataSource, Split, StoredImages } from '../data/types.js';
import { takingTurns } from '../progress.js';
import { median } from './median.js';
import type { Effort } from './types.js';
import { randomExamples } from './workload.js';

/** Images a second through one part of the way of the data. */
export interface DataMeasurement {
  what: string;
  images_per_second: number;
  rounds: number[];
}

/** As `takingTurns` gives it. */
type Turn = ReturnType<typeof takingTurns>;

/** What is measured: on images like CIFAR-10's, and on some as large as ImageNet's are stored. */
const KINDS = [
  { augment: 'none', examples: 8192, side: 32, crop: 28, steps: 16 },
  { augment: 'crop', examples: 8192, side: 32, crop: 28, steps: 16 },
  { augment: 'full', examples: 8192, side: 32, crop: 28, steps: 16 },
  { augment: 'imagenet', examples: 256, side: 320, crop: 299, steps: 1 },
] as const;

/**
 * Times what has to happen to images before an engine gets them: batches on one thread, and, where images are given,
 * decoding them on all cores or reading them as they were packed.
 *
 * @param images A folder or tar of `<split>/<class>/*.jpg` or `*.png`, a packed folder, or a config that names one.
 * @throws RethinkError (`data`) where there are none or one is damaged.
 */
export async function* measureData(
  images: string | undefined,
  batchSize: number,
  effort: Effort,
  signal?: AbortSignal,
): AsyncGenerator<DataMeasurement> {
  const turn = takingTurns({ signal }, 'measuring');
  // First, so that a path that is none costs nobody a minute.
  const source = images === undefined ? undefined : await openImages(images, signal);
  for (const { augment, side, crop, steps, ...kind } of KINDS) {
    const size = { height: side, width: side, channels: 3 };
    const batches = new TrainBatches({
      examples: randomExamples(Math.max(kind.examples, batchSize), size),
      size,
      batchSize,
      crop,
      augment: resolveAugment(augment),
      masks: [],
      dropout: 0,
      seed: 0,
    });
    const what = `batches of ${batchSize}, ${crop}×${crop}, augment ${augment}`;
    yield await inRounds(what, effort, (seconds) => prepareBatches(batches, steps, seconds, turn));
  }
  if (source === undefined) return;
  // Packed: its statistics are known.
  if (source.statistics === undefined) {
    yield await inRounds(`decoding ${images}`, effort, (seconds) => decode(source, seconds, turn));
    return;
  }
  const train = await source.stored!('train');
  const what = `reading ${images} in the order of an epoch`;
  yield await inRounds(what, effort, (seconds) => readStored(train, batchSize, seconds, turn));
}

/** The images of a path or of a config. */
async function openImages(path: string, signal?: AbortSignal): Promise<DataSource> {
  if (isConfigName(path)) {
    const { base, trials } = await loadExperiment(path);
    return openSource((base ?? trials[0]!.config).data, { signal });
  }
  return openSource({ name: guessName(path), dir: path }, { signal });
}

/** Images a second from the disk or its cache, a batch at a time. */
async function readStored(
  { images, count }: Split<StoredImages>,
  batchSize: number,
  seconds: number,
  turn: Turn,
): Promise<number> {
  const { height, width, channels } = images.size;
  const imageBytes = height * width * channels;
  const out = new Uint8Array(batchSize * imageBytes);
  const reader = new StoredReader(images);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let done = 0;
  try {
    for (let epoch = 0; ; epoch++) {
      const order = epochOrder(0, epoch, count, streamedOrder(imageBytes));
      for (let first = 0; first < count; first += batchSize) {
        const positions = order.subarray(first, first + batchSize);
        await reader.read(positions, out.subarray(0, positions.length * imageBytes));
        done += positions.length;
        if (elapsed() >= seconds) return done / elapsed();
        await turn();
      }
    }
  } finally {
    reader.close();
  }
}

async function inRounds(
  what: string,
  { seconds, rounds }: Effort,
  rate: (seconds: number) => Promise<number>,
): Promise<DataMeasurement> {
  // Warm-up: code is compiled, pages are mapped, files are in memory.
  await rate(Math.min(1, seconds));
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) rates.push(await rate(seconds));
  return { what, images_per_second: median(rates), rounds: rates };
}

/** Images a second, over whole epochs of chunks until the seconds are used up. */
async function prepareBatches(
  batches: TrainBatches,
  chunk: number,
  seconds: number,
  turn: Turn,
): Promise<number> {
  const rates = new Float32Array(chunk);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let images = 0;
  for (let epoch = 0; ; epoch++) {
    for (let first = 0; first < batches.stepsPerEpoch; first += chunk) {
      const steps = Math.min(chunk, batches.stepsPerEpoch - first);
      batches.chunk(epoch, first, steps, rates.subarray(0, steps));
      images += steps * batches.batchSize;
      if (elapsed() >= seconds) return images / elapsed();
      await turn();
    }
  }
}

/** Images a second from the first one on, over the training images or as many as fit into the seconds. */
async function decode(source: DataSource, seconds: number, turn: Turn): Promise<number> {
  let start = 0;
  let images = -1;
  for await (const _ of source.read('train')) {
    images++;
    await turn();
    if (images === 0) start = performance.now();
    else if (performance.now() - start >= seconds * 1000) break;
  }
  return images / ((performance.now() - start) / 1000);
}
