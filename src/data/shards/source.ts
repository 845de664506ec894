import { join } from 'node:path';
import type { Config } from '../../config/resolve.js';
import { fileSize } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped } from '../../text.js';
import { StoredReader, takeStored } from '../stored/stored.js';
import { chooseSubset } from '../tree/choose.js';
import type { TreeImage } from '../tree/tree.js';
import type {
  DataSource,
  DatasetInfo,
  ImageRecord,
  Split,
  SplitName,
  StoredImages,
} from '../types.js';
import {
  type PackIndex,
  packedIndices,
  packedLabels,
  packInfo,
  readPackIndex,
  type Shard,
} from './index-file.js';

/** Images read at a time when a split is read in order. */
const AT_ONCE = 64;

/**
 * A packed data set, read as it lies there.
 *
 * @throws RethinkError: `data` where it is damaged; `usage` where the config names another data set or size.
 */
export function packSource(folder: string, data: Config['data']): DataSource {
  const index = readPackIndex(folder);
  checkAsked(folder, index, data);
  const splits = { train: splitOf(folder, index, 'train'), test: splitOf(folder, index, 'test') };
  const { info, labels } = chosen(folder, index, data, splits);
  const whole = labels === undefined;
  const part = (split: SplitName) => (whole ? splits[split] : taken(splits[split], labels[split]));
  const stored = async (split: SplitName) => {
    checkSizes(folder, index[split].shards);
    return part(split);
  };
  return {
    info,
    others: index.others ?? [],
    labels: part,
    stored,
    read: (split, signal) => readInOrder(() => stored(split), info, signal),
    // Of a part of it they would have to be measured.
    ...(whole ? { statistics: index.statistics, hash: index.hash } : {}),
  };
}

function checkAsked(folder: string, index: PackIndex, { name, size }: Config['data']): void {
  if (name !== index.name) {
    throw new RethinkError('usage', `${folder} holds ${index.name}, and data.name is ${name}.`, {
      hint: `Set data.name to ${index.name}.`,
    });
  }
  if (size !== undefined && size !== index.size) {
    throw new RethinkError(
      'usage',
      `data.size is ${size}, but the images in ${folder} are packed at ${index.size}×${index.size}.`,
      { hint: 'Leave data.size out, or pack the images again. data.crop takes a part of them.' },
    );
  }
}

/** Every image of a split and where it lies. */
export function splitOf(
  folder: string,
  index: Pick<PackIndex, 'size' | 'channels' | SplitName>,
  name: SplitName,
): Split<StoredImages> {
  const { count, shards } = index[name];
  const { size, channels } = index;
  const imageBytes = size * size * channels;
  const images: StoredImages = {
    form: 'pixels',
    files: shards.map(({ file }) => join(folder, file)),
    file: new Uint32Array(count),
    offset: new Float64Array(count),
    bytes: new Uint32Array(count).fill(imageBytes),
    size: { height: size, width: size, channels },
  };
  let position = 0;
  for (const [number, shard] of shards.entries()) {
    for (let i = 0; i < shard.count; i++, position++) {
      images.file[position] = number;
      images.offset[position] = i * imageBytes;
    }
  }
  const labels = packedLabels(index[name]);
  return { images, labels, indices: packedIndices(index[name]), count };
}

interface Chosen {
  info: DatasetInfo;
  /** Labels of the chosen images, by source index; `undefined`: all are. */
  labels?: Record<SplitName, Map<number, number>>;
}

/** What the config's `data.subset` takes of it: all, where it was packed with the same one. */
function chosen(
  folder: string,
  index: PackIndex,
  data: Config['data'],
  splits: Record<SplitName, Split<StoredImages>>,
): Chosen {
  const info = packInfo(index);
  if (data.subset === undefined) return { info };
  const images = (split: SplitName): TreeImage[] =>
    Array.from(splits[split].labels, (label, i) => ({
      path: index[split].names[i]!,
      split,
      className: index.classes[label]!,
      label,
      index: splits[split].indices[i]!,
    }));
  const all = {
    classes: index.classes,
    images: { train: images('train'), test: images('test') },
    others: [],
    notes: [],
  };
  const of = index.subset?.of ?? {
    train: index.source.train,
    test: index.source.test,
    classes: index.classes.length,
  };
  const { perClass, testPerClass, seed } = data.subset;
  const before = index.subset;
  const same =
    before?.seed === seed &&
    before.perClass === (perClass ?? null) &&
    before.testPerClass === (testPerClass ?? null);
  // Chosen already; images that could not be decoded must not be missed now.
  const wanted = same
    ? { ...data.subset, perClass: undefined, testPerClass: undefined }
    : data.subset;
  const { tree, subset } = chooseSubset(all, wanted, folder, of);
  const { train, test } = tree.images;
  const counts = { train: train.length, test: test.length };
  const chosenInfo = {
    ...info,
    classes: tree.classes,
    counts,
    subset: same
      ? { ...subset!, perClass: before.perClass, testPerClass: before.testPerClass }
      : subset!,
  };
  if (train.length === index.train.count && test.length === index.test.count) {
    return { info: chosenInfo };
  }
  const byIndex = (list: TreeImage[]) => new Map(list.map(({ index, label }) => [index, label]));
  return { info: chosenInfo, labels: { train: byIndex(train), test: byIndex(test) } };
}

/** @param labels Of the images that are taken, by source index. */
function taken(all: Split<StoredImages>, labels: Map<number, number>): Split<StoredImages> {
  const positions = [...all.indices.keys()].filter((at) => labels.has(all.indices[at]!));
  const part = takeStored(all, Uint32Array.from(positions));
  // Numbered anew where classes are left out.
  return { ...part, labels: Int32Array.from(part.indices, (index) => labels.get(index)!) };
}

/** @throws RethinkError (`data`) naming the first shard that is missing or has another size. */
function checkSizes(folder: string, shards: readonly Shard[]): void {
  for (const { file, bytes } of shards) {
    const size = fileSize(join(folder, file));
    if (size === bytes) continue;
    const has = size === undefined ? 'is missing' : `has ${grouped(size)} bytes`;
    throw new RethinkError(
      'data',
      `${join(folder, file)} ${has}, and ${grouped(bytes)} bytes are expected.`,
      { hint: 'Pack the images again: rethink-gen data pack PATH --out DIR --size N' },
    );
  }
}

async function* readInOrder(
  open: () => Promise<Split<StoredImages>>,
  { height, width, channels }: DatasetInfo,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const { images, labels, indices, count } = await open();
  const reader = new StoredReader(images);
  const imageBytes = height * width * channels;
  const buffer = new Uint8Array(AT_ONCE * imageBytes);
  try {
    for (let first = 0; first < count; first += AT_ONCE) {
      throwIfInterrupted(signal, 'reading packed images');
      const n = Math.min(AT_ONCE, count - first);
      const positions = Uint32Array.from({ length: n }, (_, i) => first + i);
      await reader.read(positions, buffer.subarray(0, n * imageBytes));
      for (let i = 0; i < n; i++) {
        const image = buffer.slice(i * imageBytes, (i + 1) * imageBytes);
        yield { index: indices[first + i]!, label: labels[first + i]!, image };
      }
    }
  } finally {
    reader.close();
  }
}
