import { basename, join } from 'node:path';
import { fileSize, isFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { ByteReader, readBytes } from '../archive/bytes.js';
import { readTar } from '../archive/tar.js';
import type { DataSource, DatasetInfo, ImageRecord, SplitName } from '../types.js';
import { planesToPixels } from './planes.js';
import { isStore } from './store.js';
import {
  type CifarForm,
  type CifarPart,
  type Found,
  infoOf,
  type Layout,
  type PublishedSpec,
} from './types.js';

/** Names, licenses and label lists that travel with the records: no more than this, unpacked. */
const OTHER_BYTES = 16 * 2 ** 20;

/** CIFAR in the official binary layout: records of label byte(s) and three 32×32 planes, red, green, blue. */
export const CIFAR: Layout<CifarForm> = { official: true, find, open: cifarSource };

function find(_: PublishedSpec, form: CifarForm, base: string, given: boolean): Found<CifarForm>[] {
  const [official] = form.files;
  const archive = (path: string): Found<CifarForm> => ({
    form,
    kind: 'archive',
    path,
    files: [{ path, ...official }],
  });
  if (given && isFile(base)) return [archive(base)];
  const below = join(base, form.folder);
  const folders = (given ? [base, below] : [below]).filter((path) => isCifarFolder(form, path));
  return [
    ...[join(base, official.file)].filter(isFile).map(archive),
    ...folders.map((path): Found<CifarForm> => {
      const files = form.parts.map(({ file, md5 }) => ({ path: join(path, file), file, md5 }));
      return { form, kind: 'folder', path, files };
    }),
  ];
}

/** One part is enough to recognize the folder; the reader names what is missing of the others. */
function isCifarFolder(form: CifarForm, path: string): boolean {
  // An imported store has a train.bin too, as CIFAR-100 has.
  return !isStore(path) && form.parts.some((part) => isFile(join(path, part.file)));
}

/** The data set in a `.tar.gz` (or `.tar`), or in the unpacked folder that holds the `.bin` files. */
export function cifarSource(
  spec: PublishedSpec,
  { form, path, kind }: Pick<Found<CifarForm>, 'form' | 'path' | 'kind'>,
  origin: DatasetInfo['origin'],
): DataSource {
  const cifar = { ...spec, ...form };
  return {
    info: infoOf(spec, origin),
    read: (split, signal) =>
      kind === 'archive'
        ? readArchive(cifar, path, split, signal)
        : readFolder(cifar, path, split, signal),
  };
}

/** The data set and this form of it. */
type CifarSpec = PublishedSpec & CifarForm;

async function* readArchive(
  spec: CifarSpec,
  path: string,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const wanted = new Map(spec.parts.map((part) => [`${spec.folder}/${part.file}`, part]));
  const missing = new Set(wanted.keys());
  const count = { read: 0 };
  let other: string | undefined;
  const entries = readTar(path, {
    signal,
    maxBytes: sum(spec.parts.map((part) => expectedBytes(spec, part))) + OTHER_BYTES,
    progress: () => progress(spec, split, count.read),
  });
  for await (const entry of entries) {
    const part = wanted.get(entry.name);
    if (part === undefined) {
      other ??= entry.name;
      continue;
    }
    missing.delete(entry.name);
    checkSize(spec, part, entry.size, `${path}: ${quoted(entry.name)}`);
    if (part.split !== split) continue;
    for await (const record of readPart(spec, part, entry.chunks, `${path}: ${part.file}`)) {
      count.read++;
      yield record;
    }
  }
  if (missing.size > 0) throw wrongArchive(spec, path, [...missing], other);
}

async function* readFolder(
  spec: CifarSpec,
  path: string,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  for (const part of spec.parts) {
    const file = join(path, part.file);
    const size = fileSize(file);
    if (size === undefined) throw new RethinkError('data', `${spec.name}: ${file} is missing.`);
    checkSize(spec, part, size, file);
  }
  for (const part of spec.parts.filter((part) => part.split === split)) {
    const file = join(path, part.file);
    const chunks = readBytes(file, { signal, maxBytes: expectedBytes(spec, part) });
    yield* readPart(spec, part, chunks, file);
  }
}

/** The records of one file; their indices go on from those of the split's files before it. */
async function* readPart(
  spec: CifarSpec,
  part: CifarPart,
  chunks: AsyncIterable<Buffer>,
  where: string,
): AsyncGenerator<ImageRecord> {
  const bytes = recordBytes(spec);
  const first = firstIndex(spec, part);
  const reader = new ByteReader(chunks);
  try {
    for (let i = 0; i < part.records; i++) {
      const record = await reader.take(bytes);
      if (record.length < bytes) {
        throw new RethinkError(
          'data',
          `${where} ends after ${grouped(i)} of ${grouped(part.records)} records.`,
        );
      }
      const label = record[spec.labelBytes - 1]!;
      if (label >= spec.classes.length) {
        throw new RethinkError(
          'data',
          `${where} is damaged: record ${grouped(i)} has label ${label}, and ${spec.name} has labels 0 to ${spec.classes.length - 1}.`,
        );
      }
      const image = planesToPixels(record.subarray(spec.labelBytes), spec.channels);
      yield { index: first + i, label, image };
    }
  } finally {
    await reader.close();
  }
}

function firstIndex(spec: CifarSpec, part: CifarPart): number {
  const same = spec.parts.filter((other) => other.split === part.split);
  return sum(same.slice(0, same.indexOf(part)).map((before) => before.records));
}

function expectedBytes(spec: CifarSpec, part: CifarPart): number {
  return part.records * recordBytes(spec);
}

/** Length of one record, in bytes. */
function recordBytes(spec: CifarSpec): number {
  return spec.labelBytes + spec.height * spec.width * spec.channels;
}

function checkSize(spec: CifarSpec, part: CifarPart, size: number, where: string): void {
  const expected = expectedBytes(spec, part);
  if (size === expected) return;
  throw new RethinkError(
    'data',
    `${where} has ${grouped(size)} bytes, and ${grouped(expected)} are expected: ${grouped(part.records)} records of ${grouped(recordBytes(spec))} bytes.`,
    { hint: `Get it again: rethink-gen data fetch ${spec.name}` },
  );
}

function progress(spec: CifarSpec, split: SplitName, read: number): string {
  return `${grouped(read)} of ${grouped(spec.counts[split])} ${split} records read`;
}

function wrongArchive(
  spec: CifarSpec,
  path: string,
  missing: string[],
  other: string | undefined,
): RethinkError {
  const holds = other === undefined ? '' : `; it holds ${quoted(other)} instead`;
  const tree = other !== undefined && /\.(jpe?g|png)$/i.test(other);
  return new RethinkError('data', `${path} lacks ${missing.join(', ')}${holds}.`, {
    hint: tree
      ? `This is a tree of images: rethink-gen data import ${path} --as ${spec.name}`
      : `The binary version of ${spec.name} is expected, ${basename(spec.files[0].file)}.`,
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
