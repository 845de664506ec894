import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readLabelTable } from '../../src/corrupt/label-table.js';
import { unpackedTar, wholeTar } from '../../src/data/archive/tar-scan.js';
import { FileCount } from '../../src/data/archive/unpacked.js';
import { arraysSource } from '../../src/data/arrays.js';
import { collectSplit } from '../../src/data/collect.js';
import { countPerClass } from '../../src/data/inspect/per-class.js';
import { imagetreeSource } from '../../src/data/tree/imagetree.js';
import { listFolder } from '../../src/data/tree/listing.js';
import type { DataSource } from '../../src/data/types.js';
import { takingTurns } from '../../src/progress.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { failure, npy, plain, readAll, write } from './helpers.js';
import { rawTar, rawZip } from './tree/raw-archives.js';

const MANY = 100_000;
const file = (name: string) => join(temporaryFolder(), name);

/** A zip of one empty file, listed many times: 64-bit counts. */
function zipOfEmpty(): Buffer {
  const one = rawZip([{ name: 'train/a/1.png' }], 'store');
  const table = one.readUInt32LE(one.length - 6);
  const entries = one.subarray(table, one.length - 22);
  const all = Buffer.alloc(entries.length * MANY, entries);
  const [end, locator, last] = [Buffer.alloc(56), Buffer.alloc(20), Buffer.alloc(22, 0xff)];
  end.write('504b0606', 'hex');
  end.writeBigUInt64LE(44n, 4);
  for (const at of [24, 32]) end.writeBigUInt64LE(BigInt(MANY), at);
  end.writeBigUInt64LE(BigInt(all.length), 40);
  end.writeBigUInt64LE(BigInt(table), 48);
  locator.write('504b0607', 'hex');
  locator.writeBigUInt64LE(BigInt(table + all.length), 8);
  locator.writeUInt32LE(1, 16);
  last.write('504b0506', 'hex');
  last.fill(0, 4, 8);
  last.fill(0, 20);
  return Buffer.concat([one.subarray(0, table), all, end, locator, last]);
}

/** One entry's header many times over. */
const tarOfEmpty = () =>
  Buffer.concat([
    Buffer.alloc(512 * MANY, rawTar([{ name: 'train/a/1.png' }]).subarray(0, 512)),
    Buffer.alloc(1024),
  ]);

describe('an archive of nothing but empty files', () => {
  const tar = tarOfEmpty();
  it.each([
    ['tar', 'x.tar', tar],
    ['tar.gz', 'x.tar.gz', gzipSync(tar, { level: 1 })],
    ['zip', 'x.zip', zipOfEmpty()],
  ])('is told for it soon: %s', async (_, name, bytes) => {
    const path = write(file(name), bytes);
    const error = await failure(() => imagetreeSource(path));
    expect(error).toMatchObject({
      kind: 'data',
      message: `${path} holds no images: its first 100,000 files are empty.`,
    });
  });

  it('is told for it as a shard of WebDataset, too', async () => {
    const folder = temporaryFolder();
    const shard = Buffer.concat([rawTar([{ name: '1.cls' }]).subarray(0, 512), tar]);
    for (const name of ['train-0.tar', 'val-0.tar']) write(join(folder, name), shard);
    const error = await failure(() => imagetreeSource(folder));
    expect(error.message).toContain('train-0.tar holds no images');
  });

  it('may have many, where one is not', async () => {
    const image = await plain(8, 8, { r: 1, g: 2, b: 3 });
    const names = ['train/a/1.png', 'train/b/1.png', 'test/a/1.png'];
    const images = rawTar(names.map((name) => ({ name, content: image })));
    const empties = tar.subarray(0, -1024);
    // Of a name that comes twice the last one counts.
    const path = write(file('x.tar'), Buffer.concat([images.subarray(0, 1024), empties, images]));
    const source = await imagetreeSource(path, 8);
    expect(source.info.counts).toEqual({ train: 2, test: 1 });
  });
});

describe('more files than fit into memory', () => {
  it('are told for their number', () => {
    const count = new FileCount('/data', 2);
    count.add(1);
    count.add(undefined);
    expect(() => count.add(0)).toThrow(
      '/data has more than 2 files, the most that fit into memory here.',
    );
  });
});

describe('names of extreme length', () => {
  const long = `train/a/${'x'.repeat(1_000_000)}.png`;
  it.each([
    ['a tar', 'x.tar', rawTar([{ name: long, content: Buffer.of(1) }], 'pax')],
    ['a tar.gz', 'x.tar.gz', gzipSync(rawTar([{ name: long, content: Buffer.of(1) }], 'pax'))],
    ['a zip', 'x.zip', rawZip([{ name: long.slice(-60_000), content: Buffer.of(1) }], 'store')],
    ['a tar of folders', 'x.tar', rawTar([{ name: `${'x'.repeat(250)}/`.repeat(30) }], 'pax')],
  ])('in %s are told in a sentence of bounded length', async (_, name, bytes) => {
    const error = await failure(() => imagetreeSource(write(file(name), bytes)));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toMatch(/has a name of [\d,]+ characters/);
    expect(error.message.length).toBeLessThan(1000);
  });
});

describe('a claim of more bytes than there are', () => {
  const petabyte = '(1000000000000, 32, 32)';
  const claims = npy('|u1', petabyte, Buffer.alloc(10));
  /** As its table of names says it. */
  const claimed = (bytes: Buffer, size: number) => {
    const table = bytes.readUInt32LE(bytes.length - 6);
    bytes.writeUInt32LE(size, table + 24);
    return bytes;
  };
  const bomb = (name: string) =>
    claimed(rawZip([{ name, content: Buffer.alloc(1 << 20) }], 'deflate'), 0xfffffff0);

  it.each([
    ['x.npz', rawZip([{ name: 'x_train.npy', content: claims }], 'store'), /is damaged: an array/],
    ['x.npz', bomb('x_train.npy'), /holds more than [\d,]+ bytes/],
  ])('by images is refused before memory is taken: %s', async (name, bytes, why) => {
    const error = await failure(() => arraysSource(write(file(name), bytes)));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toMatch(why);
  });

  it('by .npy files is refused', async () => {
    const folder = temporaryFolder();
    write(join(folder, 'x_train.npy'), claims);
    expect((await failure(() => arraysSource(folder))).message).toMatch(/is damaged: an array/);
  });

  it.each([
    ['labels.npy', claims, /is damaged: an array/],
    ['labels.npz', bomb('labels.npy'), /holds more than [\d,]+ bytes/],
    ['labels.pt', bomb('labels/data.pkl'), /holds more than [\d,]+ bytes/],
  ])('by labels is refused: %s', async (name, bytes, why) => {
    const path = write(file(name), bytes);
    const error = await failure(() => readLabelTable(path, 10, ['a', 'b']));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toMatch(why);
  });

  it('by a file of petabytes that is none is refused', async () => {
    const folder = temporaryFolder();
    const fd = openSync(join(folder, 'x_train.npy'), 'w');
    writeSync(fd, npy('|u1', '(10000000000, 32, 32)', Buffer.alloc(0)));
    ftruncateSync(fd, 2 ** 40);
    closeSync(fd);
    const error = await failure(() => arraysSource(folder));
    expect(error.message).toMatch(/holds more than [\d,]+ bytes/);
  });

  it('by an image of a zip is refused', async () => {
    const image = await plain(8, 8, { r: 1, g: 2, b: 3 });
    const content = Buffer.concat([image, Buffer.alloc(65 * 2 ** 20)]);
    const names = ['train/a/1.png', 'train/b/1.png', 'test/a/1.png'];
    const bytes = rawZip(
      names.map((name, i) => ({ name, content: i === 0 ? content : image })),
      'deflate',
    );
    const source = await imagetreeSource(write(file('x.zip'), bytes), 8);
    const error = await failure(() => readAll(source, 'train'));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toMatch(/train\/a\/1\.png cannot be unpacked/);
  });
});

describe('reading that is interrupted', () => {
  /** Never waits for anything, as a source in memory. */
  const endless: DataSource = {
    info: {
      name: 'endless',
      height: 1,
      width: 1,
      channels: 1,
      classes: ['a', 'b'],
      counts: { train: 10, test: 10 },
      origin: 'images',
    },
    async *read() {
      for (;;) yield { index: 0, label: 0, image: Uint8Array.of(0) };
    },
  };
  const soon = () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 0);
    return { signal: controller.signal };
  };
  const interrupted = { kind: 'interrupted', exitCode: 130 };

  it('ends, also where a source keeps the event loop to itself', async () => {
    expect(await failure(() => collectSplit(endless, 'train', soon()))).toMatchObject(interrupted);
    expect(await failure(() => countPerClass(endless, soon()))).toMatchObject(interrupted);
  });

  it('ends within a tar that is nothing but zeros', async () => {
    const path = file('zeros.tar');
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 2 ** 40);
    closeSync(fd);
    const error = await failure(() => unpackedTar(wholeTar(path), soon()));
    expect(error).toMatchObject({ ...interrupted, message: `Interrupted while reading ${path}.` });
  });

  it.each([
    ['a folder', async (folder: string) => listFolder(folder, { signal: AbortSignal.abort() })],
    [
      'a tree',
      (folder: string) => imagetreeSource(folder, 8, undefined, { signal: AbortSignal.abort() }),
    ],
    ['arrays', (folder: string) => arraysSource(folder, { signal: AbortSignal.abort() })],
  ])('ends at once where the signal came before: %s', async (_, read) => {
    const folder = temporaryFolder();
    write(join(folder, 'train', 'a', '1.png'), Buffer.of(1));
    write(join(folder, 'x_train.npy'), npy('|u1', '(1,)', Buffer.of(1)));
    expect(await failure(() => read(folder))).toMatchObject(interrupted);
  });

  it('takes no turn where there was no time for one', () => {
    expect(takingTurns({}, 'x')()).toBeUndefined();
  });
});
