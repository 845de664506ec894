import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../../config/resolve.js';
import { diskError } from '../../disk/errors.js';
import { scanTar, wholeTar } from '../archive/tar-scan.js';
import { DECODERS, decodeImage, MAX_IMAGE_BYTES, type Where } from '../image/decode.js';
import { mapConcurrent } from '../parallel.js';
import type {
  DataSource,
  DatasetInfo,
  ImageRecord,
  Split,
  SplitName,
  StoredImages,
  SubsetChoice,
} from '../types.js';
import { chooseSubset } from './choose.js';
import { sortTree, type Tree, type TreeImage } from './tree.js';
import { asFolder, checkBytes, listFolder, loadFile, type TreePlace } from './tree-files.js';

/** Where an encoded image lies. */
export interface Location {
  /** Absolute. */
  file: string;
  offset: number;
  /** `undefined`: the whole file. */
  bytes?: number | undefined;
}

/** A tree of images each of which can be read by itself. */
export interface LocatedTree {
  /** Names it in errors. */
  where: string;
  tree: Tree;
  subset: SubsetChoice | undefined;
  locate(image: TreeImage): Location;
  /** Told to a person who packs it. */
  notes: string[];
}

/** @throws RethinkError (`data`) where the place is no tree, or a gzipped archive. */
export async function locateTree(
  place: TreePlace,
  subset: Config['data']['subset'],
  signal?: AbortSignal,
): Promise<LocatedTree> {
  const { path } = place;
  if (place.kind === 'folder') {
    const all = sortTree(listFolder(path), path);
    const locate = (image: TreeImage) => ({ file: join(path, image.path), offset: 0 });
    return { where: path, ...chooseSubset(all, subset, path), locate, notes: [] };
  }
  const found = new Map<string, { offset: number; size: number }>();
  const folders: string[] = [];
  const onFolder = (name: string) => folders.push(asFolder(name));
  for (const { name, offset, size } of scanTar(wholeTar(path), signal, onFolder)) {
    found.set(name, { offset, size });
    // Thousands of headers are read between two looks at signals and timers.
    if (found.size % 4096 === 0) await setImmediate();
  }
  const all = sortTree([...found.keys(), ...folders], path);
  const locate = (image: TreeImage) => {
    const { offset, size } = found.get(image.path)!;
    return { file: path, offset, bytes: size };
  };
  return { where: path, ...chooseSubset(all, subset, path), locate, notes: [] };
}

/** What is known of a tree before any image is decoded. */
export function treeInfo(
  name: string,
  { tree, subset }: Pick<LocatedTree, 'tree' | 'subset'>,
  size: number,
): DatasetInfo {
  const { train, test } = tree.images;
  return {
    name,
    height: size,
    width: size,
    channels: 3,
    classes: tree.classes,
    counts: { train: train.length, test: test.length },
    origin: 'images',
    ...(subset === undefined ? {} : { subset }),
  };
}

/** A tree that is decoded image by image, in order of index. */
export function locatedSource(located: LocatedTree, info: DatasetInfo): DataSource {
  return {
    info,
    read: (split, signal) => decodeLocated(located, info, split, signal),
    stored: async (split) => storedTree(located, info, split),
  };
}

async function* decodeLocated(
  located: LocatedTree,
  info: DatasetInfo,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const images = located.tree.images[split];
  yield* mapConcurrent(images, DECODERS, async (image) => {
    signal?.throwIfAborted();
    const pixels = await decodeAt(located, image, info);
    return { index: image.index, label: image.label, image: pixels };
  });
}

/** @throws RethinkError (`data`) naming the image where it can't be read or decoded. */
export async function decodeAt(
  located: LocatedTree,
  image: TreeImage,
  size: DatasetInfo,
): Promise<Uint8Array> {
  const location = located.locate(image);
  const where = namedIn(located, image, location);
  return decodeImage(await readLocation(location, where), where, { size, fit: 'cover' });
}

/** What an image is called in errors. */
export function namedIn(
  { where }: LocatedTree,
  image: TreeImage,
  { file, bytes }: Location,
): string {
  return bytes === undefined ? file : `${where}: ${image.path}`;
}

/** The bytes of an encoded image. */
export async function readLocation(
  { file, offset, bytes }: Location,
  where: Where,
): Promise<Buffer> {
  if (bytes === undefined) return loadFile(file);
  checkBytes(bytes, where);
  try {
    const handle = await open(file);
    try {
      const buffer = Buffer.allocUnsafe(bytes);
      let done = 0;
      while (done < bytes) {
        const { bytesRead } = await handle.read(buffer, done, bytes - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      // Shorter where the archive has been cut since: the decoder says so.
      return buffer.subarray(0, done);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw diskError(error, 'read', file, 'input');
  }
}

function storedTree(
  located: LocatedTree,
  size: DatasetInfo,
  split: SplitName,
): Split<StoredImages> {
  const images = located.tree.images[split];
  const { length } = images;
  const stored: StoredImages = {
    form: 'encoded',
    files: [],
    file: new Uint32Array(length),
    offset: new Float64Array(length),
    // As many as one image may have where the file's own length says how many there are.
    bytes: new Uint32Array(length).fill(MAX_IMAGE_BYTES),
    size: { height: size.height, width: size.width, channels: size.channels },
  };
  const numbers = new Map<string, number>();
  for (const [i, image] of images.entries()) {
    const { file, offset, bytes } = located.locate(image);
    let number = numbers.get(file);
    if (number === undefined) {
      number = stored.files.push(file) - 1;
      numbers.set(file, number);
    }
    stored.file[i] = number;
    stored.offset[i] = offset;
    if (bytes !== undefined) stored.bytes[i] = bytes;
  }
  return {
    images: stored,
    labels: Int32Array.from(images, ({ label }) => label),
    indices: Uint32Array.from(images, ({ index }) => index),
    count: length,
  };
}
