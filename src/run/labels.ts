import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { locatedConfig, type Move, moved, startedHere } from '../config/places.js';
import type { Config } from '../config/resolve.js';
import { corruptLabels, readGiven, type SplitSummary } from '../corrupt/index.js';
import { collectLabels } from '../data/collect.js';
import { openDataset } from '../data/open.js';
import { openSource } from '../data/source.js';
import { imagesAt } from '../data/stored/stored.js';
import { usedPositions } from '../data/subset.js';
import type { SplitName } from '../data/types.js';
import { ensureFolder } from '../disk/files.js';
import { readJson } from '../disk/json.js';
import { RethinkError } from '../errors.js';
import { requireFree } from '../record/export.js';
import { type LabelTable, requireLabelForm, writeLabels } from '../record/labels.js';
import { readOrigin } from '../record/run-directory.js';
import { readConfig, readResult, readTheoryResult } from '../record/runs.js';
import { openData } from '../setup/data.js';
import type { RunOptions } from '../setup/options.js';

export interface LabelOptions extends Pick<RunOptions, 'dataDir' | 'events' | 'signal'> {
  /** The file: `.csv` or `.npy`. */
  out: string;
  /** Default: the training split. */
  split?: SplitName | undefined;
}

/** Labels that were written. */
export interface ExportedLabels {
  /** Absolute. */
  path: string;
  name: string;
  split: SplitName;
  /** Rows: the examples of the source, or with `data.split` of the half that it divides. */
  count: number;
  /** Rows that are used: the other numbers are of these. */
  used: number;
  drawn: number;
  changed: number;
}

/**
 * Writes the true and the corrupted labels of a config's data, a row for each example of the source in its order, whatever
 * `data.limit` takes of it. Images are read only where labels lie among them or depend on them.
 *
 * @param config With places as seen from here.
 * @throws RethinkError: `usage` where the file exists or its name says no form, or config and data don't fit; `data` where the
 *   data is missing or damaged.
 */
export async function exportLabels(
  config: Config,
  { out, split = 'train', ...options }: LabelOptions,
): Promise<ExportedLabels> {
  checkTarget(out);
  const { name, table } = await labelTable(config, split, options);
  ensureFolder(dirname(resolve(out)));
  writeLabels(out, table);
  const { count, used } = table;
  const sum = (flags: Uint8Array) => flags.reduce((n, flag, i) => n + (flag & used[i]!), 0);
  const [drawn, changed] = [sum(table.drawn), sum(table.changed)];
  return { path: resolve(out), name, split, count, used: sum(used), drawn, changed };
}

/** A long job ahead must not end at what could be known before. */
function checkTarget(out: string): void {
  requireLabelForm(out);
  requireFree(out);
}

async function labelTable(
  { data, corruption, seeds }: Config,
  split: SplitName,
  { dataDir, events, signal }: Omit<LabelOptions, 'out'>,
): Promise<{ name: string; table: LabelTable }> {
  const onNote = (note: string) => events?.note?.(note);
  const onProgress = events?.preparing?.bind(events);
  const source = await openSource(data, { dataDir, signal, onNote, onProgress });
  const { info } = source;
  const half = data.split?.from ?? split;
  const all = await collectLabels(source, half, { signal, onProgress });
  const positions = usedPositions(all, info, data, split, seeds.data);
  const given = await readGiven(corruption, seeds.corruption, {
    signal,
    onProgress,
    info,
    splits: { [split]: all },
    images: async () => {
      const whole = { ...data, limit: undefined, testLimit: undefined, split: undefined };
      const options = { dataDir, seed: seeds.data, signal, onProgress, statistics: false };
      const { images } = (await openDataset(whole, options)).dataset[half];
      return (places) => imagesAt(images, places, info.height * info.width * info.channels);
    },
    wholeTrain: () =>
      half === 'train' ? all : collectLabels(source, 'train', { signal, onProgress }),
  });
  const corrupted = corruptLabels(all, split, corruption, seeds.corruption, info, given);
  const count = info.subset?.of[half] ?? all.count;
  const table: LabelTable = {
    count,
    classes: info.classes,
    trueLabels: new Int32Array(count).fill(-1),
    labels: new Int32Array(count).fill(-1),
    drawn: new Uint8Array(count),
    changed: new Uint8Array(count),
    used: new Uint8Array(count),
  };
  for (const [position, index] of all.indices.entries()) {
    table.trueLabels[index] = corrupted.trueLabels[position]!;
    table.labels[index] = corrupted.corruptedLabels[position]!;
    table.drawn[index] = corrupted.labelDrawn[position]!;
    table.changed[index] = corrupted.labelChanged[position]!;
  }
  for (const position of positions) table.used[all.indices[position]!] = 1;
  return { name: info.name, table };
}

/**
 * The same of a run: its data is read and compared with the hashes that it wrote first.
 *
 * @param moves Where its data lies by now.
 * @throws RethinkError as `exportLabels`; `data` where data or labels aren't those of the run.
 */
export async function exportRunLabels(
  runDir: string,
  options: LabelOptions,
  moves: readonly Move[] = [],
): Promise<ExportedLabels> {
  checkTarget(options.out);
  const directory = resolve(runDir);
  const written = await readConfig(directory);
  const origin = readOrigin(directory) ?? startedHere();
  const config = locatedConfig(written, moved(origin, [written], moves));
  await checkHashes(directory, config, options);
  return exportLabels(config, options);
}

/** As far as a version has written it. */
const splitSummary = z.looseObject({
  count: z.int().optional(),
  labels_drawn: z.number().optional(),
  labels_changed: z.number().optional(),
  labels_sha256: z.string(),
  first_images_sha256: z.string().optional(),
} satisfies Partial<Record<keyof SplitSummary, z.ZodType>>);
const summarySchema = z.looseObject({ train: splitSummary, test: splitSummary });

async function checkHashes(directory: string, config: Config, options: LabelOptions) {
  const path = join(directory, 'corruption.json');
  if (!existsSync(path)) {
    throw new RethinkError('data', `${directory} has no corruption.json to compare labels with.`, {
      hint: `Labels as its config says them, not compared: rethink-gen data labels ${join(directory, 'config.json')} --out FILE`,
    });
  }
  const then = readJson(path, summarySchema);
  const now = await openData(config, options);
  const differs = (what: string) =>
    new RethinkError('data', `${directory}: its ${what} not those that it was run with.`, {
      hint: 'If its data lies elsewhere by now, say where: data.dir=PATH.',
    });
  for (const split of ['train', 'test'] as const) {
    const keys = Object.keys(splitSummary.shape) as (keyof typeof splitSummary.shape)[];
    const other = keys.find(
      (key) => then[split][key] !== undefined && then[split][key] !== now.corruption[split][key],
    );
    if (other !== undefined) throw differs(`${split} examples are`);
  }
  const result =
    config.experiment === 'train' ? readResult(directory) : readTheoryResult(directory);
  const hash = result?.data?.hash;
  if (hash !== undefined && hash !== now.dataHash) throw differs('images are');
}
