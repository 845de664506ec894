import { join } from 'node:path';
import { DECODERS, type DecodeOptions, decodeImage } from '../image/decode.js';
import { mapConcurrent } from '../parallel.js';
import type { DataSource, DatasetInfo, ImageRecord } from '../types.js';
import { chooseSubset, type SubsetConfig } from './choose.js';
import { locatedSource, locateTree, treeInfo } from './located.js';
import { sortTree, type TreeImage } from './tree.js';
import { listArchive, listFolder, readTreeFiles, type TreePlace, treePlace } from './tree-files.js';

/** Side to which images of a tree are resized where the config doesn't say. */
export const DEFAULT_SIZE = 32;

/**
 * A user's own images: a folder, tar or tar.gz of `<split>/<class>/*.(jpe?g|png)`, scaled to `size`×`size`×3.
 *
 * An archive is read in its own order, but an image's index is its place by name, as in a folder.
 */
export async function imagetreeSource(
  path: string,
  size = DEFAULT_SIZE,
  subset?: SubsetConfig,
  signal?: AbortSignal,
): Promise<DataSource> {
  const place = treePlace(path);
  if (place.kind === 'folder') {
    const located = await locateTree(place, subset, signal);
    return locatedSource(located, treeInfo('imagetree', located, size));
  }
  const chosen = chooseSubset(sortTree(await listArchive(path, signal), path), subset, path);
  const info = treeInfo('imagetree', chosen, size);
  return {
    info,
    read: (split, signal) =>
      decodeTree(place, chosen.tree.images[split], { size: info, fit: 'cover' }, signal),
    stored: async (split, signal) =>
      locatedSource(await locateTree(place, subset, signal), info).stored!(split, signal),
  };
}

/** What a folder of images holds, without decoding any. */
export function describeImageFolder(
  path: string,
  size = DEFAULT_SIZE,
  subset?: SubsetConfig,
): DatasetInfo {
  const chosen = chooseSubset(sortTree(listFolder(path), path), subset, path);
  return treeInfo('imagetree', chosen, size);
}

/** Decodes images of a tree, several at a time, in the order in which they are read. */
export async function* decodeTree(
  place: TreePlace,
  wanted: readonly TreeImage[],
  options: DecodeOptions,
  signal?: AbortSignal,
): AsyncGenerator<ImageRecord & Pick<TreeImage, 'split'>> {
  const encoded = readTreeFiles(place, wanted, signal);
  yield* mapConcurrent(encoded, DECODERS, async ({ image, load }) => {
    const where =
      place.kind === 'folder' ? join(place.path, image.path) : `${place.path}: ${image.path}`;
    const pixels = await decodeImage(await load(), where, options);
    return { index: image.index, label: image.label, image: pixels, split: image.split };
  });
}
