import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { diskError, errorCode } from '../../disk/errors.js';
import { isFile } from '../../disk/reading.js';
import { messageOf, RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped } from '../../text.js';
import { DECODERS, decodeImage } from '../image/decode.js';
import { mapConcurrent } from '../parallel.js';
import type { DataSource, ImageRecord, Split, SplitName } from '../types.js';
import { type Found, infoOf, type Layout, type ParquetForm, type PublishedSpec } from './types.js';

const SPLIT_FILE = /^(train|test)\b.*\.parquet$/;

/** Besides an image's pixels a row holds its encoding's header and its name: no more than this, in bytes. */
const MOST_BESIDES = 2048;

/** Rows of one group that are turned into records at a time: a group may be a whole split. */
const ROWS_AT_ONCE = 10_000;

/** Hugging Face's Parquet files, by themselves or in the cache of its hub. */
export const PARQUET: Layout<ParquetForm> = {
  official: true,
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
  return {
    info: infoOf(spec, origin),
    read: async function* (split, signal) {
      const already = kept[split];
      if (already !== undefined) return yield* recordsOf(already);
      const opened: { path: string; metadata: FileMetaData }[] = [];
      for (const { path } of files.filter(({ file }) => file.startsWith(split))) {
        opened.push({ path, metadata: await readMetadata(spec, form, path) });
      }
      checkRows(spec, folder, split, opened);
      const count = spec.counts[split];
      const bytes = spec.height * spec.width * spec.channels;
      const all = { images: new Uint8Array(count * bytes), labels: new Int32Array(count) };
      let index = 0;
      for (const { path, metadata } of opened) {
        for await (const record of readRecords(spec, form, path, metadata, signal)) {
          all.images.set(record.image, index * bytes);
          all.labels[index] = record.label;
          // Decoding takes longer than all else, and who compares digests reads twice.
          if (index === count - 1) kept[split] = all;
          yield { ...record, index: index++ };
        }
      }
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
  opened: readonly { metadata: FileMetaData }[],
): void {
  const rows = opened.reduce((sum, { metadata }) => sum + rowsOf(metadata), 0);
  if (rows === counts[split]) return;
  const has = opened.length === 0 ? 'no' : grouped(rows);
  throw new RethinkError(
    'data',
    `${folder} has ${has} ${split} images, and ${name} has ${grouped(counts[split])}.`,
    { hint: `Expected: the files ${split}*.parquet, all of them.` },
  );
}

/** The rows that its groups hold: what counts when they are read. */
function rowsOf({ row_groups }: FileMetaData): number {
  return row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
}

async function readMetadata(
  spec: PublishedSpec,
  { image, label }: ParquetForm,
  path: string,
): Promise<FileMetaData> {
  const metadata = await readable(path, async () =>
    parquetMetadataAsync(await asyncBufferFromFile(path)),
  );
  const columns = new Set(
    metadata.row_groups.flatMap(({ columns }) =>
      columns.map(({ meta_data }) => meta_data?.path_in_schema.join('.')),
    ),
  );
  const missing = [`${image}.bytes`, label].filter((name) => !columns.has(name));
  if (missing.length === 0 || metadata.row_groups.length === 0) return metadata;
  throw new RethinkError(
    'data',
    `${path} is not ${spec.name} as Hugging Face has it: it lacks the column ${missing.join(' and ')}.`,
  );
}

async function* readRecords(
  spec: PublishedSpec,
  form: ParquetForm,
  path: string,
  metadata: FileMetaData,
  signal: AbortSignal | undefined,
): AsyncGenerator<Omit<ImageRecord, 'index'>> {
  let first = 0;
  for (const group of metadata.row_groups) {
    const end = first + Number(group.num_rows);
    for (; first < end; first += ROWS_AT_ONCE) {
      throwIfInterrupted(signal, `reading ${path}`);
      const rowEnd = Math.min(end, first + ROWS_AT_ONCE);
      const rows = await readRows(spec, form, path, metadata, first, rowEnd);
      yield* mapConcurrent(rows.entries(), DECODERS, ([i, row]) =>
        recordOf(spec, form, row, `${path}: row ${grouped(first + i)}`),
      );
    }
    first = end;
  }
}

async function readRows(
  spec: PublishedSpec,
  { image, label }: ParquetForm,
  path: string,
  metadata: FileMetaData,
  rowStart: number,
  rowEnd: number,
): Promise<Record<string, unknown>[]> {
  const rows = await readable(path, async () =>
    parquetReadObjects({
      file: await asyncBufferFromFile(path),
      metadata,
      columns: [image, label],
      rowStart,
      rowEnd,
      compressors: bounded(spec),
      // What isn't said to be text is not: an image.
      utf8: false,
    }),
  );
  if (rows.length === rowEnd - rowStart) return rows;
  const has = `${grouped(rows.length)} of ${grouped(rowEnd - rowStart)} rows`;
  throw new RethinkError('data', `${path} is damaged: it gives ${has}.`);
}

/** No page unpacks to more than all images of the data set could take. */
function bounded({ height, width, channels, counts }: PublishedSpec): Compressors {
  const most = counts.train * (height * width * channels + MOST_BESIDES);
  const guarded = Object.entries(compressors).map(([name, unpack]) => [
    name,
    (input: Uint8Array, length: number) => {
      if (length <= most) return unpack(input, length);
      throw new RangeError(`a page of ${grouped(length)} bytes`);
    },
  ]);
  return Object.fromEntries(guarded);
}

async function recordOf(
  spec: PublishedSpec,
  { image, label }: ParquetForm,
  row: Record<string, unknown>,
  where: string,
): Promise<Omit<ImageRecord, 'index'>> {
  const number = Number(row[label] ?? Number.NaN);
  if (!Number.isInteger(number) || number < 0 || number >= spec.classes.length) {
    throw new RethinkError(
      'data',
      `${where} has no label of ${spec.name}: labels are 0 to ${spec.classes.length - 1}.`,
    );
  }
  const { bytes } = (row[image] ?? {}) as { bytes?: unknown };
  if (!(bytes instanceof Uint8Array)) throw new RethinkError('data', `${where} has no image.`);
  return { label: number, image: await decodeImage(bytes, where, { size: spec, fit: 'exact' }) };
}

/** What hyparquet says of a file it can't read, in a sentence. */
async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (/^E(?!RR_)/.test(errorCode(error))) throw diskError(error, 'read', path, 'input');
    const [why] = messageOf(error).split('\n');
    throw new RethinkError('data', `${path} is damaged, or no Parquet file: ${why}.`, {
      cause: error,
    });
  }
}
