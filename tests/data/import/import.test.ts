import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DATASET_NAMES } from '../../../src/config/datasets.js';
import { collectSplit } from '../../../src/data/collect.js';
import { importDataset } from '../../../src/data/import/index.js';
import { contactSheet } from '../../../src/data/inspect/contact-sheet.js';
import { listDatasets } from '../../../src/data/inspect/list.js';
import { showDataset } from '../../../src/data/inspect/show.js';
import { verifyDataset } from '../../../src/data/inspect/verify.js';
import { loadDataset } from '../../../src/data/load.js';
import { cifarSource } from '../../../src/data/published/cifar.js';
import { storeSource } from '../../../src/data/published/store.js';
import type { PublishedSpec } from '../../../src/data/published/types.js';
import { thisProcess } from '../../../src/disk/process-identity.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarFiles,
  cifarForm,
  failure,
  idxFile,
  idxForm,
  noise,
  noiseRecords,
  png,
  publishedAs,
  readAll,
  smallCifar,
  smallIdx,
  type TarItem,
  tarOf,
  withArchive,
  write,
  writeTar,
} from '../helpers.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const spec = smallCifar('cifar10', 10);
const { classes } = spec;

type Item = TarItem & { content: Buffer };

/** Five training images and one test image of each class, in an order that isn't the data set's. */
const encoded = encodeTree();
const tree = async (): Promise<Item[]> => (await encoded).map((item) => ({ ...item }));

async function encodeTree(): Promise<Item[]> {
  const items: Item[] = [];
  for (const [label, name] of [...classes.entries()].reverse()) {
    for (let i = 0; i < 5; i++) {
      const content = await png(noise(3072, 100 + 10 * label + i), 32, 32);
      items.push({ name: `train/${name}/000${4 - i}.png`, content });
    }
    items.push({
      name: `test/${name}/a.png`,
      content: await png(noise(3072, 300 + label), 32, 32),
    });
  }
  return items;
}

async function imported(): Promise<{ dataDir: string; archive: string; store: string }> {
  const dataDir = temporaryFolder();
  const archive = await writeTar(join(temporaryFolder(), 'images.tar.gz'), await tree());
  const result = await importDataset(archive, { as: 'cifar10', dataDir, spec });
  expect(result.present).toBe(false);
  return { dataDir, archive, store: result.path };
}

describe('importing a tree of images', () => {
  it('makes a store in the official order of classes', async () => {
    const { store, dataDir } = await imported();
    expect(store).toBe(join(dataDir, 'cifar10'));
    expect(readdirSync(dataDir)).toEqual(['cifar10']);
    const source = await storeSource(store);
    expect(source.info).toMatchObject({
      name: 'cifar10',
      origin: 'imported',
      classes,
      counts: spec.counts,
    });
    const train = await readAll(source, 'train');
    expect(train.map(({ label }) => label)).toEqual(
      Array.from({ length: 50 }, (_, i) => Math.floor(i / 5)),
    );
    // File 0000.png of class 3 is the fifth that was made.
    expect(train[15]!.image).toEqual(noise(3072, 134));
    const test = await readAll(source, 'test');
    expect(test.map(({ label }) => label)).toEqual([...classes.keys()]);
    expect(test[7]!.image).toEqual(noise(3072, 307));
  });

  it('lays records out as the official files do', async () => {
    const { store } = await imported();
    const record = readFileSync(join(store, 'train.bin')).subarray(15 * 3073, 16 * 3073);
    const image = noise(3072, 134);
    expect(record[0]).toBe(3);
    expect([record[1], record[2], record[1 + 1024], record[1 + 2048]]).toEqual([
      image[0],
      image[3],
      image[1],
      image[2],
    ]);
  });

  it('gives the same store from a folder, and from the archive again', async () => {
    const { store, archive, dataDir } = await imported();
    const folder = temporaryFolder();
    for (const { name, content } of await tree()) write(join(folder, name), content);
    const other = await importDataset(folder, { as: 'cifar10', dataDir: temporaryFolder(), spec });
    for (const file of ['train.bin', 'test.bin']) {
      expect(readFileSync(join(other.path, file)).equals(readFileSync(join(store, file)))).toBe(
        true,
      );
    }
    const again = await importDataset(archive, { as: 'cifar10', dataDir, spec });
    expect(again).toMatchObject({ present: true, path: store, counts: spec.counts });
  });

  it('replaces another import with --force alone', async () => {
    const { dataDir, store } = await imported();
    const items = await tree();
    items[0]!.content = await png(noise(3072, 999), 32, 32);
    const archive = await writeTar(join(temporaryFolder(), 'other.tar'), items);
    const before = readFileSync(join(store, 'train.bin'));
    const options = { as: 'cifar10', dataDir, spec };
    const error = await failure(() => importDataset(archive, options));
    expect(error.kind).toBe('usage');
    expect(error.message).toMatch(/holds cifar10 already, imported from images\.tar\.gz/);
    expect(readFileSync(join(store, 'train.bin')).equals(before)).toBe(true);
    await importDataset(archive, { ...options, force: true });
    expect(readFileSync(join(store, 'train.bin')).equals(before)).toBe(false);
    expect(readdirSync(dataDir)).toEqual(['cifar10']);
  });

  it('leaves everything as it was when it fails or is interrupted, and tidies up after the killed', async () => {
    const { dataDir, store, archive } = await imported();
    const before = readFileSync(join(store, 'train.bin'));
    const items = await tree();
    items[30]!.content = Buffer.from('no image');
    const broken = await writeTar(join(temporaryFolder(), 'broken.tar'), items);
    const options = { as: 'cifar10', dataDir, spec, force: true };
    await failure(() => importDataset(broken, options));
    const controller = new AbortController();
    controller.abort();
    const error = await failure(() =>
      importDataset(archive, { ...options, signal: controller.signal }),
    );
    expect(error.kind).toBe('interrupted');
    expect(readdirSync(dataDir)).toEqual(['cifar10']);
    expect(readFileSync(join(store, 'train.bin')).equals(before)).toBe(true);
    // Left by a process that is gone: no process has this number.
    const abandoned = join(dataDir, '.cifar10.99999999-0123abcd.new');
    write(join(abandoned, '.owner.json'), JSON.stringify({ ...thisProcess(), pid: 99999999 }));
    const elsewhere = '.cifar10.99999999-4567abcd.new';
    const owner = { ...thisProcess(), pid: 99999999, host: 'elsewhere.example' };
    write(join(dataDir, elsewhere, '.owner.json'), JSON.stringify(owner));
    await importDataset(archive, options);
    expect(readdirSync(dataDir)).toEqual([elsewhere, 'cifar10']);
    expect(readdirSync(store).sort()).toEqual(['info.json', 'test.bin', 'train.bin']);
  });

  it('never replaces a folder that it did not make', async () => {
    const dataDir = temporaryFolder();
    for (const { name, content } of await tree()) write(join(dataDir, 'cifar10', name), content);
    const options = { as: 'cifar10', dataDir, spec, force: true };
    const error = await failure(() => importDataset(join(dataDir, 'cifar10'), options));
    expect(error.message).toContain('is no import of ours');
    expect(existsSync(join(dataDir, 'cifar10/train/cat/0000.png'))).toBe(true);
  });

  it.each([
    [
      'too few images',
      (items: TarItem[]) => items.slice(1),
      /has 49 train images, and cifar10 has 50/,
    ],
    [
      'an unknown class',
      (items: TarItem[]) => [...items, { name: 'train/lion/1.png', content: 'x' }],
      /of an unknown class, "lion"/,
    ],
    [
      'a missing class',
      (items: TarItem[]) => items.filter(({ name }) => !name.includes('/frog/')),
      /no training images of 1 of 10 classes: "frog"/,
    ],
    [
      'no images',
      () => [{ name: 'a.txt', content: 'x' }],
      /lacks cifar-10-batches-bin\/data_batch_1\.bin, .*; it holds "a\.txt" instead\.$/,
    ],
  ])('refuses %s', async (_, change, message) => {
    const archive = await writeTar(join(temporaryFolder(), 'images.tar'), change(await tree()));
    const dataDir = temporaryFolder();
    const error = await failure(() => importDataset(archive, { as: 'cifar10', dataDir, spec }));
    expect(error.kind).toBe('data');
    expect(error.message).toMatch(message);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('refuses an image of another size by name', async () => {
    const items = await tree();
    items[8]!.content = await png(noise(31 * 32 * 3, 1), 31, 32);
    const archive = await writeTar(join(temporaryFolder(), 'images.tar'), items);
    const error = await failure(() =>
      importDataset(archive, { as: 'cifar10', dataDir: temporaryFolder(), spec }),
    );
    expect(error.message).toContain(`${items[8]!.name} is 31×32 pixels, and 32×32 is expected`);
  });

  it('names what is wrong with the name or the path', async () => {
    const folder = temporaryFolder();
    expect((await failure(() => importDataset(folder, { as: 'cifar11' }))).message).toMatch(
      /"cifar11" is no data set/,
    );
    expect((await failure(() => importDataset(folder, { as: 'synthetic' }))).message).toMatch(
      /generated/,
    );
    const gone = join(folder, 'gone.tar');
    expect((await failure(() => importDataset(gone, { as: 'cifar10' }))).message).toBe(
      `Could not read ${gone}: there is no such file or folder.`,
    );
    const empty = await failure(() => importDataset(folder, { as: 'cifar10' }));
    expect(empty.message).toBe(`${folder} holds nothing that could be cifar10.`);
    expect(empty.hint).toContain('cifar-10-binary.tar.gz');
  });
});

describe('importing official files', () => {
  const files = cifarFiles(spec, noiseRecords(spec));
  async function official(): Promise<{ path: string; spec: PublishedSpec; archive: Buffer }> {
    const tar = await tarOf(
      [...files].map(([file, content]) => ({ name: `${cifarForm(spec).folder}/${file}`, content })),
    );
    const archive = gzipSync(tar);
    const md5 = createHash('md5').update(archive).digest('hex');
    const known = { file: cifarForm(spec).files[0].file, bytes: archive.length, md5 };
    return {
      path: write(join(temporaryFolder(), 'download.tar.gz'), archive),
      spec: withArchive(spec, known),
      archive,
    };
  }

  it('verifies and copies the archive', async () => {
    const { path, spec, archive } = await official();
    const dataDir = temporaryFolder();
    const result = await importDataset(path, { as: 'cifar10', dataDir, spec });
    expect(result).toMatchObject({ origin: 'official', present: false, counts: spec.counts });
    expect(readdirSync(dataDir)).toEqual(['cifar-10-binary.tar.gz']);
    expect(readFileSync(join(dataDir, cifarForm(spec).files[0].file)).equals(archive)).toBe(true);
    expect((await importDataset(path, { as: 'cifar10', dataDir, spec })).present).toBe(true);
    const verified = await verifyDataset('cifar10', { dataDir, spec });
    expect(verified).toMatchObject({ origin: 'official', counts: spec.counts });
    expect(verified.files[0]!.digest).toBe(cifarForm(spec).files[0].md5);
  });

  it('keeps one with another digest as an import, or as official where its content is', async () => {
    const { path, spec } = await official();
    const known = { ...cifarForm(spec).files[0], md5: '0'.repeat(32) };
    const other = withArchive(spec, known);
    const dataDir = temporaryFolder();
    const result = await importDataset(path, { as: 'cifar10', dataDir, spec: other });
    expect(result).toMatchObject({ origin: 'imported', path: join(dataDir, 'cifar10') });
    const right = publishedAs(other, noiseRecords(spec));
    expect(await importDataset(path, { as: 'cifar10', dataDir, spec: right })).toMatchObject({
      origin: 'official',
      path: join(dataDir, 'cifar-10-batches-bin'),
    });
    const verified = await verifyDataset('cifar10', { dir: path, spec: right });
    expect(verified).toMatchObject({ origin: 'official', counts: spec.counts });
  });

  it('copies the four files of MNIST', async () => {
    const contents = [
      idxFile([3, 28, 28], noise(3 * 784, 1)),
      idxFile([3], Uint8Array.of(1, 2, 3)),
      idxFile([1, 28, 28], noise(784, 2)),
      idxFile([1], Uint8Array.of(9)),
    ].map((content) => gzipSync(content));
    const base = smallIdx('mnist', 3, 1);
    const source = temporaryFolder();
    const form = idxForm(base);
    const files = form.files.map((file, i) => {
      write(join(source, file.file), contents[i]!);
      const md5 = createHash('md5').update(contents[i]!).digest('hex');
      return { ...file, bytes: contents[i]!.length, md5 };
    });
    const mnist: PublishedSpec = { ...base, forms: [{ ...form, files }] };
    const dataDir = temporaryFolder();
    const result = await importDataset(source, { as: 'mnist', dataDir, spec: mnist });
    expect(result).toMatchObject({ origin: 'official', counts: { train: 3, test: 1 } });
    expect(readdirSync(join(dataDir, 'mnist')).length).toBe(4);
    expect((await verifyDataset('mnist', { dataDir, spec: mnist })).files.length).toBe(4);
  });
});

describe('verifying', () => {
  it('agrees with a whole store', async () => {
    const { dataDir } = await imported();
    const verified = await verifyDataset('cifar10', { dataDir, spec });
    expect(verified.perClass.train).toEqual(new Array(10).fill(5));
    expect(verified.perClass.test).toEqual(new Array(10).fill(1));
    expect(verified.files.length).toBe(2);
  });

  it.each([
    ['train.bin', 0],
    ['train.bin', 70_000],
    ['test.bin', 30_729],
  ])('finds a byte flipped in %s at %i, and loading does as well', async (file, at) => {
    const { dataDir, store } = await imported();
    const path = join(store, file);
    const bytes = readFileSync(path);
    bytes[at]! ^= 1;
    write(path, bytes);
    const error = await failure(() => verifyDataset('cifar10', { dataDir, spec }));
    expect(error.kind).toBe('data');
    expect(error.message).toContain(`${path} has sha256 `);
    expect(error.hint).toContain('--force');
    const loading = await failure(() => loadDataset({ name: 'cifar10' }, { dataDir, seed: 0 }));
    expect(loading.message).toContain(path);
  });

  it('names a file that is missing or cut, and a damaged info.json', async () => {
    const { dataDir, store } = await imported();
    const verify = () => failure(() => verifyDataset('cifar10', { dataDir, spec }));
    const whole = readFileSync(join(store, 'test.bin'));
    write(join(store, 'test.bin'), whole.subarray(5));
    expect((await verify()).message).toContain('test.bin has 30,725 bytes of 30,730');
    expect(
      (await failure(() => loadDataset({ name: 'cifar10' }, { dataDir, seed: 0 }))).message,
    ).toMatch(/test\.bin has 30,725 bytes, and 30,730 bytes are expected/);
    write(join(store, 'test.bin'), whole);
    const info = readFileSync(join(store, 'info.json'), 'utf8');
    for (const [content, message] of [
      ['{', /info\.json is damaged: it is not JSON/],
      [info.replace('"channels": 3', '"channels": 9'), /info\.json is damaged at channels/],
      [info.replace('"count": 50', '"count": 51'), /info\.json is damaged: train has 51 records/],
      [info.replace('"train.bin"', '"../x"'), /info\.json is damaged at train\.file/],
    ] as const) {
      write(join(store, 'info.json'), content);
      expect((await verify()).message).toMatch(message);
    }
  });

  it('counts other data sets', async () => {
    const verified = await verifyDataset('synthetic');
    expect(verified.perClass.test).toEqual(new Array(10).fill(100));
    expect((await failure(() => verifyDataset('nothing'))).kind).toBe('usage');
  });
});

describe('an archive that is not the authors’', () => {
  it('can be used, but counts as imported', async () => {
    const records = noiseRecords(spec);
    const path = await writeTar(
      join(temporaryFolder(), 'cifar-10-binary.tar.gz'),
      [...cifarFiles(spec, records)].map(([file, content]) => ({
        name: `${cifarForm(spec).folder}/${file}`,
        content,
      })),
    );
    const { locate, originOf } = await import('../../../src/data/published/locate.js');
    expect(await originOf(locate(spec, { dir: path }))).toBe('imported');
    const source = cifarSource(spec, { form: cifarForm(spec), path, kind: 'archive' }, 'imported');
    expect((await collectSplit(source, 'test')).count).toBe(10);
    const error = await failure(() => verifyDataset('cifar10', { dir: path, spec }));
    expect(error.message).toMatch(/sha256|bytes of 170,052,171/);
  });
});

describe('listing and showing', () => {
  it('lists every data set, found or not', async () => {
    vi.stubEnv('RETHINK_GEN_DATA', '');
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
    const { dataDir, store } = await imported();
    const listed = await listDatasets({ dataDir });
    expect(listed.map(({ name }) => name)).toEqual(DATASET_NAMES);
    const cifar10 = listed[1]!;
    expect(cifar10.origin).toBe('imported');
    expect(cifar10.copies).toEqual([{ path: store, kind: 'store', bytes: expect.any(Number) }]);
    expect(cifar10.copies[0]!.bytes).toBeGreaterThan(60 * 3073);
    expect(listed[3]!.copies).toEqual([]);
    expect(listed[3]!.get).toContain('rethink-gen data fetch mnist');
    // The official archive is used before the import.
    write(join(dataDir, 'cifar-10-binary.tar.gz'), 'x');
    const [, both] = await listDatasets({ dataDir });
    expect(both!.copies.map(({ kind }) => kind)).toEqual(['archive', 'store']);
  });

  it('shows counts, statistics and a picture', async () => {
    const { dataDir, store } = await imported();
    const file = join(dataDir, 'pictures', 'sheet.png');
    const shown = await showDataset('cifar10', { dataDir, png: file });
    expect(shown).toMatchObject({ path: store, png: file });
    expect(shown.perClass).toEqual({ train: new Array(10).fill(5), test: new Array(10).fill(1) });
    // Uniform noise has mean 127.5 and deviation 73.9; 51,200 bytes of it put the mean within a few tenths.
    for (const mean of shown.mean) expect(Math.abs(mean - 127.5)).toBeLessThan(3);
    for (const deviation of shown.standardDeviation)
      expect(Math.abs(deviation - 73.9)).toBeLessThan(3);
    expect(await sharp(file).metadata()).toMatchObject({
      format: 'png',
      width: 1026,
      height: 1026,
    });
  });

  it('puts classes in rows and examples in columns', async () => {
    const { info, train } = await loadDataset({ name: 'synthetic', limit: 100 }, { seed: 0 });
    const { data, info: raw } = await sharp(await contactSheet(info, train))
      .raw()
      .toBuffer({ resolveWithObject: true });
    // Row 7, third column: its pixel (4, 5), enlarged three times, after gaps of two pixels.
    const [x, y] = [3 * (2 + 2 * 34 + 5), 3 * (2 + 7 * 34 + 4)];
    const third = [...train.labels.keys()].filter((i) => train.labels[i] === 7)[2]!;
    const at = (third * 32 * 32 + 4 * 32 + 5) * 3;
    const found = data.subarray((y * raw.width + x) * raw.channels).subarray(0, 3);
    expect([...found]).toEqual([...train.images.subarray(at, at + 3)]);
  });
});
