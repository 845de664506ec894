import { mapConcurrent } from '../../map-concurrent.js';
import type { Watching } from '../../progress.js';
import { entryBytes, readMembers } from '../archive/tar.js';
import { DECODERS, type DecodeOptions, decodeImage } from '../image/decode.js';
import type { DataSource, DatasetInfo, ImageRecord } from '../types.js';
import { chooseSubset, type SubsetConfig } from './choose.js';
import {
  isStream,
  listFolderAtOnce,
  listStream,
  mostUnpacked,
  type StreamListing,
  type TreePlace,
  treePlace,
} from './listing.js';
import { locatedSource, locateTree, openLocated, toldOf, treeInfo, treeLabels } from './located.js';
import { checkBytes, readLocation } from './location.js';
import { sortTree, type Tree, type TreeImage, treeOf } from './tree.js';

/** Side to which images of a tree are resized where the config doesn't say. */
export const DEFAULT_SIZE = 32;

/** An image of a tree, its bytes yet to be read where it can be read by itself. */
export interface EncodedImage {
  image: TreeImage;
  /** Names it in errors. */
  where: string;
  load: () => Promise<Buffer>;
}

/** A tree of images, wherever it lies. */
export interface OpenTree {
  tree: Tree;
  /** These images, in an order of the place's own. */
  read(wanted: readonly TreeImage[], signal?: AbortSignal): AsyncIterable<EncodedImage>;
}

/**
 * Lists a tree and puts it in order.
 *
 * @param classes The classes that it must have, in order; left out: those that it has.
 * @throws RethinkError (`data`) where the place is no tree, or damaged.
 */
export async function openTree(
  place: TreePlace,
  classes?: readonly string[],
  watching?: Watching,
): Promise<OpenTree> {
  const { path } = place;
  if (isStream(place)) {
    const { tree, listing } = treeOf(await listStream(path, watching), path, classes);
    return { tree, read: (wanted, signal) => readStream(path, listing, wanted, signal) };
  }
  const { tree, locate } = await openLocated(place, classes, watching);
  return {
    tree,
    read: async function* (wanted) {
      for (const image of wanted) {
        const location = locate(image);
        const where = place.kind === 'folder' ? location.file : `${path}: ${image.path}`;
        yield { image, where, load: () => readLocation(location, where) };
      }
    },
  };
}

/** In the order of the archive: an entry may be several images, by hard links. */
async function* readStream(
  path: string,
  { entryOf }: StreamListing,
  wanted: readonly TreeImage[],
  signal?: AbortSignal,
): AsyncGenerator<EncodedImage> {
  const byEntry = new Map<number, TreeImage[]>();
  for (const image of wanted) {
    const entry = entryOf(image.path);
    const images = byEntry.get(entry);
    if (images === undefined) byEntry.set(entry, [image]);
    else images.push(image);
  }
  let number = 0;
  for await (const entry of readMembers(path, { signal, maxBytes: mostUnpacked(path) })) {
    const images = byEntry.get(number++);
    if (images === undefined) continue;
    checkBytes(entry.size, `${path}: ${images[0]!.path}`);
    const bytes = await entryBytes(entry);
    for (const image of images) {
      yield { image, where: `${path}: ${image.path}`, load: async () => bytes };
    }
  }
}

/**
 * A user's own images: a folder, tar, tar.gz or zip of `<split>/<class>/<image>`, scaled to `size`×`size`×3.
 *
 * A stream is read in its own order, but an image's index is its place by name, as in a folder.
 */
export async function imagetreeSource(
  path: string,
  size = DEFAULT_SIZE,
  subset?: SubsetConfig,
  watching?: Watching,
): Promise<DataSource> {
  const place = treePlace(path);
  if (!isStream(place)) {
    const located = await locateTree(place, subset, watching);
    return locatedSource(located, treeInfo('imagetree', located, size));
  }
  const { tree, read } = await openTree(place, undefined, watching);
  const chosen = chooseSubset(tree, subset, path);
  const info = treeInfo('imagetree', chosen, size);
  return {
    info,
    ...toldOf(chosen.tree),
    labels: (split) => treeLabels(chosen.tree, split),
    read: (split, signal) =>
      decodeAll(read(chosen.tree.images[split], signal), { size: info, fit: 'cover' }),
    stored: async (split, signal) =>
      locatedSource(await locateTree(place, subset, { signal }), info).stored!(split, signal),
  };
}

/** What a folder of images holds, without decoding any. @throws RethinkError (`data`) */
export function describeImageFolder(
  path: string,
  size = DEFAULT_SIZE,
  subset?: SubsetConfig,
): DatasetInfo {
  const listing = listFolderAtOnce(path);
  return treeInfo('imagetree', chooseSubset(sortTree(listing, path), subset, path), size);
}

/** Decodes images, several at a time, in the order in which they come. */
export async function* decodeAll(
  encoded: AsyncIterable<EncodedImage>,
  options: DecodeOptions,
): AsyncGenerator<ImageRecord & Pick<TreeImage, 'split'>> {
  yield* mapConcurrent(encoded, DECODERS, async ({ image, where, load }) => {
    const pixels = await decodeImage(await load(), where, options);
    return { index: image.index, label: image.label, image: pixels, split: image.split };
  });
}
