import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATASETS, type DatasetName } from '../../config/schema.js';
import { RethinkError } from '../../errors.js';
import { infoOf, publishedSpec } from '../published/catalog.js';
import { bytesOf, howToGet, locateAll } from '../published/locate.js';
import { dataRoots } from '../published/roots.js';
import { isPack, readPackIndex } from '../shards/index-file.js';
import { syntheticInfo } from '../synthetic.js';
import type { DatasetInfo, SplitName } from '../types.js';

/** A copy of a data set on this machine. */
export interface ListedCopy {
  path: string;
  kind: 'archive' | 'folder' | 'store' | 'idx' | 'packed';
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

/** All data sets there are, where each was found, and how to get those that weren't; then packed images in the data folders. */
export async function listDatasets(
  options: { dataDir?: string | undefined } = {},
): Promise<ListedDataset[]> {
  const named = await Promise.all(DATASETS.map((name) => listOne(name, options.dataDir)));
  return [...named, ...dataRoots(options.dataDir).flatMap(listPacks)];
}

function listPacks(root: string): ListedDataset[] {
  let names: string[];
  try {
    names = readdirSync(root).sort();
  } catch {
    // It isn't there yet, or is nothing to look into: other data sets have been listed without it, too.
    return [];
  }
  return names.flatMap((name) => listPack(join(root, name)) ?? []);
}

/** `undefined` for what is no pack, or is damaged: `data verify` tells. */
function listPack(path: string): ListedDataset | undefined {
  try {
    if (!isPack(path)) return undefined;
    const { name, classes, train, test } = readPackIndex(path);
    const shards = [...train.shards, ...test.shards];
    return {
      name,
      counts: { train: train.count, test: test.count },
      classes: classes.length,
      copies: [{ path, kind: 'packed', bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0) }],
      origin: 'images',
      get: `data.name=${name} data.dir=${path}`,
    };
  } catch (error) {
    if (error instanceof RethinkError) return undefined;
    throw error;
  }
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
