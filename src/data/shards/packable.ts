import { basename, resolve } from 'node:path';
import type { OwnName } from '../../config/datasets.js';
import type { Config } from '../../config/resolve.js';
import type { Watching } from '../../progress.js';
import { OWN } from '../own.js';
import { chooseSubset } from '../tree/choose.js';
import { type EncodedImage, openTree } from '../tree/imagetree.js';
import { treePlace } from '../tree/listing.js';
import { type LocatedTree, namedIn } from '../tree/located.js';
import { readLocation } from '../tree/location.js';
import type { Tree, TreeImage } from '../tree/tree.js';
import type { SubsetChoice } from '../types.js';

/** Images that can be packed. */
export interface Packable {
  name: OwnName;
  /** The file or folder they come from. */
  source: string;
  tree: Tree;
  subset: SubsetChoice | undefined;
  /** Bytes of an encoded image, where that is known without looking. */
  bytesOf(image: TreeImage): number | undefined;
  /** Each of `wanted`, in an order of the source's own. */
  read(wanted: readonly TreeImage[], signal?: AbortSignal): AsyncIterable<EncodedImage>;
}

/**
 * Opens what a path or a config names.
 *
 * @throws RethinkError: `data` where it is none of the forms that are known, `usage` for a subset that it doesn't have.
 */
export async function openPackable(
  data: Pick<Config['data'], 'subset'> & { name: Packable['name']; dir: string },
  watching?: Watching,
): Promise<Packable> {
  const path = resolve(data.dir);
  const located = await OWN[data.name].located(path, data.subset, watching);
  if (located !== undefined) return fromLocated(data.name, path, located);
  const { tree, read } = await openTree(treePlace(path), undefined, watching);
  return {
    name: data.name,
    source: basename(path),
    ...chooseSubset(tree, data.subset, path),
    bytesOf: () => undefined,
    read,
  };
}

function fromLocated(name: Packable['name'], path: string, located: LocatedTree): Packable {
  const { tree, subset } = located;
  return {
    name,
    source: basename(path),
    tree,
    subset,
    bytesOf: (image) => located.locate(image).bytes,
    read: async function* (wanted) {
      for (const image of wanted) {
        const location = located.locate(image);
        const where = namedIn(located, image, location);
        yield { image, where, load: () => readLocation(location, where) };
      }
    },
  };
}
