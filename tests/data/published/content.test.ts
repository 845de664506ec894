import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CIFAR100_CLASSES, CIFAR100_COARSE } from '../../../src/data/published/classes.js';
import { locate, openFound } from '../../../src/data/published/locate.js';
import type { PublishedSpec } from '../../../src/data/published/types.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarFiles,
  cifarForm,
  cifarPythonFiles,
  cifarPythonForm,
  failure,
  noiseRecords,
  publishedAs,
  readAll,
  smallCifar,
  write,
  writeTar,
} from '../helpers.js';

describe('CIFAR-100’s coarse labels', () => {
  it('are five fine ones each, as published', () => {
    const counts = new Map<number, number>();
    for (const coarse of CIFAR100_COARSE) counts.set(coarse, (counts.get(coarse) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
    expect([...counts.values()].every((count) => count === 5)).toBe(true);
    // The first ten fine classes of the official archive.
    expect(CIFAR100_COARSE.slice(0, 10)).toEqual([4, 1, 14, 8, 0, 6, 7, 7, 18, 3]);
    expect(CIFAR100_COARSE[CIFAR100_CLASSES.indexOf('worm')]).toBe(13);
  });
});

describe.each(['cifar10', 'cifar100'] as const)('%s in files that are not its authors’', (name) => {
  const small = smallCifar(name, 4);
  const records = noiseRecords(small);
  const spec = publishedAs(small, records);

  async function read(dir: string, of: PublishedSpec = spec) {
    const source = await openFound(of, locate(of, { dir }));
    const inOrder = async (split: 'train' | 'test') =>
      (await readAll(source, split)).sort((a, b) => a.index - b.index);
    return {
      origin: source.info.origin,
      records: { train: await inOrder('train'), test: await inOrder('test') },
    };
  }

  /** The version for Python, its training images in an order of files. */
  function python(order: number[], of = records): string {
    const folder = join(temporaryFolder(), cifarPythonForm(spec).folder);
    const train = order.flatMap((part) => of.train.slice(part * 4, part * 4 + 4));
    for (const [file, bytes] of cifarPythonFiles(spec, { train, test: of.test })) {
      write(join(folder, file), bytes);
    }
    return folder;
  }
  const official = name === 'cifar10' ? [0, 1, 2, 3, 4] : [0];

  it('is official where its images and labels are, and the same', async () => {
    expect(await read(python(official))).toEqual({ origin: 'official', records });
    const { folder } = cifarForm(spec);
    const packed = await writeTar(
      join(temporaryFolder(), 'packed-anew.tar'),
      [...cifarFiles(spec, records)]
        .reverse()
        .map(([file, content]) => ({ name: `${folder}/${file}`, content })),
    );
    expect(await read(packed)).toEqual({ origin: 'official', records });
  });

  it.skipIf(name === 'cifar100')('is put into the order of its files', async () => {
    expect(await read(python([3, 2, 1, 4, 0]))).toEqual({ origin: 'official', records });
  });

  it('is imported, in its own order, where anything else differs', async () => {
    const changed = structuredClone(records);
    changed.train[1]!.image[77]! ^= 1;
    const relabeled = structuredClone(records);
    relabeled.test[2]!.label = (relabeled.test[2]!.label + 1) % 10;
    const swapped = structuredClone(records);
    [swapped.train[0]!.image, swapped.train[1]!.image] = [
      swapped.train[1]!.image,
      swapped.train[0]!.image,
    ];
    for (const other of [changed, relabeled, swapped]) {
      expect(await read(python(official, other))).toEqual({ origin: 'imported', records: other });
    }
    if (name === 'cifar100') return;
    const twice = await read(python([0, 0, 2, 3, 4]));
    expect(twice.origin).toBe('imported');
    expect(twice.records.train[4]!.image).toEqual(records.train[0]!.image);
  });

  it('is told to be damaged when it is read, not before', async () => {
    const folder = python(official);
    write(join(folder, cifarPythonForm(spec).parts.at(-1)!.file), 'N.');
    const source = await openFound(spec, locate(spec, { dir: folder }));
    expect((await failure(() => readAll(source, 'test'))).message).toMatch(/and holds none/);
  });
});
