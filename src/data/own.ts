import { resolve } from 'node:path';
import { OWN_NAMES, type OwnName } from '../config/datasets.js';
import type { Config } from '../config/resolve.js';
import type { Watching } from '../progress.js';
import { locateImagenet, looksLikeImagenet, SYNSETS } from './imagenet/index.js';
import { isPack, readPackIndex } from './shards/index-file.js';
import type { SubsetConfig } from './tree/choose.js';
import { DEFAULT_SIZE, describeImageFolder, imagetreeSource } from './tree/imagetree.js';
import { isStream, treePlace } from './tree/listing.js';
import { type LocatedTree, locatedSource, locateTree, treeInfo } from './tree/located.js';
import type { DataSource, DatasetInfo } from './types.js';

/** How images of the user's own are told, listed and read, where they aren't packed. */
export interface OwnLayout {
  /** How to get or use it. */
  get: string;
  /** Of the whole data set, where its name says it. */
  classes?: number;
  /** Whether a path that nobody has named looks like it; left out by what is taken where nothing else fits. */
  looksLike?(path: string): boolean;
  /** What a folder holds; left out where it takes long to tell. @throws RethinkError (`data`) */
  describe?(folder: string, data: Config['data']): DatasetInfo;
  /** @throws RethinkError: `data` where it is missing or damaged, `usage` for a subset that it doesn't have. */
  open(path: string, data: Config['data'], watching?: Watching): Promise<DataSource>;
  /** As `open`, each image with its place; `undefined` where they can only be read in their order. */
  located(
    path: string,
    subset: SubsetConfig | undefined,
    watching?: Watching,
  ): Promise<LocatedTree | undefined>;
}

/** The data sets of encoded images that a user brings. */
export const OWN: Record<OwnName, OwnLayout> = {
  imagetree: {
    get: 'your own images <split>/<class>/*.jpg: data.name=imagetree data.dir=PATH',
    describe: (folder, { size, subset }) => describeImageFolder(folder, size, subset),
    open: (path, { size, subset }, watching) => imagetreeSource(path, size, subset, watching),
    located: async (path, subset, watching) => {
      const place = treePlace(path);
      return isStream(place) ? undefined : locateTree(place, subset, watching);
    },
  },
  imagenet: {
    get: 'ILSVRC 2012 from image-net.org: data.name=imagenet data.dir=PATH',
    classes: SYNSETS,
    looksLike: looksLikeImagenet,
    // Not described: it would be to list millions of images in archives.
    open: async (path, { size = DEFAULT_SIZE, subset }, watching) => {
      const located = await locateImagenet(path, subset, watching);
      return locatedSource(located, treeInfo('imagenet', located, size));
    },
    located: locateImagenet,
  },
};

/** What images that nobody has named are: what their index or their layout says. */
export function guessName(path: string): OwnName {
  if (isPack(path)) return readPackIndex(resolve(path)).name;
  return OWN_NAMES.find((name) => OWN[name].looksLike?.(path)) ?? 'imagetree';
}
