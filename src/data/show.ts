import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/resolve.js';
import type { OnProgress } from '../events.js';
import { publishedSpec } from './catalog.js';
import { contactSheet } from './contact-sheet.js';
import { requireSpec } from './fetch.js';
import { fileError, writeFileAtomically } from './files.js';
import { loadDataset } from './load.js';
import { locate } from './locate.js';
import { countByClass } from './per-class.js';
import { isTreeName } from './source.js';
import type { DatasetInfo, SplitName } from './types.js';

export interface ShowOptions {
  dataDir?: string | undefined;
  /** A folder or archive elsewhere, as `data.dir`. */
  dir?: string | undefined;
  /** Where to write a sheet of ten training examples per class. */
  png?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
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
  png: string | undefined;
}

/**
 * What a data set holds: counts, mean and standard deviation of each channel, and on request a picture.
 *
 * @throws RethinkError as `loadDataset`; `failed` where the picture can't be written.
 */
export async function showDataset(name: string, options: ShowOptions = {}): Promise<ShownDataset> {
  const spec = publishedSpec(name);
  if (spec === undefined && name !== 'synthetic' && !isTreeName(name)) requireSpec(name);
  const data: Config['data'] = { name: name as Config['data']['name'], dir: options.dir };
  const { info, train, test, statistics, hash } = await loadDataset(data, { ...options, seed: 0 });
  const png = options.png === undefined ? undefined : resolve(options.png);
  if (png !== undefined) await writePicture(png, await contactSheet(info, train));
  return {
    info,
    path: spec ? locate(spec, options).path : options.dir && resolve(options.dir),
    perClass: {
      train: countByClass(info.classes, train.labels),
      test: countByClass(info.classes, test.labels),
    },
    mean: statistics.mean,
    standardDeviation: statistics.variance.map(Math.sqrt),
    hash,
    png,
  };
}

async function writePicture(path: string, picture: Buffer): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw fileError(error, 'create', dirname(path), 'failed');
  }
  await writeFileAtomically(path, picture);
}
