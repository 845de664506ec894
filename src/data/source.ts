import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { locateImagenet } from './imagenet/index.js';
import { storeSource } from './import/store.js';
import { infoOf, type PublishedSpec, publishedSpec } from './published/catalog.js';
import { cifarSource } from './published/cifar.js';
import { idxSource } from './published/idx.js';
import { type Found, locate, originOf, type Place } from './published/locate.js';
import { isPack } from './shards/index-file.js';
import { packSource } from './shards/source.js';
import { syntheticInfo, syntheticSource } from './synthetic.js';
import { DEFAULT_SIZE, describeImageFolder, imagetreeSource } from './tree/imagetree.js';
import { locatedSource, treeInfo } from './tree/located.js';
import type { DataSource, DatasetInfo } from './types.js';

export interface SourceOptions {
  /** Folder in which data sets are looked for first (`--data-dir`). */
  dataDir?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What is known of a data set without reading it, for `--dry-run`; `undefined` where only its bytes could tell: an
 * image tree in an archive, or in a folder that can't be read.
 */
export function describeDataset(data: Config['data']): DatasetInfo | undefined {
  const spec = publishedSpec(data.name);
  if (spec !== undefined) return infoOf(spec, 'official');
  if (data.name === 'synthetic') return syntheticInfo();
  if (data.dir === undefined) return undefined;
  const path = resolve(data.dir);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  try {
    if (isPack(path)) return packSource(path, data).info;
    // Millions of images in archives are not listed to describe them.
    if (data.name === 'imagenet') return undefined;
    return describeImageFolder(path, data.size, data.subset);
  } catch (error) {
    if (error instanceof RethinkError) return undefined;
    throw error;
  }
}

/**
 * Finds a data set and opens it for streaming.
 *
 * @throws RethinkError: `data` where it is missing or damaged, `usage` where the config asks what it can't do.
 */
export async function openSource(
  data: Config['data'],
  options: SourceOptions = {},
): Promise<DataSource> {
  refuseForeign(data);
  const spec = publishedSpec(data.name);
  if (spec !== undefined) {
    return openFound(spec, locate(spec, placeOf(data, options.dataDir)), options);
  }
  if (data.name === 'synthetic') {
    if (data.dir === undefined) return syntheticSource();
    throw new RethinkError('usage', `data.dir is ${data.dir}, but synthetic data is generated.`, {
      hint: 'Leave data.dir out, or name the data set that lies there.',
    });
  }
  if (data.dir === undefined) {
    throw new RethinkError(
      'usage',
      `data.dir is missing: ${data.name} needs a folder or archive.`,
      {
        hint: 'It holds <split>/<class>/*.jpg or *.png, with splits train and test (or val).',
      },
    );
  }
  const path = resolve(data.dir);
  if (isPack(path)) return packSource(path, data);
  if (data.name === 'imagetree') {
    return imagetreeSource(path, data.size, data.subset, options.signal);
  }
  const located = await locateImagenet(path, data.subset, options.signal);
  return locatedSource(located, treeInfo('imagenet', located, data.size ?? DEFAULT_SIZE));
}

/** Keys that are for images of the user's own. */
const OF_TREES = ['size', 'subset', 'memory'] as const;

/** @throws RethinkError (`usage`) for a key that this data set has no use for. */
function refuseForeign(data: Config['data']): void {
  if (isTreeName(data.name)) return;
  const key = OF_TREES.find((key) => data[key] !== undefined);
  if (key === undefined) return;
  const why = {
    size: 'the images of this data set have one size',
    subset: 'data.limit takes a part of this data set',
    memory: 'this data set is always held in memory',
  };
  throw new RethinkError(
    'usage',
    `data.${key} is for imagetree and imagenet, and data.name is ${data.name}.`,
    { hint: `Leave data.${key} out: ${why[key]}.` },
  );
}

/** Whether a data set is a tree of encoded images, or was packed from one. */
export function isTreeName(name: string): name is 'imagetree' | 'imagenet' {
  return name === 'imagetree' || name === 'imagenet';
}

/** Where the data of a config is looked for, and how much of it. */
export function placeOf(data: Config['data'], dataDir: string | undefined): Place {
  return { dir: data.dir, dataDir, only: data.split?.from };
}

/** Opens one copy of a published data set. */
export async function openFound(
  spec: PublishedSpec,
  found: Found,
  { signal }: SourceOptions = {},
): Promise<DataSource> {
  if (found.kind === 'store') {
    const source = await storeSource(found.path);
    if (source.info.name === spec.name) return source;
    throw new RethinkError(
      'data',
      `${found.path} holds ${source.info.name}, and ${spec.name} is asked for.`,
    );
  }
  const origin = await originOf(spec, found, signal);
  if (spec.layout === 'cifar') {
    const kind = found.kind === 'folder' ? 'folder' : 'archive';
    return cifarSource(spec, found.path, kind, origin);
  }
  if (found.kind === 'idx') return idxSource(spec, found.files, origin);
  throw new Error(`${spec.name} cannot be kept as ${found.kind}`);
}
