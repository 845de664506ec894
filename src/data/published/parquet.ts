import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../../disk/errors.js';
import { isFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import type { DataSource, ImageRecord, Split, SplitName } from '../types.js';
import { openParquet, type ParquetFile, readLabels, readRecords } from './parquet-rows.js';
import { type Found, infoOf, type Layout, type ParquetForm, type PublishedSpec } from './types.js';

const SPLIT_FILE = /^(train|test)\b.*\.parquet$/;

/** Hugging Face's Parquet files, by themselves or in the cache of its hub. */
export const PARQUET: Layout<ParquetForm> = {
  official: true,
  slow: true,
  find: (spec, form, base, given) => {
    const folders = given ? [base, join(base, form.folder)] : [];
    if (given && isFile(base)) {
      if (!base.endsWith('.parquet')) return [];
      folders[0] = dirname(base);
    }
    // As `hf download --local-dir` and people lay them out, and the hub's cache, given as a whole or one repository of it.
    folders.push(join(base, spec.name), join(base, spec.name, form.folder));
    const inHub = form.repositories.map((name) => `datasets--${name.replaceAll('/', '--')}`);
    const repositories = inHub.map((name) => join(base, name));
    if (given && inHub.includes(basename(base))) repositories.push(base);
    folders.push(...repositories.flatMap((path) => snapshotsOf(path, form)));
    return [...new Set(folders)].flatMap((path): Found<ParquetForm>[] => {
      const names = filesIn(path);
      if (names.length === 0) return [];
      const files = names.map((file) => ({ path: join(path, file), file }));
      return [{ form, kind: 'parquet', path, files }];
    });
  },
  open: (spec, { form, path, files }, origin) => parquetSource(spec, form, path, files, origin),
};

/** What a repository's branch points at, else its snapshots, newest first. */
function snapshotsOf(repository: string, { folder }: ParquetForm): string[] {
  const below = join(repository, 'snapshots');
  const main = readOrNone(() => readFileSync(join(repository, 'refs', 'main'), 'utf8').trim());
  const age = (name: string) => statSync(join(below, name)).mtimeMs;
  const names = readOrNone(() => readdirSync(below).sort((a, b) => age(b) - age(a))) ?? [];
  const ordered = [...names.filter((name) => name === main), ...names];
  return ordered.map((name) => join(below, name, folder));
}

function filesIn(folder: string): string[] {
  const names = readOrNone(() => readdirSync(folder)) ?? [];
  return names.filter((name) => SPLIT_FILE.test(name) && isFile(join(folder, name))).sort();
}

/** What can't be looked into holds nothing that is found. */
function readOrNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return undefined;
  }
}

function parquetSource(
  spec: PublishedSpec,
  form: ParquetForm,
  folder: string,
  files: Found['files'],
  origin: DataSource['info']['origin'],
): DataSource {
  const kept: Partial<Record<SplitName, Pick<Split, 'images' | 'labels'>>> = {};
  const tables: Partial<Record<SplitName, ParquetFile[]>> = {};
  const openSplit = async (split: SplitName): Promise<ParquetFile[]> => {
    const known = tables[split];
    if (known !== undefined) return known;
    const ofSplit = files.filter(({ file }) => file.startsWith(split));
    const opened: ParquetFile[] = [];
    for (const { path } of ofSplit) opened.push(await openParquet(spec, form, path));
    checkRows(spec, folder, split, opened);
    tables[split] = opened;
    return opened;
  };
  return {
    info: infoOf(spec, origin),
    read: async function* (split, signal) {
      const already = kept[split];
      if (already !== undefined) return yield* recordsOf(already);
      const count = spec.counts[split];
      const bytes = spec.height * spec.width * spec.channels;
      const all = { images: new Uint8Array(count * bytes), labels: new Int32Array(count) };
      let index = 0;
      for (const file of await openSplit(split)) {
        for await (const record of readRecords(file, undefined, signal)) {
          all.images.set(record.image, index * bytes);
          all.labels[index] = record.label;
          // Decoding takes longer than all else, and who compares digests reads twice.
          if (index === count - 1) kept[split] = all;
          yield { ...record, index: index++ };
        }
      }
    },
    part: {
      labels: async (split, signal) => {
        const labels: number[] = [];
        for (const file of await openSplit(split)) labels.push(...(await readLabels(file, signal)));
        return Int32Array.from(labels);
      },
      read: async function* (split, positions, signal) {
        let before = 0;
        for (const file of await openSplit(split)) {
          const end = before + file.rows;
          const wanted = [...positions].filter((at) => at >= before && at < end);
          const rows = wanted.map((at) => at - before);
          for await (const record of readRecords(file, rows, signal)) {
            yield { ...record, index: before + record.index };
          }
          before = end;
        }
      },
    },
  };
}

function* recordsOf({ images, labels }: Pick<Split, 'images' | 'labels'>): Generator<ImageRecord> {
  const bytes = images.length / labels.length;
  for (const [index, label] of labels.entries()) {
    yield { index, label, image: images.subarray(index * bytes, (index + 1) * bytes) };
  }
}

/** All rows of the split, before any is read. */
function checkRows(
  { name, counts }: PublishedSpec,
  folder: string,
  split: SplitName,
  opened: readonly ParquetFile[],
): void {
  const rows = opened.reduce((sum, { rows }) => sum + rows, 0);
  if (rows === counts[split]) return;
  const has = opened.length === 0 ? 'no' : grouped(rows);
  throw new RethinkError(
    'data',
    `${folder} has ${has} ${split} images, and ${name} has ${grouped(counts[split])}.`,
    { hint: `Expected: the files ${split}*.parquet, all of them.` },
  );
}
