import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATASET_NAMES, type DatasetName } from '../../config/datasets.js';
import { readOr } from '../../errors.js';
import { dataRoots, requireRoots } from '../published/places.js';
import { isPack, readPackIndex } from '../shards/index-file.js';
import { ACCESS, type Listing } from '../source.js';

export interface ListedDataset extends Listing {
  name: DatasetName;
}

/** All data sets there are, where each was found, and how to get those that weren't; then packed images in the data folders. */
export async function listDatasets(
  options: { dataDir?: string | undefined } = {},
): Promise<ListedDataset[]> {
  requireRoots(options.dataDir);
  const named = await Promise.all(
    DATASET_NAMES.map(async (name) => ({ name, ...(await ACCESS[name].list(options.dataDir)) })),
  );
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
  // What is no pack, or is damaged, is left out: `data verify` tells.
  const listed = (path: string) => readOr(() => (isPack(path) ? [listPack(path)] : []), []);
  return names.flatMap((name) => listed(join(root, name)));
}

function listPack(path: string): ListedDataset {
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
}
