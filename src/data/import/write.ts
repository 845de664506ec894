import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { digestFile } from '../../disk/digest.js';
import { writeFileAtomic } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { grouped } from '../../text.js';
import { binaryRecord } from '../published/content.js';
import { STORE_INFO, type StoreManifest, storeRecordBytes } from '../published/store.js';
import type { CifarForm, PublishedSpec } from '../published/types.js';
import type { DataSource, ImageRecord, SplitName } from '../types.js';

export type WriteOptions = Watching;

/** Examples of each class. */
export type PerClass = Record<SplitName, number[]>;

/** Both halves of a data set, in any order. */
export type AllRecords = AsyncIterable<ImageRecord & { split: SplitName }>;

/** A file and which records of its split it holds. */
type Part = Pick<CifarForm['parts'][number], 'file' | 'split' | 'records'>;

/** Both halves of a source. */
export async function* allRecords(
  source: DataSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord & { split: SplitName }> {
  for (const split of ['train', 'test'] as const) {
    for await (const record of source.read(split, signal)) yield { ...record, split };
  }
}

/** Writes a data set into a folder in the store's layout, in bounded memory. */
export async function writeStore(
  spec: PublishedSpec,
  records: AllRecords,
  from: Pick<StoreManifest, 'source' | 'decoder'>,
  folder: string,
  options: WriteOptions,
): Promise<StoreManifest> {
  const { name, height, width, channels, classes, counts } = spec;
  const files = { train: 'train.bin', test: 'test.bin' } as const;
  const parts = (['train', 'test'] as const).map((split) => {
    return { file: files[split], split, records: counts[split] };
  });
  const encode = binaryRecord(spec, { labelBytes: 1 });
  const perClass = await writeParts(spec, parts, encode, records, folder, options);
  const describe = async (split: SplitName): Promise<StoreManifest['train']> => ({
    file: files[split],
    count: counts[split],
    bytes: counts[split] * storeRecordBytes(spec),
    sha256: await digestFile(join(folder, files[split]), 'sha256', options.signal),
    perClass: perClass[split],
  });
  const manifest: StoreManifest = {
    format: 1,
    name,
    origin: 'imported',
    height,
    width,
    channels,
    classes,
    train: await describe('train'),
    test: await describe('test'),
    ...from,
  };
  writeFileAtomic(join(folder, STORE_INFO), `${JSON.stringify(manifest, null, 2)}\n`, 'dataset');
  return manifest;
}

/**
 * Writes an official data set into a folder as the authors' binary files.
 *
 * @throws RethinkError (`data`) where a file isn't the authors': what was read has changed meanwhile.
 */
export async function writeBinary(
  spec: PublishedSpec,
  form: CifarForm,
  records: AllRecords,
  folder: string,
  options: WriteOptions,
): Promise<PerClass> {
  const encode = binaryRecord(spec, form);
  const perClass = await writeParts(spec, form.parts, encode, records, folder, options);
  for (const { file, md5 } of form.parts) {
    const digest = await digestFile(join(folder, file), 'md5', options.signal);
    if (digest === md5) continue;
    throw new RethinkError(
      'data',
      `The images of ${file} changed while they were read: their md5 is ${digest}, and ${md5} is expected.`,
    );
  }
  return perClass;
}

async function writeParts(
  spec: PublishedSpec,
  parts: readonly Part[],
  encode: (record: ImageRecord) => Buffer,
  records: AllRecords,
  folder: string,
  watching: WriteOptions,
): Promise<PerClass> {
  const { name, classes, counts } = spec;
  const total = counts.train + counts.test;
  const files = parts.map((part) => ({ ...part, fd: openSync(join(folder, part.file), 'wx') }));
  const perClass = { train: classes.map(() => 0), test: classes.map(() => 0) };
  let done = 0;
  const amount = () => ({ done, total, unit: 'images' as const });
  const turn = takingTurns(watching, `importing ${name}`, amount);
  try {
    for await (const record of records) {
      const { index, label, split } = record;
      const ofSplit = files.filter((file) => file.split === split);
      const size = ofSplit[0]!.records;
      const bytes = encode(record);
      // Synchronous: thousands of small writes into the disk cache, each too short to be worth a turn of the event loop.
      const { fd } = ofSplit[Math.floor(index / size)]!;
      writeSync(fd, bytes, 0, bytes.length, (index % size) * bytes.length);
      perClass[split][label]!++;
      done++;
      await turn();
    }
    watching.onProgress?.({ what: `importing ${name}`, ...amount() });
    for (const { fd } of files) fsyncSync(fd);
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
  if (done === total) return perClass;
  throw new RethinkError(
    'data',
    `${name} has ${grouped(total)} images, and ${grouped(done)} were read.`,
  );
}
