import { join } from 'node:path';
import { DECODERS, type DecodeOptions, decodeImage } from './decode.js';
import { mapConcurrent } from './parallel.js';
import { sortTree, type Tree, type TreeImage } from './tree.js';
import { listArchive, listFolder, readTreeFiles, type TreePlace, treePlace } from './tree-files.js';
import type { DataSource, DatasetInfo, ImageRecord } from './types.js';

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
  signal?: AbortSignal,
): Promise<DataSource> {
  const place = treePlace(path);
  const paths = place.kind === 'folder' ? listFolder(path) : await listArchive(path, signal);
  const tree = sortTree(paths, path);
  const info = treeInfo(tree, size);
  return {
    info,
    read: (split, signal) =>
      decodeTree(place, tree.images[split], { size: info, fit: 'cover' }, signal),
  };
}

/** What a folder of images holds, without decoding any. */
export function describeImageFolder(path: string, size = DEFAULT_SIZE): DatasetInfo {
  return treeInfo(sortTree(listFolder(path), path), size);
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

function treeInfo(tree: Tree, size: number): DatasetInfo {
  const { train, test } = tree.images;
  return {
    name: 'imagetree',
    height: size,
    width: size,
    channels: 3,
    classes: tree.classes,
    counts: { train: train.length, test: test.length },
    origin: 'images',
  };
}
