import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { PUBLISHED } from '../../../src/data/published/catalog.js';
import { idxSource } from '../../../src/data/published/idx.js';
import { locate, openFound } from '../../../src/data/published/locate.js';
import { digestFile } from '../../../src/disk/digest.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  failure,
  idxFile,
  idxForm,
  noise,
  readAll,
  realData,
  smallIdx,
  write,
} from '../helpers.js';

const spec = smallIdx('mnist', 12, 5);
const pixels = { train: noise(12 * 784, 1), test: noise(5 * 784, 2) };
const labels = {
  train: Uint8Array.from({ length: 12 }, (_, i) => (3 * i) % 10),
  test: Uint8Array.from([9, 0, 1, 8, 7]),
};

/** The four files, unpacked, by dashed name. */
function files(): Record<string, Buffer> {
  return {
    'train-images-idx3-ubyte': idxFile([12, 28, 28], pixels.train),
    'train-labels-idx1-ubyte': idxFile([12], labels.train),
    't10k-images-idx3-ubyte': idxFile([5, 28, 28], pixels.test),
    't10k-labels-idx1-ubyte': idxFile([5], labels.test),
  };
}

function writeFiles(
  spelling: (name: string) => string,
  changed: Record<string, Buffer> = {},
): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries({ ...files(), ...changed })) {
    const path = join(folder, spelling(name));
    write(path, path.endsWith('.gz') ? gzipSync(content) : content);
  }
  return folder;
}

describe('idx files', () => {
  it.each([
    ['gzipped', (name: string) => `${name}.gz`],
    ['unpacked', (name: string) => name],
    ['with a dot in their names', (name: string) => name.replace('-idx', '.idx')],
    ['with a dot, gzipped', (name: string) => `${name.replace('-idx', '.idx')}.gz`],
  ])('are read %s', async (_, spelling) => {
    const found = locate(spec, { dir: writeFiles(spelling) });
    const source = await openFound(spec, found);
    // Not the published digests.
    expect(source.info).toMatchObject({ height: 28, width: 28, channels: 1, origin: 'imported' });
    for (const split of ['train', 'test'] as const) {
      const read = await readAll(source, split);
      expect(read.map(({ index }) => index)).toEqual([...labels[split].keys()]);
      expect(read.map(({ label }) => label)).toEqual([...labels[split]]);
      expect(Buffer.concat(read.map(({ image }) => image))).toEqual(Buffer.from(pixels[split]));
    }
  });

  const images = 'train-images-idx3-ubyte';
  const labelFile = 'train-labels-idx1-ubyte';
  it.each([
    [
      'labels in place of images',
      images,
      files()[labelFile]!,
      /starts with 0x00000801, not 0x00000803/,
    ],
    [
      'another count',
      images,
      idxFile([11, 28, 28], noise(11 * 784, 1)),
      /holds 11 × 28 × 28, and 12 × 28 × 28/,
    ],
    ['another size of image', images, idxFile([12, 28, 27], noise(12 * 784, 1)), /12 × 28 × 27/],
    ['a cut', images, files()[images]!.subarray(0, 16 + 3 * 784 + 5), /ends after 3 of 12 items/],
    ['a cut header', images, files()[images]!.subarray(0, 6), /ends after 0 of 12/],
    ['nothing in it', labelFile, Buffer.alloc(0), /starts with 0 bytes/],
    [
      'bytes after the end',
      labelFile,
      Buffer.concat([files()[labelFile]!, Buffer.alloc(1)]),
      /has bytes after its 12 items/,
    ],
    [
      'a label that does not exist',
      labelFile,
      idxFile([12], new Uint8Array(12).fill(10)),
      /label 0 is 10, .* 0 to 9/,
    ],
  ])('are refused with %s', async (_, name, content, message) => {
    for (const suffix of ['', '.gz']) {
      const folder = writeFiles((file) => file + suffix, { [name]: content });
      const source = await openFound(spec, locate(spec, { dir: folder }));
      const error = await failure(() => readAll(source, 'train'));
      expect(error.message).toMatch(message);
      expect(error.message).toContain(join(folder, name + suffix));
    }
  });

  it('that unpack to much more than is expected are not unpacked', async () => {
    const bomb = Buffer.concat([files()[labelFile]!, Buffer.alloc(64 * 2 ** 20)]);
    const folder = writeFiles((file) => `${file}.gz`, { [labelFile]: bomb });
    const source = await openFound(spec, locate(spec, { dir: folder }));
    const before = process.memoryUsage().arrayBuffers;
    const error = await failure(() => readAll(source, 'train'));
    expect(error.message).toMatch(/too large: it holds more than 4,136 bytes once unpacked/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
  });

  it('that are missing are named', async () => {
    const folder = temporaryFolder();
    for (const name of ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte']) {
      write(join(folder, name), files()[name]!);
    }
    const error = await failure(() => locate(spec, { dir: folder }));
    expect(error.kind).toBe('data');
    expect(error.message).toContain(
      `${folder} holds only a part of it: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz missing`,
    );
    expect(error.hint).toContain('rethink-gen data fetch mnist');
  });

  it('of MNIST are not taken for Fashion-MNIST from a folder named for neither', async () => {
    const folder = writeFiles((name) => name);
    const fashion = smallIdx('fashion-mnist', 12, 5);
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
    await failure(() => locate(fashion, { dataDir: folder }));
    vi.unstubAllEnvs();
  });
});

const real = realData('t10k-images-idx3-ubyte.gz') && realData('t10k-labels-idx1-ubyte.gz');
describe(`MNIST's real test files${real ? '' : ' (skipped: no shared/data)'}`, () => {
  it.skipIf(!real)('have the digests of the catalog and are read', async () => {
    const full = PUBLISHED.mnist;
    const form = idxForm(full);
    const files = form.files.map(({ file }) => ({ file, path: realData(file) ?? '' }));
    for (const file of form.files.filter(({ split }) => split === 'test')) {
      const path = realData(file.file)!;
      expect(readFileSync(path).length).toBe(file.bytes);
      expect(await digestFile(path, 'md5')).toBe(file.md5);
      const unpacked = write(join(temporaryFolder(), 'unpacked'), gunzipSync(readFileSync(path)));
      expect(await digestFile(unpacked, 'md5')).toBe(file.unpacked.md5);
    }
    const records = await readAll(idxSource(full, form, files, 'official'), 'test');
    expect(records.length).toBe(10_000);
    // As its authors describe it: the test set begins 7, 2, 1, 0, 4 and has 980 zeros.
    expect(records.slice(0, 5).map(({ label }) => label)).toEqual([7, 2, 1, 0, 4]);
    expect(records.filter(({ label }) => label === 0).length).toBe(980);
  });
});
