import { basename } from 'node:path';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { decodedBy } from '../image/decode.js';
import type { StoreManifest } from '../published/store.js';
import type { PublishedSpec } from '../published/types.js';
import { decodeAll, openTree } from '../tree/imagetree.js';
import type { TreePlace } from '../tree/listing.js';
import type { Tree } from '../tree/tree.js';
import { type WriteOptions, writeStore } from './write.js';

/**
 * Decodes a tree of images into a folder in the store's layout, in bounded memory.
 *
 * @param sha256 Of the archive the images come from.
 * @throws RethinkError (`data`) where classes, counts or image sizes aren't those of the data set.
 */
export async function storeTree(
  spec: PublishedSpec,
  place: TreePlace,
  folder: string,
  sha256: string | undefined,
  options: WriteOptions & { note?: ((message: string) => void) | undefined },
): Promise<StoreManifest> {
  const { signal } = options;
  const opened = await openTree(place, spec.classes, options);
  const { tree } = opened;
  for (const note of tree.notes) options.note?.(note);
  checkCounts(spec, tree, place.path);
  const wanted = [...tree.images.train, ...tree.images.test];
  const decoded = decodeAll(opened.read(wanted, signal), { size: spec, fit: 'exact' });
  const from = { source: { name: basename(place.path), sha256 }, decoder: decodedBy('exact') };
  return writeStore(spec, decoded, from, folder, options);
}

function checkCounts(spec: PublishedSpec, tree: Tree, where: string): void {
  for (const split of ['train', 'test'] as const) {
    const [found, expected] = [tree.images[split].length, spec.counts[split]];
    if (found === expected) continue;
    throw new RethinkError(
      'data',
      `${where} has ${grouped(found)} ${split} images, and ${spec.name} has ${grouped(expected)}.`,
      { hint: 'Images of your own are used as they are: data.name=imagetree data.dir=PATH' },
    );
  }
}
