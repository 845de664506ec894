import { readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { importDataset } from '../../../src/data/import/index.js';
import { loadSource } from '../../../src/data/load.js';
import { locate, locateAll, openFound } from '../../../src/data/published/locate.js';
import type { PublishedSpec } from '../../../src/data/published/types.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarForm,
  failure,
  noiseRecords,
  parquetFile,
  parquetForm,
  publishedAs,
  readAll,
  smallCifar,
  write,
} from '../helpers.js';

/** Bytes that are read of Parquet files. */
let bytesRead = 0;
vi.mock('hyparquet', async (original) => {
  const real = await original<typeof import('hyparquet')>();
  const asyncBufferFromFile: typeof real.asyncBufferFromFile = async (path) => {
    const file = await real.asyncBufferFromFile(path);
    return {
      ...file,
      slice: (start, end = file.byteLength) => {
        bytesRead += end - start;
        return file.slice(start, end);
      },
    };
  };
  return { ...real, asyncBufferFromFile };
});

beforeEach(() => {
  // What is decoded is kept there.
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(['cifar10', 'cifar100'] as const)('%s as Hugging Face has it', (name) => {
  const small = smallCifar(name, 2);
  const records = noiseRecords(small);
  const spec = publishedAs(small, records);
  const form = parquetForm(spec);

  async function put(folder: string, of = records): Promise<string> {
    const half = Math.ceil(of.train.length / 2);
    const files = [
      ['train-00000-of-00002.parquet', of.train.slice(0, half)],
      ['train-00001-of-00002.parquet', of.train.slice(half)],
      ['test-00000-of-00001.parquet', of.test],
    ] as const;
    for (const [file, rows] of files) write(join(folder, file), await parquetFile(form, rows));
    return folder;
  }

  async function read(place: { dir?: string; dataDir?: string }, of: PublishedSpec = spec) {
    const source = await openFound(of, locate(of, place));
    const split = async (name: 'train' | 'test') =>
      (await readAll(source, name)).sort((a, b) => a.index - b.index);
    return {
      origin: source.info.origin,
      records: { train: await split('train'), test: await split('test') },
    };
  }

  it('is official by its content, from a file, a folder or the hub’s cache', async () => {
    const root = temporaryFolder();
    const below = await put(join(root, form.folder));
    const hub = temporaryFolder();
    const repository = join(hub, `datasets--${form.repositories[0]!.replace('/', '--')}`);
    await put(join(repository, 'snapshots', 'abc123', form.folder));
    const places = [
      { dir: root },
      { dir: below },
      { dir: join(below, 'train-00001-of-00002.parquet') },
      { dir: hub },
      { dir: repository },
      { dir: join(repository, 'snapshots', 'abc123') },
      { dataDir: hub },
    ];
    for (const place of places) {
      expect(await read(place)).toEqual({ origin: 'official', records });
    }
    vi.stubEnv('HF_HUB_CACHE', hub);
    vi.stubEnv('HOME', temporaryFolder());
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
    expect(locateAll(spec, {})[0]!.path).toBe(join(repository, 'snapshots', 'abc123', form.folder));
  });

  it('is what the branch of the hub’s cache points at', async () => {
    const repository = join(temporaryFolder(), `datasets--${form.repositories.at(-1)!}`);
    for (const revision of ['aaa', 'bbb', 'ccc']) {
      await put(join(repository, 'snapshots', revision, form.folder));
    }
    for (const revision of ['bbb', 'aaa', 'ccc']) {
      write(join(repository, 'refs', 'main'), `${revision}\n`);
      expect(locate(spec, { dir: repository }).path).toContain(`snapshots/${revision}/`);
    }
  });

  it('is decoded once: what came of it is kept, with what it was found to be', async () => {
    const kept = () => join(process.env.XDG_CACHE_HOME!, 'rethink-gen', 'decoded');
    const open = async (folder: string) => {
      bytesRead = 0;
      return { ...(await read({ dir: folder })), bytesRead };
    };
    const folder = await put(temporaryFolder());
    const first = await open(folder);
    expect(first).toMatchObject({ origin: 'official', records });
    expect(first.bytesRead).toBeGreaterThan(0);
    const again = { origin: 'official', records, bytesRead: 0 };
    expect(await open(folder)).toEqual(again);
    // Times say no more than that a file may be another; its bytes say that it isn't.
    utimesSync(join(folder, 'test-00000-of-00001.parquet'), 1e9, 1e9);
    expect(await open(folder)).toEqual(again);
    expect(await open(folder)).toEqual(again);
    expect(await open(await put(temporaryFolder()))).toEqual(again);
    // What is damaged there is made again.
    const [entry] = readdirSync(kept());
    const damaged = join(kept(), entry!, 'test.bin');
    const bytes = readFileSync(damaged);
    bytes[5]! ^= 1;
    write(damaged, bytes);
    expect((await open(folder)).bytesRead).toBeGreaterThan(0);
    expect(await open(folder)).toEqual(again);
    // Other bytes of the same length under the same time.
    const other = structuredClone(records);
    other.test[0]!.image[0]! ^= 1;
    await put(folder, other);
    utimesSync(join(folder, 'test-00000-of-00001.parquet'), 1e9, 1e9);
    expect(await open(folder)).toMatchObject({ origin: 'imported', records: other });
    expect(await open(folder)).toEqual({ origin: 'imported', records: other, bytesRead: 0 });
    for (let i = 0; i < 5; i++) {
      other.train[0]!.image[i]! ^= 1;
      await open(await put(temporaryFolder(), other));
    }
    expect(readdirSync(kept())).toHaveLength(4);
    // Where nothing can be kept, it is decoded each time.
    vi.stubEnv('XDG_CACHE_HOME', write(join(temporaryFolder(), 'file'), 'no folder'));
    expect((await open(folder)).origin).toBe('imported');
  });

  it('gives a part of its rows without reading the others', async () => {
    const many = smallCifar(name, 160);
    const rows = noiseRecords(many);
    const folder = temporaryFolder();
    for (const split of ['train', 'test'] as const) {
      write(join(folder, `${split}.parquet`), await parquetFile(form, rows[split], 10));
    }
    const load = async (data: { limit?: number; testLimit?: number }, part: boolean) => {
      bytesRead = 0;
      const source = await openFound(many, locate(many, { dir: folder }), { part, anew: true });
      const options = { seed: 3, statistics: false };
      const { train, test, statistics } = await loadSource(source, { name, ...data }, options);
      return {
        train,
        test,
        statistics,
        notes: source.notes,
        origin: source.info.origin,
        bytesRead,
      };
    };
    const data = { limit: 4, testLimit: 2 };
    const whole = await load(data, false);
    const part = await load(data, true);
    expect([part.train, part.test]).toEqual([whole.train, whole.test]);
    expect(part).toMatchObject({
      origin: 'imported',
      notes: [expect.stringMatching(/Only a part of .* import /)],
    });
    expect(part.statistics.mean).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    // At most six groups of 96 hold the six images that are wanted; besides them all labels and the ends of the files are read.
    expect(part.bytesRead).toBeLessThan(0.45 * whole.bytesRead);
    // Statistics are of all training images.
    const source = await openFound(many, locate(many, { dir: folder }), { part: true });
    const measured = await loadSource(source, { name, ...data }, { seed: 3 });
    const all = await loadSource(source, { name }, { seed: 3 });
    expect(measured.statistics).toEqual(all.statistics);
    expect(measured.train).toEqual(part.train);
  });

  it('is kept as the authors’ files by an import', async () => {
    const folder = await put(temporaryFolder());
    const dataDir = temporaryFolder();
    const file = join(folder, 'test-00000-of-00001.parquet');
    const result = await importDataset(file, { as: name, dataDir, spec });
    const path = join(dataDir, cifarForm(spec).folder);
    expect(result).toMatchObject({ path, origin: 'official', present: false });
    const found = locate(spec, { dataDir });
    expect(found).toMatchObject({ path, kind: 'folder' });
    expect(await read({ dataDir })).toEqual({ origin: 'official', records });
    expect((await importDataset(folder, { as: name, dataDir, spec })).present).toBe(true);
    write(join(path, cifarForm(spec).parts[0]!.file), 'another');
    const error = await failure(() => importDataset(folder, { as: name, dataDir, spec }));
    expect(error).toMatchObject({ kind: 'usage' });
    await importDataset(folder, { as: name, dataDir, spec, force: true });
    expect((await read({ dataDir })).origin).toBe('official');
  });

  it('is kept as an import where its images were encoded anew', async () => {
    const other = structuredClone(records);
    other.test[0]!.image[0]! ^= 1;
    const folder = await put(temporaryFolder(), other);
    expect(await read({ dir: folder })).toEqual({ origin: 'imported', records: other });
    const dataDir = temporaryFolder();
    const result = await importDataset(folder, { as: name, dataDir, spec });
    expect(result).toMatchObject({ path: join(dataDir, name), origin: 'imported' });
    expect(await read({ dataDir })).toEqual({ origin: 'imported', records: other });
  });

  it('is refused by name where a file is missing, cut, or holds other things', async () => {
    const test = 'test-00000-of-00001.parquet';
    const whole = readFileSync(join(await put(temporaryFolder()), test));
    const noLabel = await parquetFile({ ...form, label: 'other' }, records.test);
    const wrong = await parquetFile(form, [
      records.test[0]!,
      { ...records.test[1]!, label: spec.classes.length },
    ]);
    const fewer = await parquetFile(form, records.test.slice(1));
    const flipped = Buffer.from(whole);
    flipped.fill(0xff, 4, 60);
    const cases: [Uint8Array, RegExp][] = [
      [whole.subarray(0, -9), /is damaged, or no Parquet file: /],
      [Buffer.from('PAR1'), /is damaged, or no Parquet file: /],
      [Buffer.alloc(0), /is damaged, or no Parquet file: /],
      [flipped, /damaged/],
      [noLabel, /it lacks the column (fine_)?label\./],
      [wrong, /row 1 has no label of cifar/],
      [fewer, /has 1 test images, and cifar\d+ has 2\./],
    ];
    for (const [content, why] of cases) {
      const folder = await put(temporaryFolder());
      write(join(folder, test), content);
      const error = await failure(() => read({ dir: folder }));
      expect(error.message).toMatch(why);
      expect(error.kind).toBe('data');
    }
  });
});

describe('a file of pyarrow’s', () => {
  it('is read, whatever compresses it', async () => {
    const spec = smallCifar('cifar10', 1);
    const made = JSON.parse(readFileSync(join(import.meta.dirname, 'parquet.json'), 'utf8'));
    const folder = temporaryFolder();
    for (const split of ['train', 'test']) {
      write(join(folder, `${split}.parquet`), Buffer.from(made[split], 'base64'));
    }
    const source = await openFound(spec, locate(spec, { dir: folder }));
    const train = await readAll(source, 'train');
    expect(train.map(({ label }) => label)).toEqual([1, 3, 5, 7, 9]);
    for (const { label, image } of [...train, ...(await readAll(source, 'test'))]) {
      expect([...image.subarray(-3)]).toEqual([10 * label, 20 * label, 25 * label]);
    }
  });
});
