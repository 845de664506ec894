import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  checkDataKeys,
  type DatasetName,
  type DatasetsOf,
  OWN_NAMES,
  type OwnName,
  PUBLISHED_NAMES,
  type PublishedName,
} from '../config/datasets.js';
import type { Config } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import type { Watching } from '../progress.js';
import { arraysSource } from './arrays.js';
import { OWN } from './own.js';
import { PUBLISHED } from './published/catalog.js';
import {
  bytesOf,
  howToFetch,
  layoutOf,
  locate,
  locateAll,
  openFound,
  requireDir,
} from './published/locate.js';
import { isOurs } from './published/places.js';
import { type Found, infoOf } from './published/types.js';
import { isPack } from './shards/index-file.js';
import { packSource } from './shards/source.js';
import { syntheticInfo, syntheticSource } from './synthetic.js';
import { DEFAULT_SIZE } from './tree/imagetree.js';
import type { DataSource, DatasetInfo, ImageSize, SplitName } from './types.js';

export interface SourceOptions extends Watching {
  /** Folder in which data sets are looked for first (`--data-dir`). */
  dataDir?: string | undefined;
  /** Is told of what a person should know: a copy that other programs keep. */
  onNote?: ((note: string) => void) | undefined;
}

/** A copy of a data set on this machine. */
export interface ListedCopy {
  path: string;
  kind: Found['kind'] | 'packed';
  bytes: number;
}

export interface Listing {
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

type Data = Config['data'];

/** What can be done with a data set, wherever its images come from. */
interface Access {
  list(dataDir: string | undefined): Promise<Listing>;
  /** What is known without reading it; `undefined` where only its bytes could tell. */
  describe(data: Data): DatasetInfo | undefined;
  /** Size and classes, where these are known of what can't be described. */
  shape?(data: Data): (ImageSize & { classes: number }) | undefined;
  /**
   * Where it lies; `undefined` for what is generated.
   *
   * @throws RethinkError: `data` where it is missing, `usage` where the config should say it.
   */
  find(data: Data, dataDir: string | undefined): string | undefined;
  open(data: Data, options: SourceOptions): Promise<DataSource>;
}

function generated(info: () => DatasetInfo, open: () => DataSource): Access {
  return {
    list: async () => {
      const { counts, classes, origin } = info();
      const get = 'generated when it is used';
      return { counts, classes: classes.length, copies: [], origin, get };
    },
    describe: info,
    find: () => undefined,
    open: async () => open(),
  };
}

function published(name: PublishedName): Access {
  const spec = PUBLISHED[name];
  const found = (data: Data, dataDir: string | undefined) =>
    locate(spec, { dir: data.dir, dataDir, only: data.split?.from });
  return {
    list: async (dataDir) => {
      const all = locateAll(spec, { dataDir });
      const copies = all.map((copy) => {
        return { path: copy.path, kind: copy.kind, bytes: bytesOf(copy) };
      });
      return {
        counts: spec.counts,
        classes: spec.classes.length,
        copies,
        origin: all[0] === undefined || layoutOf(all[0].form).official ? 'official' : 'imported',
        get: howToFetch(spec),
      };
    },
    describe: () => infoOf(spec, 'official'),
    find: (data, dataDir) => found(data, dataDir).path,
    open: (data, options) => {
      const copy = found(data, options.dataDir);
      if (data.dir === undefined && !isOurs(copy.path, options.dataDir)) {
        options.onNote?.(`${name} is read from ${copy.path}.`);
      }
      const { counts } = spec;
      const { limit = counts.train, testLimit = counts.test } = data;
      const part = limit < counts.train || testLimit < counts.test;
      return openFound(spec, copy, { ...options, part });
    },
  };
}

/** Where the user's images are. @throws RethinkError (`usage`) where the config doesn't say it. */
function requiredPath({ dir, name }: Data, needs: string, holds: string): string {
  if (dir !== undefined) return resolve(dir);
  const hint = `It holds ${holds}.`;
  throw new RethinkError('usage', `data.dir is missing: ${name} needs ${needs}.`, { hint });
}

/** The same, where there is something. @throws RethinkError (`data`) where there is nothing. */
function existing(path: string): string {
  requireDir(path);
  return path;
}

function own(name: OwnName): Access {
  const layout = OWN[name];
  const holds = '<split>/<class>/*.jpg or *.png, with splits train and test (or val)';
  const pathOf = (data: Data) => requiredPath(data, 'a folder or archive', holds);
  return {
    list: async () => {
      const { classes, get } = layout;
      return { counts: undefined, classes, copies: [], origin: undefined, get };
    },
    describe: (data) => {
      if (data.dir === undefined) return undefined;
      const path = resolve(data.dir);
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
      try {
        return isPack(path) ? packSource(path, data).info : layout.describe?.(path, data);
      } catch (error) {
        if (error instanceof RethinkError) return undefined;
        throw error;
      }
    },
    shape: ({ subset, size = DEFAULT_SIZE, dir }) => {
      // Somebody's folder or archive may hold a part of it under its name.
      const whole = dir === undefined ? layout.classes : undefined;
      const classes = subset?.classes ?? subset?.synsets?.length ?? whole;
      return classes === undefined
        ? undefined
        : { height: size, width: size, channels: 3, classes };
    },
    find: (data) => existing(pathOf(data)),
    open: async (data, watching) => {
      const path = pathOf(data);
      return isPack(path) ? packSource(path, data) : layout.open(path, data, watching);
    },
  };
}

function arrays(): Access {
  const holds = 'x_train, y_train, x_test and y_test';
  const pathOf = (data: Data) =>
    requiredPath(data, 'a .npz file, or a folder of .npy files', holds);
  const get = "your own images in NumPy's .npz or .npy: data.name=arrays data.dir=PATH";
  const unknown = { counts: undefined, classes: undefined, origin: undefined };
  return {
    list: async () => ({ ...unknown, copies: [], get }),
    // Not described: it would be to read them.
    describe: () => undefined,
    find: (data) => existing(pathOf(data)),
    open: (data, watching) => arraysSource(existing(pathOf(data)), watching),
  };
}

const ARRAYS: Record<DatasetsOf<'arrays'>, Access> = { arrays: arrays() };

const GENERATED: Record<DatasetsOf<'generated'>, Access> = {
  synthetic: generated(syntheticInfo, syntheticSource),
};

function each<N extends string>(names: readonly N[], make: (name: N) => Access) {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<N, Access>;
}

/** How each data set is found and read. */
export const ACCESS: Record<DatasetName, Access> = {
  ...GENERATED,
  ...each(PUBLISHED_NAMES, published),
  ...each(OWN_NAMES, own),
  ...ARRAYS,
};

/**
 * What is known of a data set without reading it, for `--dry-run`; `undefined` where only its bytes could tell: an
 * image tree in an archive, or in a folder that can't be read.
 */
export function describeDataset(data: Data): DatasetInfo | undefined {
  return ACCESS[data.name].describe(data);
}

/** What a network sees and tells apart, as far as it is known without reading an archive. */
export function knownShape(data: Data): (ImageSize & { classes: number }) | undefined {
  const info = describeDataset(data);
  if (info !== undefined) return { ...info, classes: info.classes.length };
  return ACCESS[data.name].shape?.(data);
}

/** A sentence for a data set that isn't where a run would look for it, and the command that gets it. */
export function missingData(data: Data, dataDir: string | undefined): string | undefined {
  try {
    ACCESS[data.name].find(data, dataDir);
    return undefined;
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    return error.hint ? `${error.message} ${error.hint}` : error.message;
  }
}

/**
 * Finds a data set and opens it for streaming.
 *
 * @throws RethinkError: `data` where it is missing or damaged, `usage` where the config asks what it can't do.
 */
export async function openSource(data: Data, options: SourceOptions = {}): Promise<DataSource> {
  checkDataKeys(data);
  return ACCESS[data.name].open(data, options);
}
