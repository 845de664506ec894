import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RethinkError } from '../errors.js';
import { processMemory } from '../machine/machine.js';
import { takingTurns, type Watching } from '../progress.js';
import { grouped, named } from '../text.js';
import { bytesOf, describeDtype, elements, type NdArray, valuesOf } from './numpy/ndarray.js';
import { readNpy } from './numpy/npy.js';
import { npzArrays } from './numpy/npz.js';
import { planesToPixels } from './published/planes.js';
import type { DataSource, ImageRecord, ImageSize, SplitName } from './types.js';

/** All arrays are held in memory, and Node's buffers end at 4 GiB; no more than half of the memory that there is. */
const MOST_BYTES = 4e9;
const MOST_CLASSES = 65_536;

/** Words in an array's name that say which split it is of, the better first, and what it holds. */
const SPLIT_WORDS: Record<SplitName, readonly string[]> = {
  train: ['train', 'training'],
  test: ['test', 'testing', 'val', 'valid', 'validation'],
};
const WORDS = {
  images: ['x', 'images', 'image', 'data'],
  labels: ['y', 'labels', 'label', 'targets'],
} as const;

const HINT =
  'Expected: x_train, y_train, x_test and y_test (or train_images, train_labels …) in one .npz, or as .npy files in one folder.';

/** A split as it lies in memory. */
interface Part {
  images: NdArray;
  /** Whether the channels' planes lie one after another: [n, channels, height, width]. */
  planes: boolean;
  size: ImageSize;
  labels: number[];
}

/**
 * Images and labels in NumPy's arrays: a `.npz` of Keras', MedMNIST's or one's own, or a folder of `.npy` files. Images are
 * uint8 [n, height, width, channels], [n, channels, height, width] or [n, height, width]; labels are whole numbers from 0, or
 * names, [n] or [n, 1]. An example's index is its place in its array.
 *
 * @throws RethinkError (`data`) where arrays are missing, or aren't such.
 */
export async function arraysSource(path: string, watching: Watching = {}): Promise<DataSource> {
  const arrays = await readArrays(path, watching);
  const picked = { train: pick(arrays, 'train', path), test: pick(arrays, 'test', path) };
  const values = [...picked.train.labels.values, ...picked.test.labels.values];
  const classes = classesOf(values, path);
  const parts = { train: partOf(picked.train, classes), test: partOf(picked.test, classes) };
  const { size } = parts.train;
  const other = parts.test.size;
  if (describeSize(size) !== describeSize(other)) {
    throw new RethinkError(
      'data',
      `${path} has training images of ${describeSize(size)} and test images of ${describeSize(other)}.`,
    );
  }
  return {
    info: {
      name: 'arrays',
      ...size,
      classes,
      counts: { train: parts.train.labels.length, test: parts.test.labels.length },
      origin: 'images',
    },
    read: async function* (split) {
      yield* records(parts[split]);
    },
  };
}

function* records({ images, planes, size, labels }: Part): Generator<ImageRecord> {
  const bytes = bytesOf(images);
  const each = size.height * size.width * size.channels;
  for (const [index, label] of labels.entries()) {
    const image = bytes.subarray(index * each, (index + 1) * each);
    yield { index, label, image: planes ? planesToPixels(image, size.channels) : image };
  }
}

async function readArrays(path: string, watching: Watching): Promise<Map<string, NdArray>> {
  const limit = Math.min(MOST_BYTES, processMemory().total / 2);
  if (!statSync(path).isDirectory()) {
    const arrays = path.endsWith('.npy') ? undefined : await npzArrays(path, limit, watching);
    if (arrays !== undefined) return arrays;
    throw new RethinkError('data', `${path} is no .npz file of images and labels.`, { hint: HINT });
  }
  const files = readdirSync(path).filter((name) => name.endsWith('.npy'));
  const size = files.reduce((sum, file) => sum + statSync(join(path, file)).size, 0);
  if (size > limit) {
    throw new RethinkError('data', `${path} holds more than ${grouped(limit)} bytes.`);
  }
  const arrays = new Map<string, NdArray>();
  const turn = takingTurns(watching, `reading ${path}`);
  for (const file of files) {
    arrays.set(file.replace(/\.npy$/, ''), await readNpy(join(path, file), limit, turn));
  }
  return arrays;
}

interface Picked {
  images: { array: NdArray; where: string };
  labels: { values: (number | string)[]; where: string };
}

/** The images and labels of a split, by the words in their names. */
function pick(arrays: ReadonlyMap<string, NdArray>, split: SplitName, path: string): Picked {
  const wordsOf = (name: string) => name.toLowerCase().split(/[^a-z]+/);
  const find = (holds: keyof typeof WORDS) => {
    for (const splitWord of SPLIT_WORDS[split]) {
      const found = [...arrays].filter(([name]) => {
        const words = wordsOf(name);
        return words.includes(splitWord) && WORDS[holds].some((word) => words.includes(word));
      });
      if (found.length > 1) {
        const names = named(found.map(([name]) => name));
        const count = grouped(found.length);
        throw new RethinkError(
          'data',
          `${path} has ${count} arrays of ${split} ${holds}: ${names}.`,
        );
      }
      if (found[0] !== undefined) {
        const [name, array] = found[0];
        return { array, where: `${basename(path)}: ${name}` };
      }
    }
    const names = named([...arrays.keys()], 20) || 'no arrays';
    throw new RethinkError('data', `${path} has no ${split} ${holds}; it has ${names}.`, {
      hint: HINT,
    });
  };
  const images = find('images');
  // Of images of no size there could be any number in no bytes.
  if (elements(images.array.shape) === 0) throw wrongShape(images.array, images.where);
  const labels = find('labels');
  const [count, ...others] = labels.array.shape;
  if (others.some((n) => n !== 1)) {
    throw new RethinkError(
      'data',
      `${labels.where} has shape ${shapeOf(labels.array)}: one label for each image is expected.`,
      { hint: 'Of one-hot labels take the class: labels.argmax(1).' },
    );
  }
  if (count !== images.array.shape[0]) {
    throw new RethinkError(
      'data',
      `${images.where} has ${grouped(images.array.shape[0])} images, and ${labels.where} ${grouped(count)} labels.`,
    );
  }
  return { images, labels: { values: valuesOf(labels.array, labels.where), where: labels.where } };
}

/** Names of classes: those that labels are, in order, or the numbers up to the greatest. */
function classesOf(labels: readonly (number | string)[], path: string): string[] {
  const names = [...new Set(labels)];
  if (names.every((name) => typeof name === 'string')) return names.sort();
  let greatest = -1;
  for (const label of names) {
    const number = Number(label);
    if (!Number.isInteger(number) || number < 0 || number >= MOST_CLASSES) {
      throw new RethinkError(
        'data',
        `${path} has the label ${label}: labels are whole numbers from 0.`,
      );
    }
    greatest = Math.max(greatest, number);
  }
  return Array.from({ length: greatest + 1 }, (_, i) => String(i));
}

function partOf({ images: { array, where }, labels }: Picked, classes: string[]): Part {
  const { kind, bytes } = array.dtype;
  if (kind !== 'u' || bytes !== 1) {
    throw new RethinkError('data', `${where} is of ${describeDtype(array.dtype)}, not of bytes.`, {
      hint: 'Images are 0 to 255: (255 * images).round().astype("uint8") of those from 0 to 1.',
    });
  }
  const numberOf = new Map(classes.map((name, label) => [name, label]));
  return {
    images: array,
    ...layoutOf(array, where),
    labels: labels.values.map((label) => numberOf.get(String(label))!),
  };
}

/** Channels are the axis of at most 4; where both are, the last. */
function layoutOf(array: NdArray, where: string): Pick<Part, 'planes' | 'size'> {
  const [count = 0, a = 0, b = 0, c = 1] = array.shape;
  const { length } = array.shape;
  const planes = length === 4 && c > 4 && a <= 4;
  const size = planes ? { height: b, width: c, channels: a } : { height: a, width: b, channels: c };
  const fits = (length === 3 || length === 4) && size.channels <= 4;
  if (fits && count > 0 && Math.min(size.height, size.width, size.channels) > 0) {
    return { planes, size };
  }
  throw wrongShape(array, where);
}

function wrongShape(array: NdArray, where: string): RethinkError {
  return new RethinkError('data', `${where} has shape ${shapeOf(array)}.`, {
    hint: 'Images are [n, height, width, channels], [n, channels, height, width] or [n, height, width].',
  });
}

function shapeOf({ shape }: NdArray): string {
  return `[${shape.join(', ')}]`;
}

function describeSize({ height, width, channels }: ImageSize): string {
  return `${height}×${width}×${channels}`;
}
