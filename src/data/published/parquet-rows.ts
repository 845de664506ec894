import type { Compressors, FileMetaData } from 'hyparquet';
import { readingParquet } from '../../disk/parquet.js';
import { RethinkError } from '../../errors.js';
import { mapConcurrent } from '../../map-concurrent.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped } from '../../text.js';
import { DECODERS, decodeImage } from '../image/decode.js';
import type { ImageRecord } from '../types.js';
import type { ParquetForm, PublishedSpec } from './types.js';

/** Besides an image's pixels a row holds its encoding's header and its name: no more than this, in bytes. */
const MOST_BESIDES = 2048;

/** Rows of one group that are turned into records at a time: a group may be a whole split. */
const ROWS_AT_ONCE = 10_000;

/** The table at a file's end is looked for in so many bytes; of a longer one the rest is read, too. */
const TABLE_BYTES = 1 << 16;

/** One file of a split, whose rows are read by these columns. */
export interface ParquetFile {
  spec: PublishedSpec;
  form: ParquetForm;
  path: string;
  metadata: FileMetaData;
  /** Rows that its groups hold: what counts when they are read. */
  rows: number;
}

/** @throws RethinkError (`data`) where a file is no Parquet, or lacks a column. */
export async function openParquet(
  spec: PublishedSpec,
  form: ParquetForm,
  path: string,
): Promise<ParquetFile> {
  const { asyncBufferFromFile, parquetMetadataAsync } = await import('hyparquet');
  const metadata = await readingParquet(path, async () =>
    parquetMetadataAsync(await asyncBufferFromFile(path), { initialFetchSize: TABLE_BYTES }),
  );
  const { row_groups } = metadata;
  const columns = new Set(
    row_groups.flatMap(({ columns }) =>
      columns.map(({ meta_data }) => meta_data?.path_in_schema.join('.')),
    ),
  );
  const missing = [`${form.image}.bytes`, form.label].filter((name) => !columns.has(name));
  if (missing.length > 0 && row_groups.length > 0) {
    throw new RethinkError(
      'data',
      `${path} is not ${spec.name} as Hugging Face has it: it lacks the column ${missing.join(' and ')}.`,
    );
  }
  const rows = row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
  return { spec, form, path, metadata, rows };
}

/** Labels of a file, in its order: [rows]. No image is read. */
export async function readLabels(
  file: ParquetFile,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const labels: number[] = [];
  for (const { from, to } of pieces(file)) {
    throwIfInterrupted(signal, `reading ${file.path}`);
    const rows = await readRows(file, [file.form.label], from, to);
    for (const [i, row] of rows.entries()) labels.push(labelOf(file, row, from + i));
  }
  return labels;
}

/**
 * The records of a file, numbered by its rows.
 *
 * @param wanted Rows in ascending order, of which alone images are decoded, and of groups without any nothing is read; all
 *   where it is left out.
 */
export async function* readRecords(
  file: ParquetFile,
  wanted: readonly number[] | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  let next = 0;
  for (const { from, to } of pieces(file)) {
    const begin = next;
    while (wanted !== undefined && wanted[next]! < to) next++;
    const here = wanted?.slice(begin, next);
    if (here?.length === 0) continue;
    throwIfInterrupted(signal, `reading ${file.path}`);
    const first = here?.[0] ?? from;
    const end = here === undefined ? to : here.at(-1)! + 1;
    const rows = await readRows(file, [file.form.image, file.form.label], first, end);
    yield* mapConcurrent(here ?? span(first, end), DECODERS, (at) =>
      recordOf(file, rows[at - first]!, at),
    );
  }
}

/** Its groups, long ones in parts. */
function* pieces({ metadata }: ParquetFile): Generator<{ from: number; to: number }> {
  let from = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = from + Number(num_rows);
    for (; from < end; from = Math.min(end, from + ROWS_AT_ONCE)) {
      yield { from, to: Math.min(end, from + ROWS_AT_ONCE) };
    }
  }
}

function* span(from: number, to: number): Generator<number> {
  for (let at = from; at < to; at++) yield at;
}

async function readRows(
  { spec, path, metadata }: ParquetFile,
  columns: string[],
  rowStart: number,
  rowEnd: number,
): Promise<Record<string, unknown>[]> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
  const compressors = await bounded(spec);
  const rows = await readingParquet(path, async () =>
    parquetReadObjects({
      file: await asyncBufferFromFile(path),
      metadata,
      columns,
      rowStart,
      rowEnd,
      compressors,
      // What isn't said to be text is not: an image.
      utf8: false,
    }),
  );
  if (rows.length === rowEnd - rowStart) return rows;
  const has = `${grouped(rows.length)} of ${grouped(rowEnd - rowStart)} rows`;
  throw new RethinkError('data', `${path} is damaged: it gives ${has}.`);
}

/** No page unpacks to more than all images of the data set could take. */
async function bounded({ height, width, channels, counts }: PublishedSpec): Promise<Compressors> {
  const { compressors } = await import('hyparquet-compressors');
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
  file: ParquetFile,
  row: Record<string, unknown>,
  at: number,
): Promise<ImageRecord> {
  const label = labelOf(file, row, at);
  const { bytes } = (row[file.form.image] ?? {}) as { bytes?: unknown };
  const where = whereOf(file, at);
  if (!(bytes instanceof Uint8Array)) throw new RethinkError('data', `${where} has no image.`);
  const image = await decodeImage(bytes, where, { size: file.spec, fit: 'exact' });
  return { index: at, label, image };
}

function labelOf(file: ParquetFile, row: Record<string, unknown>, at: number): number {
  const { name, classes } = file.spec;
  const number = Number(row[file.form.label] ?? Number.NaN);
  if (Number.isInteger(number) && number >= 0 && number < classes.length) return number;
  throw new RethinkError(
    'data',
    `${whereOf(file, at)} has no label of ${name}: labels are 0 to ${classes.length - 1}.`,
  );
}

function whereOf({ path }: ParquetFile, at: number): string {
  return `${path}: row ${grouped(at)}`;
}
