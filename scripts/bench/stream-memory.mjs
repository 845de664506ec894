#!/usr/bin/env node
/** Whether memory stays flat while a set many times larger than what may be held is streamed. See README.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const HELP = `Usage: node scripts/bench/stream-memory.mjs TREE [options]

  TREE          a folder or tar of <split>/<class>/*.jpg, repeated under other indices until it is large enough
  --size N      side in pixels (128)
  --memory N    MiB that images in memory might take (512); the set is ten times as large
  --epochs N    (1)
  --most N      MiB that memory may grow by once the first tenth is past (64): more is exit code 1`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '128' },
    memory: { type: 'string', default: '512' },
    epochs: { type: 'string', default: '1' },
    most: { type: 'string', default: '64' },
    help: { type: 'boolean' },
  },
});
if (values.help || positionals.length !== 1) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
const [size, memory, epochs, most] = ['size', 'memory', 'epochs', 'most'].map((name) =>
  Number(values[name]),
);
const dist = new URL('../../dist/', import.meta.url);
const { packImages } = await import(new URL('data/shards/pack.js', dist));
const { packSource } = await import(new URL('data/shards/source.js', dist));
const { openBatches } = await import(new URL('data/stream/batches.js', dist));
const { prefetch } = await import(new URL('data/prefetch.js', dist));

const MIB = 2 ** 20;
const STEPS = 4;
const BATCH = 128;

/** The split again and again, as if it were a larger one. */
function repeated({ images, labels, count }, times) {
  const again = (array) => {
    const all = new array.constructor(array.length * times);
    for (let i = 0; i < times; i++) all.set(array, i * array.length);
    return all;
  };
  const { file, offset, bytes } = images;
  return {
    images: { ...images, file: again(file), offset: again(offset), bytes: again(bytes) },
    labels: again(labels),
    indices: Uint32Array.from({ length: count * times }, (_, i) => i),
    count: count * times,
  };
}

const folder = mkdtempSync(join(tmpdir(), 'rethink-gen-memory-'));
try {
  const data = { name: 'imagetree', dir: resolve(positionals[0]) };
  await packImages({ data, out: folder, size });
  const source = packSource(folder, { name: 'imagetree' });
  const train = await source.stored('train');
  const imageBytes = size * size * 3;
  const examples = repeated(train, Math.ceil((10 * memory * MIB) / (train.count * imageBytes)));
  const batches = prefetch(
    openBatches({
      examples,
      size: source.info,
      batchSize: BATCH,
      crop: Math.floor(size * 0.875),
      augment: { crop: true, flip: true, rotation: 0 },
      masks: [],
      dropout: 0,
      seed: 0,
    }),
  );
  const total = epochs * batches.stepsPerEpoch;
  console.log(
    `${examples.count.toLocaleString('en')} images, ${Math.round((examples.count * imageBytes) / MIB).toLocaleString('en')} MiB, streamed where ${memory} MiB may be held; ${total} steps of ${BATCH}`,
  );
  const rates = new Float32Array(STEPS);
  const seen = [];
  const start = performance.now();
  let done = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let first = 0; first < batches.stepsPerEpoch; first += STEPS) {
      const steps = Math.min(STEPS, batches.stepsPerEpoch - first);
      await batches.chunk(epoch, first, steps, rates.subarray(0, steps));
      done += steps;
      if (Math.floor((20 * done) / total) > seen.length) {
        await setTimeout(0);
        const rss = process.memoryUsage.rss() / MIB;
        seen.push(rss);
        const seconds = (performance.now() - start) / 1000;
        console.log(
          `${String(Math.round((100 * done) / total)).padStart(3)} %  ${Math.round(rss)} MiB  ${Math.round((done * BATCH) / seconds).toLocaleString('en')} images/s`,
        );
      }
    }
  }
  batches.dispose();
  const settled = seen.slice(2);
  const grown = Math.max(...settled) - settled[0];
  console.log(`after the first tenth memory grew by at most ${Math.round(grown)} MiB`);
  process.exitCode = grown > most ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
