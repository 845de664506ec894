import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { evalChunks } from '../../../src/batches/chunks.js';
import { openBatches } from '../../../src/batches/open-batches.js';
import { openStored, storedEvalChunks } from '../../../src/batches/stored-eval-chunks.js';
import { corruptDataset, HASHED_IMAGES, summarizeCorruption } from '../../../src/corrupt/index.js';
import { loadDataset } from '../../../src/data/load.js';
import { openDataset } from '../../../src/data/open.js';
import { type PackOptions, packImages } from '../../../src/data/shards/pack.js';
import { verifyPack } from '../../../src/data/shards/verify.js';
import { entryAt } from '../../../src/data/stored/entry-name.js';
import type { Dataset, Images, StoredImages } from '../../../src/data/types.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { failure, noise, plain, png, type TarItem, write, writeTar } from '../helpers.js';

const SIZE = 8;
const IMAGE = SIZE * SIZE * 3;
const CLASSES = ['ant', 'bee', 'cow'];

/** 3 × 7 training and 3 × 4 test images, in an order of no use. */
let items: (TarItem & { content: Buffer })[];
beforeAll(async () => {
  items = await Promise.all(
    CLASSES.flatMap((name, label) =>
      Array.from({ length: 11 }, async (_, i) => ({
        name: `${i < 7 ? 'train' : 'val'}/${name}/${(i * 5) % 11}.png`,
        content: await png(noise(12 * 9 * 3, 100 * label + i), 12, 9),
      })),
    ),
  );
  items.reverse();
});

function folderOf(list: (TarItem & { content?: Uint8Array | string })[]): string {
  const folder = temporaryFolder();
  for (const { name, content } of list) write(join(folder, name), Buffer.from(content!));
  return folder;
}

/** Shards of five images. */
function packed(dir: string, options: Partial<PackOptions> = {}, out = temporaryFolder()) {
  const data = { name: 'imagetree' as const, dir };
  return packImages({ data, out, size: SIZE, shardBytes: 5 * IMAGE, ...options });
}

const tree = (dir: string) => ({ name: 'imagetree' as const, dir, size: SIZE });

describe('packing a tree of images', () => {
  it('gives the same bytes and the same data hash from a folder, a tar and a tar.gz', async () => {
    const dirs = [
      folderOf(items),
      await writeTar(join(temporaryFolder(), 'tree.tar'), items),
      await writeTar(join(temporaryFolder(), 'tree.tar.gz'), items),
    ];
    const { hash, train } = await loadDataset(tree(dirs[0]!), { seed: 0 });
    for (const dir of dirs) {
      const result = await packed(dir);
      expect(result).toMatchObject({ hash, shards: 5 + 3, bad: [], present: false });
      expect(result.perClass).toEqual({ train: [7, 7, 7], test: [4, 4, 4] });
      const names = readdirSync(result.path).sort();
      expect(names[0]).toBe('index.json');
      expect(names.slice(1)).toHaveLength(8);
      const shards = names.filter((name) => name.startsWith('train'));
      const bytes = Buffer.concat(shards.map((name) => readFileSync(join(result.path, name))));
      expect(bytes.equals(train.images)).toBe(true);
      const loaded = await loadDataset(
        { name: 'imagetree', dir: result.path, stream: false },
        { seed: 0 },
      );
      expect(loaded.hash).toBe(hash);
      expect(loaded.statistics).toEqual((await loadDataset(tree(dir), { seed: 0 })).statistics);
      await verifyPack(result.path);
    }
  });

  it('does nothing where it was done, and refuses another plan without --force', async () => {
    const dir = folderOf(items);
    const { path } = await packed(dir);
    expect((await packed(dir, {}, path)).present).toBe(true);
    const error = await failure(() => packed(dir, { size: 9 }, path));
    expect(error.kind).toBe('usage');
    expect(error.message).toContain('holds imagetree already, packed at 8×8');
    const again = await packed(dir, { size: 9, force: true, shardBytes: 2 ** 20 }, path);
    expect(again).toMatchObject({ size: 9, present: false, shards: 2 });
    await verifyPack(path);
    const other = folderOf([{ name: 'notes.txt', content: 'mine' }]);
    expect((await failure(() => packed(dir, {}, other))).message).toContain('"notes.txt"');
    expect(existsSync(join(other, 'notes.txt'))).toBe(true);
  });

  it('goes on after an interruption without decoding finished shards again', async () => {
    const dir = folderOf(items);
    const out = temporaryFolder();
    const stop = new AbortController();
    const stopped = await failure(() =>
      packed(
        dir,
        {
          signal: stop.signal,
          // The first event is of the beginning.
          onProgress: () => setTimeout(() => stop.abort(), 0),
        },
        out,
      ),
    );
    expect(stopped.kind).toBe('interrupted');
    expect(existsSync(join(out, 'index.json'))).toBe(false);
    // Interrupted by hand after three shards: what a kill leaves, with half a shard beside it.
    const whole = await packed(dir, {}, temporaryFolder());
    const shards = ['train-00000', 'train-00001', 'test-00002'];
    const { readRecord, recordPath } = await import('../../../src/data/shards/shard-writer.js');
    const { planPack } = await import('../../../src/data/shards/plan.js');
    const { openPackable } = await import('../../../src/data/shards/packable.js');
    const plan = planPack(await openPackable({ name: 'imagetree', dir }), SIZE, 5 * IMAGE);
    const { ShardWriter } = await import('../../../src/data/shards/shard-writer.js');
    for (const shard of plan.shards) {
      if (!shards.includes(shard.file.slice(0, -4))) continue;
      const writer = new ShardWriter(out, shard, SIZE);
      const pixels = readFileSync(join(whole.path, shard.file));
      for (const slot of shard.images.keys()) {
        writer.put(slot, pixels.subarray(slot * IMAGE, (slot + 1) * IMAGE));
      }
      await writer.finish(plan.id);
      expect(await readRecord(out, shard, plan.id)).toBeDefined();
      expect(await readRecord(out, shard, 'another plan')).toBeUndefined();
      expect(existsSync(recordPath(out, shard))).toBe(true);
    }
    for (const left of [
      '.train-00003.bin.1.new',
      'index.json.1.tmp',
      '.index.json.1-0a1b2c3d.tmp',
    ]) {
      writeFileSync(join(out, left), 'by a killed process');
    }
    // Images of finished shards can be gone by now: they are not read.
    for (const name of ['ant/0', 'ant/5']) writeFileSync(join(dir, `train/${name}.png`), 'gone');
    const notes: string[] = [];
    const result = await packed(dir, { note: (message) => notes.push(message) }, out);
    expect(notes).toEqual(['3 of 8 shards are there already.']);
    expect(result.hash).toBe(whole.hash);
    expect(readdirSync(out).filter((name) => /^\.|tmp$/.test(name))).toEqual([]);
  });

  it('leaves out what cannot be decoded and lists it, or fails with --strict', async () => {
    const dir = folderOf(items);
    const broken = join(dir, 'train/bee/5.png');
    truncateSync(broken, 60);
    const result = await packed(dir);
    expect(result.counts).toEqual({ train: 20, test: 12 });
    expect(result.perClass.train).toEqual([7, 6, 7]);
    expect(result.bad).toHaveLength(1);
    expect(result.bad[0]).toMatchObject({ split: 'train', name: 'train/bee/5.png' });
    expect(result.bad[0]!.reason).toContain(`${broken} cannot be decoded`);
    const { train } = await loadDataset({ name: 'imagetree', dir: result.path }, { seed: 0 });
    // An index is a place in the source: there is a gap where the image was.
    const gap = result.bad[0]!.index;
    expect([...train.indices]).toEqual([...Array(21).keys()].filter((index) => index !== gap));
    const error = await failure(() => packed(dir, { strict: true }));
    expect(error.message).toContain('cannot be decoded');
    // A class of which nothing is left is none that a network could learn.
    for (const name of readdirSync(join(dir, 'train/cow'))) {
      writeFileSync(join(dir, 'train/cow', name), 'no image');
    }
    expect((await failure(() => packed(dir))).message).toContain('No training image of "cow"');
  });

  it('takes odd images as ImageNet has them, and refuses hostile ones by name', async () => {
    const dir = folderOf(items);
    const color = sharp({ create: { width: 30, height: 20, channels: 3, background: '#3c78b4' } });
    const whole = await color.clone().jpeg({ quality: 95 }).toBuffer();
    const huge = Buffer.from(whole);
    // Height and width in the frame's header: 20,000 each.
    const frame = huge.indexOf(Buffer.from([0xff, 0xc0]));
    huge.writeUInt16BE(20_000, frame + 5);
    huge.writeUInt16BE(20_000, frame + 7);
    const noisy = await sharp(noise(90 * 60 * 3, 8), {
      raw: { width: 90, height: 60, channels: 3 },
    })
      .jpeg()
      .toBuffer();
    const odd = {
      'png.JPEG': await color.clone().png().toBuffer(),
      'cmyk.JPEG': await color.clone().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(),
      'gray.JPEG': await color.clone().toColourspace('b-w').jpeg({ quality: 95 }).toBuffer(),
      'dot.JPEG': await plain(1, 1, { r: 60, g: 120, b: 180 }, 'jpeg'),
    };
    const hostile = {
      'half.JPEG': noisy.subarray(0, noisy.length / 2),
      'huge.JPEG': huge,
      'empty.JPEG': Buffer.alloc(0),
    };
    for (const [name, content] of Object.entries({ ...odd, ...hostile })) {
      write(join(dir, 'train/dot', name), content);
    }
    const { bad, path, perClass } = await packed(dir);
    expect(perClass.train).toEqual([7, 7, 7, 4]);
    expect(bad.map(({ name, reason }) => [name, reason.split(/\.JPEG /)[1]])).toEqual([
      [
        'train/dot/empty.JPEG',
        'is no image, whatever its name says; JPEG, PNG, WebP, GIF, TIFF, AVIF and PPM or PGM are read.',
      ],
      [
        'train/dot/half.JPEG',
        expect.stringMatching(/^cannot be decoded: .*(end|premature|cut off)/i),
      ],
      ['train/dot/huge.JPEG', 'cannot be decoded: it has more than 25,000,000 pixels.'],
    ]);
    const { train } = await loadDataset({ name: 'imagetree', dir: path }, { seed: 0 });
    const first = (position: number) => [
      ...train.images.subarray(position * IMAGE, position * IMAGE + 3),
    ];
    // By name: cmyk, dot, gray, png; conversions to inks and back are off by some.
    for (const [position, exact] of [
      [21, 40],
      [22, 4],
      [24, 0],
    ] as const) {
      for (const [i, value] of [60, 120, 180].entries()) {
        expect(Math.abs(first(position)[i]! - value)).toBeLessThanOrEqual(exact);
      }
    }
    expect(new Set(first(23)).size).toBe(1);
  });

  it('tells a damaged shard or index in a sentence', async () => {
    const { path } = await packed(folderOf(items));
    const data = { name: 'imagetree' as const, dir: path };
    const shard = join(path, 'train-00001.bin');
    const before = readFileSync(shard);
    const flipped = Buffer.from(before);
    flipped[7]! ^= 1;
    writeFileSync(shard, flipped);
    expect((await failure(() => verifyPack(path))).message).toMatch(/train-00001\.bin has sha256/);
    const streamed = await failure(() => openDataset({ ...data, stream: true }, { seed: 0 }));
    expect(streamed.message).toContain('is damaged');
    writeFileSync(shard, before.subarray(1));
    expect((await failure(() => loadDataset(data, { seed: 0 }))).message).toMatch(
      /train-00001\.bin has 959 bytes, and 960 bytes are expected/,
    );
    rmSync(shard);
    expect((await failure(() => verifyPack(path))).message).toMatch(/train-00001\.bin is missing/);
    const index = join(path, 'index.json');
    const text = readFileSync(index, 'utf8');
    for (const [from, to, message] of [
      ['{', '', /is not JSON/],
      ['"version":1', '"version":2', /is of version 2/],
      ['"perClass":[7', '"perClass":[8', /train has 21 images and 22 images by class/],
      ['"size":8', '"size":9', /train-00000\.bin has 5 images in 960 bytes/],
      ['train-00000.bin', '../etc/passwd', /damaged at train\.shards\.0\.file/],
      ['"channels":3', '"channels":3,"more":1', /damaged at the file/],
    ] as const) {
      writeFileSync(index, text.replace(from, to));
      expect((await failure(() => verifyPack(path))).message).toMatch(message);
    }
  });

  it('refuses another size or name than it was packed with', async () => {
    const { path } = await packed(folderOf(items));
    const other = await failure(() =>
      loadDataset({ name: 'imagetree', dir: path, size: 16 }, { seed: 0 }),
    );
    expect(other.message).toContain(`data.size is 16, but the images in ${path} are packed at 8×8`);
    const name = await failure(() => loadDataset({ name: 'imagenet', dir: path }, { seed: 0 }));
    expect(name.hint).toBe('Set data.name to imagetree.');
  });
});

const corruption = [
  { kind: 'partial-labels', fraction: 0.5, channels: 'together', statistics: 'channel' },
  { kind: 'random-pixels', fraction: 0.6, channels: 'together', statistics: 'channel' },
  { kind: 'gaussian', fraction: 0.3, channels: 'together', statistics: 'channel' },
] as const;

describe('streaming', () => {
  /** The same images four ways: in memory, and on the disk as shards, as files and in a tar. */
  async function fourWays(subset?: object) {
    const dir = folderOf(items);
    const archive = await writeTar(join(temporaryFolder(), 'tree.tar'), items);
    const { path } = await packed(dir);
    const open = async (data: object) =>
      (await openDataset({ name: 'imagetree', ...subset, ...data }, { seed: 5 })).dataset;
    return {
      memory: (await open({ dir, size: SIZE, stream: false })) as Dataset,
      streamed: (await Promise.all([
        open({ dir: path, stream: true }),
        open({ dir, size: SIZE, stream: true }),
        open({ dir: archive, size: SIZE, stream: true }),
      ])) as Dataset<StoredImages>[],
    };
  }

  it.each([
    ['all', {}],
    ['a limit', { limit: 10, testLimit: 5 }],
    ['a subset', { subset: { synsets: ['cow', 'bee'], perClass: 4, testPerClass: 2, seed: 3 } }],
  ])('gives the bytes of memory, corrupted alike: %s', async (_, subset) => {
    const { memory, streamed } = await fourWays(subset);
    const expected = corruptDataset(memory, corruption, 9);
    for (const dataset of streamed) {
      expect(dataset.hash).toBe(memory.hash);
      expect(dataset.statistics).toEqual(memory.statistics);
      const corrupted = corruptDataset(dataset, corruption, 9);
      for (const split of ['train', 'test'] as const) {
        const { images, ...rest } = corrupted[split];
        const { images: inMemory, ...others } = expected[split];
        expect(rest).toEqual(others);
        const out = new Uint8Array(inMemory.length);
        const positions = Uint32Array.from(rest.indices.keys());
        const reader = openStored(images);
        await reader.read(positions, out);
        reader.close();
        expect(Buffer.from(out).equals(inMemory)).toBe(true);
      }
    }
    expect(summarizeCorruption(expected, corruption, 9).train.images_corrupted).toBeGreaterThan(0);
    expect(HASHED_IMAGES).toBe(1000);
  });

  it('makes the batches and the evaluation chunks that memory makes', async () => {
    const { memory, streamed } = await fourWays();
    const size = { height: SIZE, width: SIZE, channels: 3 };
    const options = (dataset: Dataset<Images>) => ({
      examples: corruptDataset(dataset, corruption, 9).train,
      size,
      batchSize: 4,
      crop: 6,
      augment: { crop: true, flip: true, rotation: 0 },
      masks: [{ name: 'm', units: 3 }],
      dropout: 0.5,
      seed: 2,
    });
    const inMemory = openBatches(options(memory));
    for (const dataset of streamed) {
      const batches = openBatches(options(dataset));
      // Steps out of order: what a step gets does not depend on what was asked for before.
      for (const [epoch, first, steps] of [
        [0, 0, 2],
        [1, 3, 2],
        [0, 2, 1],
      ] as const) {
        const rates = new Float32Array(steps);
        const chunk = await batches.chunk(epoch, first, steps, rates);
        expect(chunk).toEqual(await inMemory.chunk(epoch, first, steps, rates));
      }
      if ('dispose' in batches) batches.dispose();
      const { images, labels, count } = dataset.test;
      const common = { labels, count, size, evalBatchSize: 3, crop: 6, maxBytes: 5 * IMAGE };
      const chunks = [];
      for await (const chunk of storedEvalChunks({ ...common, images })) {
        chunks.push({ ...chunk, images: chunk.images.slice() });
      }
      expect(chunks.length).toBe(4);
      const whole = evalChunks({ ...common, images: memory.test.images });
      const flat = [...whole].map((chunk) => ({ ...chunk, images: chunk.images.slice() }));
      const concat = (list: { images: Uint8Array }[]) =>
        Buffer.concat(list.map((chunk) => chunk.images));
      expect(concat(chunks).equals(concat(flat))).toBe(true);
    }
  });

  it('is chosen by data.memory, and refused where it cannot be', async () => {
    const dir = folderOf(items);
    const streams = async (data: object) =>
      (await openDataset({ name: 'imagetree', dir, size: 200, ...data }, { seed: 0 })).streamed;
    // 33 images of 120,000 bytes are 3.8 MiB.
    expect(await streams({ memory: 4 })).toBe(false);
    expect(await streams({ memory: 3 })).toBe(true);
    expect(await streams({ memory: 3, stream: false })).toBe(false);
    expect(await streams({})).toBe(false);
    const gz = await writeTar(join(temporaryFolder(), 'tree.tar.gz'), items);
    const zipped = await failure(() => streams({ dir: gz, stream: true }));
    expect(zipped.message).toContain('is gzipped');
    expect(zipped.hint).toContain('rethink-gen data pack');
    const other = await failure(() =>
      openDataset({ name: 'synthetic', stream: true }, { seed: 0 }),
    );
    expect(other.message).toBe('data.stream is true, and synthetic is read into memory.');
    const split = { from: 'train' as const, train: 4, test: 4 };
    expect((await failure(() => streams({ stream: true, split }))).kind).toBe('usage');
  });

  it('names a damaged image as its archive does, and says how to do without it', async () => {
    const broken = items.map((item) =>
      item.name === 'train/bee/5.png' ? { ...item, content: item.content.subarray(0, 60) } : item,
    );
    const archive = await writeTar(join(temporaryFolder(), 'tree.tar'), broken);
    const folder = folderOf(broken);
    const inTar = `${archive}: train/bee/5.png`;
    for (const [dir, name, stream] of [
      [archive, inTar, true],
      [archive, inTar, false],
      [folder, join(folder, 'train/bee/5.png'), true],
      [folder, join(folder, 'train/bee/5.png'), false],
    ] as const) {
      const error = await failure(() => openDataset({ ...tree(dir), stream }, { seed: 0 }));
      expect(error.message.startsWith(`${name} cannot be decoded: `)).toBe(true);
      expect(error.hint).toContain('leaves it out and lists it: rethink-gen data pack');
    }
    expect(entryAt(archive, 7)).toBe('the image at byte 7');
    expect(entryAt(`${archive}x`, 7)).toBe('the image at byte 7');
  });

  it('tells an image that was lost after the run began', async () => {
    const dir = folderOf(items);
    const { dataset } = await openDataset({ ...tree(dir), stream: true }, { seed: 0 });
    const lost = join(dir, 'train/ant/0.png');
    rmSync(lost);
    const reader = openStored(dataset.train.images as StoredImages);
    const error = await failure(() => reader.read([0, 1, 2], new Uint8Array(3 * IMAGE)));
    expect(error.message).toBe(`Could not read ${lost}: there is no such file or folder.`);
    const { path } = await packed(folderOf(items));
    const shards = await openDataset({ name: 'imagetree', dir: path, stream: true }, { seed: 0 });
    truncateSync(join(path, 'train-00000.bin'), IMAGE);
    const cut = openStored(shards.dataset.train.images as StoredImages);
    expect((await failure(() => cut.read([1], new Uint8Array(IMAGE)))).message).toContain(
      'train-00000.bin is cut',
    );
    cut.close();
  });
});
