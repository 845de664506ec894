import { DATASETS, type DatasetName } from '../config/schema.js';
import { infoOf, publishedSpec } from './catalog.js';
import { bytesOf, howToGet, locateAll } from './locate.js';
import { syntheticInfo } from './synthetic.js';
import type { DatasetInfo, SplitName } from './types.js';

/** A copy of a data set on this machine. */
export interface ListedCopy {
  path: string;
  kind: 'archive' | 'folder' | 'store' | 'idx';
  bytes: number;
}

export interface ListedDataset {
  name: DatasetName;
  /** `undefined` where only the user's own images tell. */
  counts: Record<SplitName, number> | undefined;
  classes: number | undefined;
  /** Best first: the first is the one that is used. Its digests aren't checked here. */
  copies: ListedCopy[];
  /** `undefined` for images of the user's own. */
  origin: DatasetInfo['origin'] | undefined;
  /** How to get or use it. */
  get: string;
}

/** All data sets there are, where each was found, and how to get those that weren't. */
export async function listDatasets(
  options: { dataDir?: string | undefined } = {},
): Promise<ListedDataset[]> {
  return Promise.all(DATASETS.map((name) => listOne(name, options.dataDir)));
}

async function listOne(name: DatasetName, dataDir: string | undefined): Promise<ListedDataset> {
  const spec = publishedSpec(name);
  if (spec !== undefined) {
    const found = locateAll(spec, { dataDir });
    const copies = await Promise.all(
      found.map(async (copy) => ({
        path: copy.path,
        kind: copy.kind,
        bytes: await bytesOf(spec, copy),
      })),
    );
    const origin = copies[0]?.kind === 'store' ? 'imported' : 'official';
    const info = infoOf(spec, origin);
    const { counts, classes } = info;
    return { name, counts, classes: classes.length, copies, origin, get: howToGet(spec) };
  }
  if (name === 'synthetic') {
    const { counts, classes, origin } = syntheticInfo();
    const get = 'generated when it is used';
    return { name, counts, classes: classes.length, copies: [], origin, get };
  }
  if (name === 'imagenet') {
    const get = 'ILSVRC 2012 from image-net.org: data.name=imagenet data.dir=PATH';
    return { name, counts: undefined, classes: 1000, copies: [], origin: undefined, get };
  }
  const get = 'your own images <split>/<class>/*.jpg or *.png: data.name=imagetree data.dir=PATH';
  return { name, counts: undefined, classes: undefined, copies: [], origin: undefined, get };
}
