#!/usr/bin/env node
/** Images per second decoded and scaled: ours beside Pillow in turn, and packed shards beside both. See README.md. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const HELP = `Usage: node scripts/bench/decode.mjs TREE [options]

  TREE            a folder or uncompressed tar of <split>/<class>/*.jpg
  --size N        side in pixels (128)
  --rounds N      of which medians are taken (3)
  --limit N       training images at most (2000)
  --python PATH   with Pillow (python3)
  --json          one line of JSON`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '3' },
    limit: { type: 'string', default: '2000' },
    python: { type: 'string', default: 'python3' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help || positionals.length !== 1) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
const tree = resolve(positionals[0]);
const [size, rounds, limit] = [values.size, values.rounds, values.limit].map(Number);
const cores = availableParallelism();
const dist = new URL('../../dist/', import.meta.url);
const { locateTree } = await import(new URL('data/tree/located.js', dist));
const { StoredReader } = await import(new URL('data/stream/stored.js', dist));
const { locatedSource, treeInfo } = await import(new URL('data/tree/located.js', dist));
const { packImages } = await import(new URL('data/shards/pack.js', dist));
const { packSource } = await import(new URL('data/shards/source.js', dist));
const { treePlace } = await import(new URL('data/tree/tree-files.js', dist));
const { epochOrder } = await import(new URL('data/order.js', dist));

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Images a second through a reader, in the order of an epoch, a batch at a time. */
async function read({ images, count }, bytes, passes = 1) {
  const reader = new StoredReader(images);
  const positions = epochOrder(0, 0, count);
  const out = new Uint8Array(128 * bytes);
  const start = performance.now();
  for (let pass = 0; pass < passes; pass++) {
    for (let at = 0; at < count; at += 128) {
      const some = positions.subarray(at, at + 128);
      await reader.read(some, out.subarray(0, some.length * bytes));
    }
  }
  reader.close();
  return (passes * count) / ((performance.now() - start) / 1000);
}

/** The same images by Pillow: places are handed over, so that neither side lists anything in the clock. */
function pillow(split) {
  const { files, file, offset, bytes } = split.images;
  const places = Array.from(file, (number, i) => [files[number], offset[i], bytes[i]]);
  const script = new URL('decode_pillow.py', import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(
    values.python,
    [script, '--size', String(size), '--processes', String(cores)],
    { input: JSON.stringify(places), encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status === 0) return JSON.parse(stdout);
  console.error(`Pillow is left out: ${stderr.trim().split('\n').at(-1)}`);
  return undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'rethink-gen-decode-'));
try {
  const located = await locateTree(treePlace(tree), undefined);
  located.tree.images.train = located.tree.images.train.slice(0, limit);
  const info = treeInfo('imagetree', located, size);
  const encoded = await locatedSource(located, info).stored('train');
  const data = { name: 'imagetree', dir: tree };
  await packImages({ data, out: folder, size });
  const packed = await packSource(folder, { name: 'imagetree' }).stored('train');
  const imageBytes = size * size * 3;
  const rates = { ours: [], pillow: [], shards: [] };
  let version;
  await read(encoded, imageBytes);
  for (let round = 0; round < rounds; round++) {
    rates.ours.push(await read(encoded, imageBytes));
    const peer = pillow(encoded);
    if (peer !== undefined) rates.pillow.push(peer.images_per_second);
    version = peer?.pillow ?? version;
    rates.shards.push(await read(packed, imageBytes, 10));
  }
  const ratio = rates.pillow.map((rate, i) => rates.ours[i] / rate);
  const speedup = rates.shards.map((rate, i) => rate / rates.ours[i]);
  const [load] = loadavg();
  const line = {
    images: encoded.count,
    size,
    cores,
    load,
    pillow_version: version,
    rates,
    ratio_to_pillow: median(ratio),
    shards_to_decoding: median(speedup),
  };
  if (values.json) console.log(JSON.stringify(line));
  else {
    const show = (name, list) =>
      console.log(`${name.padEnd(24)}${Math.round(median(list)).toLocaleString('en')} images/s`);
    console.log(
      `${encoded.count} images to ${size}×${size}, ${cores} cores, load ${load.toFixed(1)}`,
    );
    show('decoded, rethink-gen', rates.ours);
    if (rates.pillow.length > 0) {
      show(`decoded, Pillow ${version}`, rates.pillow);
      console.log(`ours ÷ Pillow           ${median(ratio).toFixed(2)}×`);
    }
    show('read from shards', rates.shards);
    console.log(`shards ÷ decoding       ${median(speedup).toFixed(1)}×`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
