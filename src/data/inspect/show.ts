import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DATASET_NAMES, isDataset } from '../../config/datasets.js';
import type { Config } from '../../config/resolve.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import { openDataset } from '../open.js';
import { guessName } from '../own.js';
import { isPack, readPackIndex } from '../shards/index-file.js';
import { ACCESS } from '../source.js';
import type { DatasetInfo, SplitName } from '../types.js';
import { contactSheet } from './contact-sheet.js';
import { countByClass, type InspectOptions } from './per-class.js';

export interface ShowOptions extends InspectOptions {
  /** Where to write a sheet of ten training examples per class. */
  png?: string | undefined;
}

export interface ShownDataset {
  info: DatasetInfo;
  /** Where it is; `undefined` for synthetic data. */
  path: string | undefined;
  perClass: Record<SplitName, number[]>;
  /** Of the training set, per channel, in bytes. */
  mean: number[];
  standardDeviation: number[];
  hash: string;
  /** Of packed images: what they come from, and how many of it could not be decoded. */
  packed?: { source: string; decoder: string; shards: number; bad: number };
  /** Of its source: what is not read of it, and why. */
  notes: readonly string[];
  png: string | undefined;
}

/**
 * What a data set holds: counts, mean and standard deviation of each channel, and on request a picture.
 *
 * @param name Of a data set, or the path of packed images, a tree of images or ImageNet.
 * @throws RethinkError as `openDataset`; `failed` where the picture can't be written.
 */
export async function showDataset(name: string, options: ShowOptions = {}): Promise<ShownDataset> {
  const data = dataOf(name, options.dir);
  const { dataset } = await openDataset(data, { ...options, seed: 0 });
  const { info, train, test, statistics, hash } = dataset;
  const png = options.png === undefined ? undefined : resolve(options.png);
  if (png !== undefined) {
    ensureFolder(dirname(png), 'dataset');
    writeFileAtomic(png, await contactSheet(info, train), 'dataset');
  }
  return {
    info,
    path: ACCESS[data.name].find(data, options.dataDir),
    perClass: {
      train: countByClass(info.classes, train.labels),
      test: countByClass(info.classes, test.labels),
    },
    mean: statistics.mean,
    standardDeviation: statistics.variance.map(Math.sqrt),
    hash,
    ...packedIn(data.dir),
    notes: dataset.notes ?? [],
    png,
  };
}

/**
 * A data set, or the images at a path.
 *
 * @throws RethinkError (`usage`) for what is neither.
 */
export function dataOf(name: string, dir: string | undefined): Config['data'] {
  if (isDataset(name)) return { name, dir };
  if (dir !== undefined || !existsSync(name)) {
    throw new RethinkError('usage', `${quoted(name)} is no data set that is known, and no path.`, {
      hint: `Data sets are ${DATASET_NAMES.join(', ')}; a path is one of packed images, a tree of images or ImageNet.`,
    });
  }
  const path = resolve(name);
  return { name: guessName(path), dir: path };
}

function packedIn(dir: string | undefined): Pick<ShownDataset, 'packed'> {
  if (dir === undefined || !isPack(dir)) return {};
  const { source, decoder, train, test, bad } = readPackIndex(dir);
  const shards = train.shards.length + test.shards.length;
  return { packed: { source: source.name, decoder, shards, bad: bad.length } };
}
