import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../src/data/image/decode.js';
import { loadDataset } from '../../../src/data/load.js';
import { describeDataset, openSource } from '../../../src/data/source.js';
import { imagetreeSource } from '../../../src/data/tree/imagetree.js';
import { sortTree } from '../../../src/data/tree/tree.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  failure,
  noise,
  plain,
  png,
  readAll,
  realData,
  type TarItem,
  write,
  writeTar,
} from '../helpers.js';

const red = { r: 255, g: 0, b: 0 };
const green = { r: 0, g: 255, b: 0 };
const blue = { r: 0, g: 0, b: 255 };

/** Three classes, in an order in which no reader should leave them. */
async function images(): Promise<(TarItem & { content: Buffer })[]> {
  return [
    { name: 'train/dog/b.png', content: await plain(12, 8, blue) },
    { name: 'val/cat/x.png', content: await plain(8, 8, red) },
    { name: 'train/Zebra/1.PNG', content: await plain(8, 8, { r: 9, g: 9, b: 9 }) },
    { name: 'train/dog/a.jpg', content: await plain(8, 16, green, 'jpeg') },
    { name: 'train/cat/10.png', content: await plain(8, 8, red) },
    { name: 'train/cat/9.jpeg', content: await plain(40, 40, green, 'jpeg') },
    { name: 'val/dog/x.png', content: await png(noise(8 * 8 * 3, 1), 8, 8) },
  ];
}

const beside: TarItem[] = [
  { name: 'README.txt', content: 'no image' },
  { name: 'train/cat/.hidden.jpg', content: 'left by a file browser' },
  { name: 'train/dog/Thumbs.db', content: 'left by another' },
];

async function folderOf(items: TarItem[]): Promise<string> {
  const folder = temporaryFolder();
  for (const { name, content } of items) write(join(folder, name), Buffer.from(content!));
  return folder;
}

describe('a tree of images', () => {
  it('is ordered by class, then by file name, by code unit', async () => {
    const source = await imagetreeSource(await folderOf([...(await images()), ...beside]), 8);
    expect(source.info).toEqual({
      name: 'imagetree',
      height: 8,
      width: 8,
      channels: 3,
      classes: ['Zebra', 'cat', 'dog'],
      counts: { train: 5, test: 2 },
      origin: 'images',
    });
    const train = await readAll(source, 'train');
    expect(train.map(({ index, label }) => [index, label])).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
    ]);
    // 'cat/10.png' (red) is before 'cat/9.jpeg' (green); JPEG may be off by a little.
    expect([...train[1]!.image.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect(train[2]!.image[1]).toBeGreaterThan(250);
  });

  it('is the same data set as a folder, a tar, and a tar.gz with a folder above', async () => {
    const items = await images();
    const below = items.map((item) => ({ ...item, name: `./pets/${item.name}` }));
    const dirs = [
      await folderOf(items),
      await writeTar(join(temporaryFolder(), 'tree.tar'), [...items, ...beside]),
      await writeTar(join(temporaryFolder(), 'tree.tar.gz'), [...below].reverse()),
    ];
    const loaded = await Promise.all(
      dirs.map((dir) => loadDataset({ name: 'imagetree', dir, size: 8 }, { seed: 0 })),
    );
    expect(new Set(loaded.map(({ hash }) => hash)).size).toBe(1);
    expect([...loaded[0]!.train.indices]).toEqual([0, 1, 2, 3, 4]);
  });

  it('prefers test to val, and keeps images of the right size as they are', async () => {
    const pixels = noise(8 * 8 * 3, 5);
    const folder = await folderOf([
      ...(await images()),
      { name: 'test/cat/1.png', content: await png(pixels, 8, 8) },
    ]);
    const test = await readAll(await imagetreeSource(folder, 8), 'test');
    expect(test).toEqual([{ index: 0, label: 1, image: pixels }]);
  });

  it('is described without being decoded', async () => {
    const dir = await folderOf([
      { name: 'train/a/1.jpg', content: 'not read' },
      { name: 'train/b/1.jpg', content: 'not read' },
      { name: 'test/b/1.jpg', content: 'not read' },
    ]);
    expect(describeDataset({ name: 'imagetree', dir })).toMatchObject({
      height: 32,
      classes: ['a', 'b'],
      counts: { train: 2, test: 1 },
    });
    expect(describeDataset({ name: 'imagetree', dir: join(dir, 'nowhere') })).toBeUndefined();
    expect(describeDataset({ name: 'imagetree' })).toBeUndefined();
  });

  it.each([
    ['no train', ['test/a/1.jpg', 'test/b/1.jpg'], /has no images in train\/<class>/],
    [
      'no test',
      ['train/a/1.jpg', 'train/b/1.jpg'],
      /has no images in test \(or val, validation, valid, testing\)/,
    ],
    ['nothing', [], /has no images in train/],
    ['one class', ['train/a/1.jpg', 'test/a/1.jpg'], /has one class only, "a"/],
    [
      'a class in test alone',
      ['train/a/1.jpg', 'train/b/1.jpg', 'test/c/1.jpg'],
      /"test\/c\/1\.jpg" is of an unknown class, "c"/,
    ],
    [
      'an image too deep',
      ['train/a/1.jpg', 'train/b/x/1.jpg', 'test/a/1.jpg'],
      /"train\/b\/x\/1\.jpg" is not at <split>/,
    ],
    [
      'an image too high',
      ['train/a/1.jpg', 'train/1.jpg', 'test/a/1.jpg'],
      /"train\/1\.jpg" is not at <split>/,
    ],
    [
      'another format',
      ['train/a/1.jpg', 'train/b/1.bmp', 'test/a/1.jpg'],
      /"train\/b\/1\.bmp" is BMP, which is not read/,
    ],
  ])('is refused with %s', async (_, paths, message) => {
    const error = await failure(() => sortTree({ paths }, '/data/tree'));
    expect(error.message).toMatch(message);
    expect(error.message).toContain('/data/tree');
  });

  it('is refused with a missing or unknown class where the classes are given', async () => {
    const paths = ['train/a/1.jpg', 'train/c/1.jpg', 'test/a/1.jpg'];
    expect((await failure(() => sortTree({ paths }, 't', ['a', 'b']))).message).toMatch(
      /no training images of 1 of 2 classes: "b"/,
    );
    expect((await failure(() => sortTree({ paths }, 't', ['a']))).message).toMatch(
      /one class only/,
    );
    expect(
      (await failure(() => sortTree({ paths: [...paths, 'train/b/1.jpg'] }, 't', ['a', 'b'])))
        .message,
    ).toMatch(/unknown class, "c"/);
  });

  it('names a class whose folder is empty, in a folder and in archives', async () => {
    const items = [...(await images()), { name: 'train/cow/', type: 'directory' as const }];
    const folder = temporaryFolder();
    for (const { name, content } of await images()) write(join(folder, name), content);
    mkdirSync(join(folder, 'train/.thumbnails'));
    expect((await imagetreeSource(folder)).info.classes).toEqual(['Zebra', 'cat', 'dog']);
    mkdirSync(join(folder, 'train/cow'));
    const beside = temporaryFolder();
    const tar = await writeTar(join(beside, 'images.tar'), items);
    const gzipped = await writeTar(join(beside, 'images.tar.gz'), items);
    for (const dir of [folder, tar, gzipped]) {
      const error = await failure(() => openSource({ name: 'imagetree', dir }));
      expect(error.kind).toBe('data');
      expect(error.message).toBe(`${dir}: "train/cow/" has no images.`);
    }
  });

  it('needs data.dir, and says so', async () => {
    const error = await failure(() => openSource({ name: 'imagetree' }));
    expect(error.kind).toBe('usage');
    expect(error.message).toContain('data.dir');
    const lost = await failure(() => openSource({ name: 'imagetree', dir: '/no/such/folder' }));
    expect(lost.message).toBe('Could not read /no/such/folder: there is no such file or folder.');
  });
});

describe('decoding', () => {
  const size = { height: 8, width: 8, channels: 3 };

  it('fills the square and cuts to the center', async () => {
    // Green in the middle third, red and blue at the sides, which are cut away.
    const wide = new Uint8Array(24 * 8 * 3);
    for (let i = 0; i < 24 * 8; i++) wide[3 * i + [0, 1, 2][Math.floor((i % 24) / 8)]!] = 255;
    const pixels = await decodeImage(await png(wide, 24, 8), 'wide', { size, fit: 'cover' });
    for (let i = 0; i < 64; i++)
      expect([...pixels.subarray(3 * i, 3 * i + 3)]).toEqual([0, 255, 0]);
  });

  it.each([
    ['gray', () => png(new Uint8Array(64).fill(77), 8, 8, 1), [77, 77, 77]],
    ['half-transparent', () => png(new Uint8Array(256).fill(128), 8, 8, 4), [64, 64, 64]],
    [
      'gray JPEG',
      () =>
        sharp(new Uint8Array(64).fill(77), { raw: { width: 8, height: 8, channels: 1 } })
          .toColourspace('b-w')
          .jpeg()
          .toBuffer(),
      [77, 77, 77],
    ],
    [
      '16-bit',
      () =>
        sharp(new Uint8Array(192).fill(77), { raw: { width: 8, height: 8, channels: 3 } })
          .toColourspace('rgb16')
          .png()
          .toBuffer(),
      [77, 77, 77],
    ],
    [
      'CMYK',
      () =>
        sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
          .toColourspace('cmyk')
          .jpeg()
          .toBuffer(),
      [255, 255, 255],
    ],
  ])('makes RGB bytes of %s', async (_, make, expected) => {
    for (const fit of ['cover', 'exact'] as const) {
      const pixels = await decodeImage(await make(), 'image', { size, fit });
      expect(pixels.length).toBe(192);
      for (const [i, value] of expected.entries()) {
        expect(Math.abs(pixels[i]! - value)).toBeLessThanOrEqual(2);
      }
    }
  });

  it('turns a photograph upright', async () => {
    const half = new Uint8Array(8 * 8 * 3);
    for (let i = 0; i < 32; i++) half[3 * i] = 255;
    const turned = await sharp(half, { raw: { width: 8, height: 8, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const pixels = await decodeImage(turned, 'photo', { size, fit: 'cover' });
    // The red upper half is the right half once turned.
    expect(pixels[0]).toBe(0);
    expect(pixels[3 * 7]).toBe(255);
  });

  it('refuses another size where it must be exact', async () => {
    const error = await failure(async () =>
      decodeImage(await plain(9, 8, red), 'train/a/1.png', { size, fit: 'exact' }),
    );
    expect(error.message).toBe('train/a/1.png is 9×8 pixels, and 8×8 is expected.');
  });
});

const real = realData('imagenette-160-subset.tar');
describe(`real photographs${real ? '' : ' (skipped: no shared/data)'}`, () => {
  it.skipIf(!real)('are read from a tar', async () => {
    const source = await imagetreeSource(real!, 32);
    expect(source.info.counts).toEqual({ train: 2000, test: 500 });
    const test = await readAll(source, 'test');
    expect(new Set(test.map(({ index }) => index)).size).toBe(500);
    for (const { image } of test) expect(image.length).toBe(3072);
  });
});
