import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/resolve.js';
import { looksLikeImagenet } from '../../src/data/imagenet/index.js';
import { readSynsets } from '../../src/data/imagenet/mat.js';
import { loadDataset } from '../../src/data/load.js';
import { openDataset } from '../../src/data/open.js';
import { packImages } from '../../src/data/shards/pack.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { failure, noise, tarOf, write, writeTar } from './helpers.js';

const SYNSETS = ['n01440764', 'n02102040', 'n03888257'];
/** Numbers of the devkit are in another order than names. */
const IDS = [3, 1, 2];

const tag = (type: number, length: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(length, 4);
  return bytes;
};
const element = (type: number, data: Buffer) =>
  Buffer.concat([tag(type, data.length), data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
/** Up to four bytes in the tag. */
const short = (type: number, data: Buffer) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(type, 0);
  bytes.writeUInt16LE(data.length, 2);
  data.copy(bytes, 4);
  return bytes;
};
const int32 = (...values: number[]) => Buffer.from(Int32Array.from(values).buffer);
const head = (kind: number, rows: number, columns: number, name = '') => [
  element(6, int32(kind, 0)),
  element(5, int32(rows, columns)),
  name.length <= 4 ? short(1, Buffer.from(name)) : element(1, Buffer.from(name)),
];
const matrix = (...parts: Buffer[]) => element(14, Buffer.concat(parts));

/** What MATLAB writes for `synsets`, as far as the reader looks at it. */
function metaMat(compressed: boolean, change = (mat: Buffer) => mat): Buffer {
  const fields = ['ILSVRC2012_ID', 'WNID', 'words'];
  const names = Buffer.concat(
    fields.map((name) => Buffer.concat([Buffer.from(name), Buffer.alloc(32 - name.length)])),
  );
  const cells = SYNSETS.flatMap((wnid, i) => [
    i === 0
      ? matrix(...head(6, 1, 1), element(9, Buffer.from(Float64Array.of(IDS[i]!).buffer)))
      : matrix(...head(6, 1, 1), short(2, Buffer.from([IDS[i]!]))),
    i === 1
      ? matrix(
          ...head(4, 1, 9),
          element(4, Buffer.from(Uint16Array.from(wnid, (c) => c.charCodeAt(0)).buffer)),
        )
      : matrix(...head(4, 1, 9), element(16, Buffer.from(wnid))),
    matrix(...head(4, 0, 0)),
  ]);
  const struct = matrix(
    ...head(2, SYNSETS.length, 1, 'synsets'),
    short(5, int32(32)),
    element(1, names),
    ...cells,
  );
  const first = Buffer.alloc(128, ' ');
  first.write('MATLAB 5.0 MAT-file', 'latin1');
  first.write('\0\u0001IM', 124, 'latin1');
  const body = compressed
    ? (() => {
        const packed = deflateSync(struct);
        return Buffer.concat([tag(15, packed.length), packed]);
      })()
    : struct;
  // Another variable before it.
  return change(
    Buffer.concat([first, matrix(...head(6, 1, 1, 'more'), short(2, Buffer.from([1]))), body]),
  );
}

const jpeg = (seed: number) =>
  sharp(noise(20 * 14 * 3, seed), { raw: { width: 20, height: 14, channels: 3 } })
    .jpeg()
    .toBuffer();

let train: { name: string; content: Buffer }[][];
/** Validation image i is of synset TRUTH[i]. */
const TRUTH = [2, 0, 1, 0, 2, 1];
let val: { name: string; content: Buffer }[];
beforeAll(async () => {
  train = await Promise.all(
    SYNSETS.map((synset, c) =>
      Promise.all(
        [1, 10, 9].map(async (n) => ({
          name: `${synset}_${n}.JPEG`,
          content: await jpeg(10 * c + n),
        })),
      ),
    ),
  );
  val = await Promise.all(
    TRUTH.map(async (_, i) => ({
      name: `ILSVRC2012_val_${String(i + 1).padStart(8, '0')}.JPEG`,
      content: await jpeg(100 + i),
    })),
  );
});

const groundTruth = () => `${TRUTH.map((c) => IDS[c]).join('\n')}\n`;

async function official(folder = temporaryFolder()): Promise<string> {
  const inner = await Promise.all(
    SYNSETS.map(async (synset, c) => ({ name: `${synset}.tar`, content: await tarOf(train[c]!) })),
  );
  await writeTar(join(folder, 'ILSVRC2012_img_train.tar'), inner.reverse());
  await writeTar(join(folder, 'ILSVRC2012_img_val.tar'), [...val].reverse());
  await writeTar(join(folder, 'ILSVRC2012_devkit_t12.tar.gz'), [
    { name: 'ILSVRC2012_devkit_t12/readme.txt', content: 'x' },
    { name: 'ILSVRC2012_devkit_t12/data/meta.mat', content: metaMat(true) },
    {
      name: 'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt',
      content: groundTruth(),
    },
  ]);
  return folder;
}

/** Unpacked, validation flat. */
function unpacked(folder = temporaryFolder()): string {
  SYNSETS.forEach((synset, c) => {
    for (const { name, content } of train[c]!) write(join(folder, 'train', synset, name), content);
  });
  for (const { name, content } of val) write(join(folder, 'val', name), content);
  return folder;
}

const data = (dir: string, more: Partial<Config['data']> = {}): Config['data'] => ({
  name: 'imagenet',
  dir,
  size: 8,
  ...more,
});
const load = (dir: string, more?: Partial<Config['data']>) =>
  loadDataset(data(dir, more), { seed: 0 });

describe('ImageNet', () => {
  it('is the same data set in every form that it is handed about in', async () => {
    const folder = await official();
    const expected = await load(folder);
    expect(expected.info).toMatchObject({
      name: 'imagenet',
      classes: SYNSETS,
      counts: { train: 9, test: 6 },
      origin: 'images',
    });
    expect([...expected.test.labels]).toEqual([0, 0, 1, 1, 2, 2]);
    const sorted = unpacked();
    TRUTH.forEach((c, i) => {
      const { name } = val[i]!;
      mkdirSync(join(sorted, 'val', SYNSETS[c]!), { recursive: true });
      renameSync(join(sorted, 'val', name), join(sorted, 'val', SYNSETS[c]!, name));
    });
    const kit = unpacked();
    write(join(kit, 'ILSVRC2012_devkit_t12/data/meta.mat'), metaMat(false));
    write(
      join(kit, 'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt'),
      groundTruth(),
    );
    const kaggle = temporaryFolder();
    unpacked(join(kaggle, 'ILSVRC/Data/CLS-LOC'));
    const solution = TRUTH.map((c, i) => `${val[i]!.name.slice(0, -5)},${SYNSETS[c]} 1 2 3 4`);
    write(
      join(kaggle, 'LOC_val_solution.csv'),
      `ImageId,PredictionString\n${solution.join('\n')}\n`,
    );
    const caffe = unpacked();
    write(join(caffe, 'val.txt'), TRUTH.map((c, i) => `${val[i]!.name} ${c}`).join('\n'));
    write(join(caffe, 'synset_words.txt'), SYNSETS.map((name) => `${name} some words`).join('\n'));
    const out = temporaryFolder();
    const packed = await packImages({ data: { name: 'imagenet', dir: folder }, out, size: 8 });
    expect(packed.hash).toBe(expected.hash);
    const renamed = unpacked();
    renameSync(join(renamed, 'train'), join(renamed, 'Training'));
    renameSync(join(renamed, 'val'), join(renamed, 'Validation'));
    write(
      join(renamed, 'val.txt'),
      TRUTH.map((c, i) => `${val[i]!.name} ${SYNSETS[c]}`).join('\n'),
    );
    for (const dir of [
      sorted,
      kit,
      kaggle,
      caffe,
      renamed,
      out,
      join(folder, 'ILSVRC2012_img_train.tar'),
    ]) {
      expect((await load(dir)).hash).toBe(expected.hash);
      const { dataset } = await openDataset(data(dir, { stream: true }), { seed: 0 });
      expect(dataset.hash).toBe(expected.hash);
    }
    expect([folder, sorted].map(looksLikeImagenet)).toEqual([true, false]);
  });

  it('gives an image the index it has in the whole source, whatever subset is taken', async () => {
    const folder = await official();
    const subset = { synsets: ['n03888257', 'n02102040'], perClass: 2, testPerClass: 1, seed: 4 };
    const part = await load(folder, { subset });
    expect(part.info.classes).toEqual(['n02102040', 'n03888257']);
    expect(part.info.counts).toEqual({ train: 4, test: 2 });
    expect(part.info.subset).toEqual({
      ...subset,
      synsets: ['n02102040', 'n03888257'],
      of: { train: 9, test: 6, classes: 3 },
    });
    const all = await load(folder);
    for (const [i, index] of part.train.indices.entries()) {
      expect(index).toBeGreaterThan(2);
      const image = part.train.images.subarray(i * 192, (i + 1) * 192);
      expect(image).toEqual(all.train.images.subarray(index * 192, (index + 1) * 192));
    }
    const more = await load(folder, { subset: { ...subset, perClass: 3 } });
    expect([...more.train.indices]).toEqual(expect.arrayContaining([...part.train.indices]));
    const two = { classes: 2, seed: 1 };
    const [few, other] = [await load(folder, { subset: two }), await load(folder, { subset: two })];
    expect(few.hash).toBe(other.hash);
    const out = temporaryFolder();
    await packImages({ data: { name: 'imagenet', dir: folder, subset }, out, size: 8 });
    for (const again of [{}, { subset }]) {
      const packed = await loadDataset({ name: 'imagenet', dir: out, ...again }, { seed: 0 });
      expect(packed.hash).toBe(part.hash);
      expect(packed.info).toEqual(part.info);
    }
  });

  it.each([
    [
      { synsets: ['n01440765', 'n02102040'], seed: 0 },
      /names "n01440765".*no such class/,
      'Did you mean n01440764?',
    ],
    [{ classes: 4, seed: 0 }, /data\.subset\.classes is 4, but there are 3/, 'Take at most 3.'],
    [
      { perClass: 4, seed: 0 },
      /has 3 train images of "n01440764", and data\.subset\.perClass is 4/,
      undefined,
    ],
    [{ testPerClass: 3, seed: 0 }, /has 2 test images of "n01440764"/, undefined],
  ])('refuses the subset %j', async (subset, message, hint) => {
    const error = await failure(async () => load(await official(), { subset }));
    expect(error.message).toMatch(message);
    if (hint !== undefined) expect(error.hint).toBe(hint);
  });

  it('names a synset whose folder or tar is empty', async () => {
    const folder = unpacked();
    write(join(folder, 'val.txt'), TRUTH.map((c, i) => `${val[i]!.name} ${SYNSETS[c]}`).join('\n'));
    mkdirSync(join(folder, 'train', 'n04254680'));
    expect((await failure(() => load(folder))).message).toBe(
      `${folder}: "train/n04254680/" has no images.`,
    );
    const archives = await official();
    const archive = join(archives, 'ILSVRC2012_img_train.tar');
    await writeTar(archive, [{ name: 'n04254680.tar', content: await tarOf([]) }]);
    expect((await failure(() => load(archives))).message).toBe(
      `${archive}: "n04254680.tar" has no images.`,
    );
  });

  it('names an image that is damaged in a tar of the tar', async () => {
    const folder = await official();
    const archive = join(folder, 'ILSVRC2012_img_train.tar');
    const bytes = readFileSync(archive);
    const { content } = train[1]!.find(({ name }) => name === 'n02102040_9.JPEG')!;
    bytes.fill(0, bytes.indexOf(content), bytes.indexOf(content) + 4);
    writeFileSync(archive, bytes);
    const error = await failure(() => openDataset(data(folder, { stream: true }), { seed: 0 }));
    expect(error.message).toBe(
      `${archive}: n02102040.tar: n02102040_9.JPEG is no image, whatever its name says; JPEG, PNG, WebP, GIF, TIFF, AVIF and PPM or PGM are read.`,
    );
  });

  it('names the synset that has no images, and the part that is missing', async () => {
    const lacking = unpacked();
    write(
      join(lacking, 'val.txt'),
      TRUTH.map((c, i) => `${val[i]!.name} ${SYNSETS[c === 2 ? 0 : c]}`).join('\n'),
    );
    expect((await failure(() => load(lacking))).message).toContain(
      'has no validation images of 1 of 3 synsets: "n03888257"',
    );
    const rest = { synsets: SYNSETS.slice(0, 2), seed: 0 };
    expect((await load(lacking, { subset: rest })).info.counts.test).toBe(6);
    const blind = unpacked();
    expect((await failure(() => load(blind))).message).toMatch(/6 validation images in no folders/);
    write(join(blind, 'data/ILSVRC2012_validation_ground_truth.txt'), groundTruth());
    expect((await failure(() => load(blind))).message).toMatch(/meta\.mat is not/);
    write(join(blind, 'data/meta.mat'), metaMat(true));
    write(join(blind, 'data/ILSVRC2012_validation_ground_truth.txt'), '3\n9\n');
    expect((await failure(() => load(blind))).message).toMatch(
      /line 2 is "9", which names no synset/,
    );
    write(join(blind, 'data/ILSVRC2012_validation_ground_truth.txt'), '3\n1\n');
    expect((await failure(() => load(blind))).message).toMatch(
      /no ground truth for "ILSVRC2012_val_00000003/,
    );
    rmSync(join(blind, 'val'), { recursive: true });
    expect((await failure(() => load(blind))).message).toMatch(
      /holds neither ILSVRC2012_img_val\.tar nor val/,
    );
    expect((await failure(() => load(temporaryFolder()))).message).toMatch(
      /ILSVRC2012_img_train\.tar nor/,
    );
    const folder = await official();
    await writeTar(join(folder, 'ILSVRC2012_img_train.tar'), [{ name: 'README', content: 'x' }]);
    expect((await failure(() => load(folder))).message).toMatch(/"README" is no tar of a synset/);
    writeFileSync(join(folder, 'ILSVRC2012_devkit_t12.tar.gz'), 'no archive');
    expect((await failure(() => load(folder))).kind).toBe('data');
  });
});

describe('meta.mat', () => {
  it('is read compressed or not', () => {
    const expected = new Map(SYNSETS.map((name, i) => [IDS[i], name]));
    expect(readSynsets(metaMat(true), 'm')).toEqual(expected);
    expect(readSynsets(metaMat(false), 'm')).toEqual(expected);
  });

  it('is refused in a sentence wherever it is cut or changed', async () => {
    for (const compressed of [true, false]) {
      const whole = metaMat(compressed);
      for (let length = 0; length < whole.length - 8; length += 13) {
        const error = await failure(() => readSynsets(whole.subarray(0, length), 'meta.mat'));
        expect(error.message).toMatch(/^meta\.mat cannot be read: /);
      }
    }
    const big = metaMat(true, (mat) =>
      Buffer.concat([mat.subarray(0, 126), Buffer.from('MI'), mat.subarray(128)]),
    );
    expect((await failure(() => readSynsets(big, 'm'))).message).toMatch(
      /no little-endian MATLAB 5/,
    );
  });
});
