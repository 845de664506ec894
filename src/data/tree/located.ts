import type { Config } from '../../config/resolve.js';
import { mapConcurrent } from '../../map-concurrent.js';
import { throwIfInterrupted, type Watching } from '../../progress.js';
import { DECODERS, decodeImage, MAX_IMAGE_BYTES } from '../image/decode.js';
import type {
  DataSource,
  DatasetInfo,
  ImageRecord,
  Split,
  SplitLabels,
  SplitName,
  StoredImages,
  SubsetChoice,
} from '../types.js';
import { chooseSubset } from './choose.js';
import { listLocated, type TreePlace } from './listing.js';
import { type Location, readLocation } from './location.js';
import { type Tree, type TreeImage, treeOf } from './tree.js';
import { openShards } from './webdataset.js';

/** A tree of images each of which can be read by itself. */
export interface LocatedTree {
  /** Names it in errors. */
  where: string;
  tree: Tree;
  subset: SubsetChoice | undefined;
  locate(image: TreeImage): Location;
}

/** @throws RethinkError (`data`) where the place is no tree, or a stream. */
export async function locateTree(
  place: TreePlace,
  subset: Config['data']['subset'],
  watching?: Watching,
): Promise<LocatedTree> {
  const { path } = place;
  const { tree, locate } = await openLocated(place, undefined, watching);
  return { where: path, ...chooseSubset(tree, subset, path), locate };
}

/**
 * Lists and orders a place whose files can be read by themselves.
 *
 * @param classes The classes that it must have, in order; left out: those that it has.
 * @throws RethinkError (`data`) as `locateTree`.
 */
export async function openLocated(
  place: TreePlace,
  classes?: readonly string[],
  watching?: Watching,
): Promise<Pick<LocatedTree, 'tree' | 'locate'>> {
  const shards = await openShards(place, watching);
  if (shards !== undefined) return shards;
  const { tree, listing } = treeOf(await listLocated(place, watching), place.path, classes);
  return { tree, locate: ({ path }) => listing.locate(path) };
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

/** What a source of a tree has to say of it. */
export function toldOf({ notes, others }: Tree): Pick<DataSource, 'notes' | 'others'> {
  return { notes, others };
}

/** True classes and indices of a tree's images, in order of index. */
export function treeLabels({ images }: Tree, split: SplitName): SplitLabels {
  return {
    labels: Int32Array.from(images[split], ({ label }) => label),
    indices: Uint32Array.from(images[split], ({ index }) => index),
    count: images[split].length,
  };
}

/** A tree that is decoded image by image, in order of index. */
export function locatedSource(located: LocatedTree, info: DatasetInfo): DataSource {
  return {
    info,
    ...toldOf(located.tree),
    labels: (split) => treeLabels(located.tree, split),
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
    throwIfInterrupted(signal, `reading ${located.where}`);
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
    const { file, offset, bytes, holes, zip } = located.locate(image);
    let number = numbers.get(file);
    if (number === undefined) {
      number = stored.files.push(file) - 1;
      numbers.set(file, number);
    }
    stored.file[i] = number;
    stored.offset[i] = offset;
    if (bytes !== undefined) stored.bytes[i] = bytes;
    if (zip) stored.zip = true;
    if (holes !== undefined) {
      stored.holes ??= new Map();
      stored.holes.set(i, holes);
    }
  }
  return { images: stored, ...treeLabels(located.tree, split) };
}
