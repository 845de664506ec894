import { basename, join } from 'node:path';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { ByteReader, readBytes } from '../archive/bytes.js';
import { readTar } from '../archive/tar.js';
import { fileSize } from '../files.js';
import type { DataSource, DatasetInfo, ImageRecord, SplitName } from '../types.js';
import { type CifarPart, type CifarSpec, cifarRecordBytes, infoOf } from './catalog.js';
import { planesToPixels } from './planes.js';

/** Names, licences and label lists that travel with the records: no more than this, unpacked. */
const OTHER_BYTES = 16 * 2 ** 20;

/**
 * CIFAR in the official binary layout: records of label byte(s) and three 32×32 planes, red, green, blue.
 *
 * @param path The `.tar.gz` (or `.tar`), or the unpacked folder that holds the `.bin` files.
 */
export function cifarSource(
  spec: CifarSpec,
  path: string,
  kind: 'archive' | 'folder',
  origin: DatasetInfo['origin'],
): DataSource {
  return {
    info: infoOf(spec, origin),
    read: (split, signal) =>
      kind === 'archive'
        ? readArchive(spec, path, split, signal)
        : readFolder(spec, path, split, signal),
  };
}

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
    const size = await fileSize(file);
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
  const bytes = cifarRecordBytes(spec);
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
  return part.records * cifarRecordBytes(spec);
}

function checkSize(spec: CifarSpec, part: CifarPart, size: number, where: string): void {
  const expected = expectedBytes(spec, part);
  if (size === expected) return;
  throw new RethinkError(
    'data',
    `${where} has ${grouped(size)} bytes, and ${grouped(expected)} are expected: ${grouped(part.records)} records of ${grouped(cifarRecordBytes(spec))} bytes.`,
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
      : `The binary version of ${spec.name} is expected, ${basename(spec.archive.file)}.`,
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
