import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arraysSource } from '../../src/data/arrays.js';
import { loadDataset } from '../../src/data/load.js';
import { openSource } from '../../src/data/source.js';
import type { SplitName } from '../../src/data/types.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../helpers/zip.js';
import { failure, noise, npy, readAll } from './helpers.js';

/** Images of 2×5×3 in rows of channels, and what they are as planes. */
const BYTES = 2 * 5 * 3;
const images = (count: number, seed: number) => noise(count * BYTES, seed);

function planesOf(rows: Uint8Array): Uint8Array {
  const planes = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const [n, pixel, channel] = [Math.floor(i / BYTES), Math.floor((i % BYTES) / 3), i % 3];
    planes[n * BYTES + channel * (BYTES / 3) + pixel] = rows[i]!;
  }
  return planes;
}

const numbers = (values: number[]) =>
  npy('<i8', `(${values.length},)`, new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer));
const bytes = (shape: number[], data: Uint8Array) => npy('|u1', `(${shape.join(', ')},)`, data);

const TRAIN = images(4, 1);
const TEST = images(2, 2);
/** Keras' names, channels last. */
const KERAS = {
  'x_train.npy': bytes([4, 2, 5, 3], TRAIN),
  'y_train.npy': bytes([4, 1], Uint8Array.of(0, 2, 1, 2)),
  'x_test.npy': bytes([2, 2, 5, 3], TEST),
  'y_test.npy': numbers([1, 0]),
};

function npz(files: Record<string, Buffer>): string {
  const path = join(temporaryFolder(), 'data.npz');
  writeFileSync(path, zip(files));
  return path;
}

async function contents(path: string) {
  const source = await arraysSource(path);
  const read = async (split: SplitName) =>
    (await readAll(source, split)).map((each) => ({ ...each, image: [...each.image] }));
  return { info: source.info, train: await read('train'), test: await read('test') };
}

describe('arrays', () => {
  it('are read from one .npz, or from files in a folder, under the names people use', async () => {
    const folder = temporaryFolder();
    for (const [name, file] of Object.entries(KERAS)) writeFileSync(join(folder, name), file);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const expected = await contents(npz(KERAS));
    expect(expected.info).toMatchObject({
      name: 'arrays',
      height: 2,
      width: 5,
      channels: 3,
      classes: ['0', '1', '2'],
      counts: { train: 4, test: 2 },
      origin: 'images',
    });
    expect(expected.train.map(({ label }) => label)).toEqual([0, 2, 1, 2]);
    expect(expected.test.map(({ label }) => label)).toEqual([1, 0]);
    expect(expected.train.flatMap(({ image }) => image)).toEqual([...TRAIN]);
    expect(await contents(folder)).toEqual(expected);
    const renamed = (names: string[]) =>
      npz(Object.fromEntries(Object.values(KERAS).map((file, i) => [`${names[i]}.npy`, file])));
    for (const names of [
      ['train_images', 'train_labels', 'test_images', 'test_labels'],
      ['X_train', 'Y_train', 'X_val', 'Y_val'],
      ['data.train', 'targets.train', 'data.test', 'targets.test'],
    ]) {
      expect(await contents(renamed(names))).toEqual(expected);
    }
    // MedMNIST has a validation set beside the test set, which is the one to test on.
    const both = {
      ...KERAS,
      'val_images.npy': bytes([1, 2, 5, 3], images(1, 3)),
      'val_labels.npy': numbers([0]),
    };
    expect(await contents(npz(both))).toEqual(expected);
  });

  it('give the same images with channels first, and of one channel without an axis for it', async () => {
    const last = await contents(npz(KERAS));
    const first = {
      ...KERAS,
      'x_train.npy': bytes([4, 3, 2, 5], planesOf(TRAIN)),
      'x_test.npy': bytes([2, 3, 2, 5], planesOf(TEST)),
    };
    // The last axis is longer than there can be channels.
    expect(await contents(npz(first))).toEqual(last);
    const gray = {
      ...KERAS,
      'x_train.npy': bytes([4, 6, 5], TRAIN),
      'x_test.npy': bytes([2, 6, 5], TEST),
    };
    const read = await contents(npz(gray));
    expect(read.info).toMatchObject({ height: 6, width: 5, channels: 1 });
    expect(read.test.flatMap(({ image }) => image)).toEqual([...TEST]);
  });

  it('may have names as labels', async () => {
    const named = {
      ...KERAS,
      'y_train.npy': npy('|S3', '(4,)', Buffer.from('dogcatdogcat')),
      'y_test.npy': npy('|S3', '(2,)', Buffer.from('catdog')),
    };
    const { info, train, test } = await contents(npz(named));
    expect(info.classes).toEqual(['cat', 'dog']);
    expect([...train, ...test].map(({ label }) => label)).toEqual([1, 0, 1, 0, 0, 1]);
  });

  it('are a data set like any other', async () => {
    const dir = npz(KERAS);
    const dataset = await loadDataset({ name: 'arrays', dir }, { seed: 0 });
    expect([...dataset.train.labels]).toEqual([0, 2, 1, 2]);
    expect(dataset.train.images).toEqual(TRAIN);
    expect((await failure(() => openSource({ name: 'arrays' }))).message).toMatch(
      /data\.dir is missing: arrays needs a \.npz file/,
    );
    expect(
      (await failure(() => openSource({ name: 'arrays', dir: `${dir}.absent` }))).message,
    ).toMatch(/there is no such file or folder/);
  });

  it.each<[string, Record<string, Buffer>, RegExp]>([
    ['no labels', { 'y_train.npy': Buffer.alloc(0) }, /is no \.npy file/],
    ['other names', { 'y_test.npy': undefined as never }, /has no test labels; it has "x_train"/],
    [
      'two arrays for one',
      { 'train_images.npy': KERAS['x_train.npy'] },
      /2 arrays of train images/,
    ],
    [
      'one-hot labels',
      { 'y_train.npy': bytes([4, 3], new Uint8Array(12)) },
      /shape \[4, 3\]: one label/,
    ],
    [
      'too few labels',
      { 'y_train.npy': numbers([0, 1]) },
      /has 4 images, and data\.npz: y_train 2 labels/,
    ],
    ['a negative label', { 'y_train.npy': numbers([0, 1, 2, -1]) }, /has the label -1/],
    [
      'a fraction',
      { 'y_test.npy': npy('<f8', '(2,)', new Uint8Array(new Float64Array([0.5, 1]).buffer)) },
      /has the label 0\.5/,
    ],
    ['a huge label', { 'y_test.npy': numbers([1e9, 0]) }, /has the label 1000000000/],
    [
      'floats',
      { 'x_train.npy': npy('<f4', '(4, 2, 5, 3)', new Uint8Array(480)) },
      /is of <f4, not of bytes/,
    ],
    ['vectors', { 'x_train.npy': bytes([4, 30], TRAIN) }, /x_train has shape \[4, 30\]/],
    ['two sizes', { 'x_test.npy': bytes([2, 5, 2, 3], TEST) }, /2×5×3 and test images of 5×2×3/],
    [
      'no images',
      { 'x_test.npy': bytes([0, 2, 5, 3], new Uint8Array(0)), 'y_test.npy': numbers([]) },
      /x_test has shape \[0, 2, 5, 3\]/,
    ],
    [
      'a million of millions of images of no size',
      {
        'x_train.npy': bytes([1e12, 0, 5, 3], new Uint8Array(0)),
        'y_train.npy': npy('|S1', '(1000000000000, 0)', new Uint8Array(0)),
      },
      /x_train has shape \[1000000000000, 0, 5, 3\]/,
    ],
    [
      'text of no characters',
      { 'y_train.npy': npy('|S0', '(1000000000000,)', new Uint8Array(0)) },
      /y_train\.npy is an array of "\|S0"/,
    ],
  ])('with %s are refused by name', async (_, changes, why) => {
    const files = Object.fromEntries(
      Object.entries({ ...KERAS, ...changes }).filter(([, file]) => file !== undefined),
    );
    const error = await failure(() => contents(npz(files)));
    expect(error.message).toMatch(why);
    expect(error.kind).toBe('data');
  });
});
