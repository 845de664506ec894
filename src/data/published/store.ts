import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { fileSize, isFile, readText } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { ByteReader, readBytes } from '../archive/bytes.js';
import type { DataSource, ImageRecord, SplitName } from '../types.js';
import { planesToPixels } from './planes.js';
import type { Layout, StoreForm } from './types.js';

/**
 * The compact form of an imported data set: a folder with `train.bin`, `test.bin` and `info.json`. A record is laid out as
 * in CIFAR-10's binary files, one label byte and then the channels' planes, so that other programs can read it too.
 */
export const STORE_INFO = 'info.json';

/** An import; only data sets of which images are imported have this form. */
export const STORE: Layout<StoreForm> = {
  official: false,
  find: (spec, form, base, given) => {
    if (given && isFile(base)) return [];
    const below = join(base, spec.name);
    return (given ? [base, below] : [below]).filter(isStore).map((path) => {
      const names = ['train.bin', 'test.bin', STORE_INFO];
      const files = names.map((file) => ({ path: join(path, file), file }));
      return { form, kind: 'store', path, files };
    });
  },
  open: async (spec, { path }) => {
    const source = await storeSource(path);
    if (source.info.name === spec.name) return source;
    throw new RethinkError(
      'data',
      `${path} holds ${source.info.name}, and ${spec.name} is asked for.`,
    );
  },
  claims: async (path) => {
    const { train, test } = await readManifest(path);
    const files = [train, test].map(({ file, sha256, bytes }) => ({
      path: join(path, file),
      file,
      sha256,
      bytes,
    }));
    return { files, perClass: { train: train.perClass, test: test.perClass } };
  },
};

/** Whether a folder is an imported data set. */
export function isStore(folder: string): boolean {
  return isFile(join(folder, STORE_INFO));
}

/** 256 names of classes and some numbers. */
const MOST_MANIFEST_BYTES = 2 ** 20;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const split = z.strictObject({
  file: z.enum(['train.bin', 'test.bin']),
  count: z.int().min(1),
  bytes: z.int().min(1),
  sha256,
  /** Images of each class, in the order of `classes`. */
  perClass: z.array(z.int().min(0)),
});
const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().min(1),
  origin: z.literal('imported'),
  height: z.int().min(1),
  width: z.int().min(1),
  channels: z.int().min(1).max(4),
  classes: z.array(z.string()).min(2).max(256),
  train: split,
  test: split,
  /** What was imported; the digest is of an archive, a folder has none. */
  source: z.strictObject({ name: z.string(), sha256: sha256.optional() }),
  /** What decoded the images: another version may round differently. */
  decoder: z.string(),
});

/** What `info.json` says. */
export type StoreManifest = z.infer<typeof manifestSchema>;

/** Bytes of one record. */
export function storeRecordBytes(info: {
  height: number;
  width: number;
  channels: number;
}): number {
  return 1 + info.height * info.width * info.channels;
}

/** @throws RethinkError (`data`) where there is no store or it doesn't fit together. */
export async function readManifest(folder: string): Promise<StoreManifest> {
  const path = join(folder, STORE_INFO);
  const hint = 'Import the data set again, with --force.';
  let content: unknown;
  try {
    content = JSON.parse(readText(path, MOST_MANIFEST_BYTES));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RethinkError('data', `${path} is damaged: it is not JSON.`, { hint, cause: error });
  }
  const parsed = manifestSchema.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const where = issue.path.join('.') || 'the file';
    throw new RethinkError('data', `${path} is damaged at ${where}: ${issue.message}.`, { hint });
  }
  const manifest = parsed.data;
  for (const name of ['train', 'test'] as const) {
    const { bytes, count } = manifest[name];
    if (bytes !== count * storeRecordBytes(manifest)) {
      throw new RethinkError(
        'data',
        `${path} is damaged: ${name} has ${grouped(count)} records in ${grouped(bytes)} bytes.`,
        { hint },
      );
    }
  }
  return manifest;
}

/** An imported data set. Reading it checks sizes, labels and, at the end of each split, the digest. */
export async function storeSource(folder: string): Promise<DataSource> {
  const manifest = await readManifest(folder);
  const { name, height, width, channels, classes, origin, train, test } = manifest;
  const counts = { train: train.count, test: test.count };
  return {
    info: { name, height, width, channels, classes, counts, origin },
    read: (split, signal) => readSplit(folder, manifest, split, signal),
  };
}

async function* readSplit(
  folder: string,
  manifest: StoreManifest,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const expected = manifest[split];
  const path = join(folder, expected.file);
  const hint = `See: rethink-gen data verify ${manifest.name}`;
  const size = fileSize(path);
  if (size !== expected.bytes) {
    const has = size === undefined ? 'is missing' : `has ${grouped(size)} bytes`;
    throw new RethinkError(
      'data',
      `${path} ${has}, and ${grouped(expected.bytes)} bytes are expected.`,
      { hint: `Import ${manifest.name} again, with --force.` },
    );
  }
  const hash = createHash('sha256');
  const reader = new ByteReader(readBytes(path, { signal, maxBytes: expected.bytes }));
  try {
    for (let index = 0; index < expected.count; index++) {
      const record = await reader.take(storeRecordBytes(manifest));
      hash.update(record);
      const label = record[0]!;
      if (label >= manifest.classes.length) {
        throw new RethinkError(
          'data',
          `${path} is damaged: record ${grouped(index)} has label ${label}, and there are ${manifest.classes.length} classes.`,
          { hint },
        );
      }
      yield { index, label, image: planesToPixels(record.subarray(1), manifest.channels) };
    }
  } finally {
    await reader.close();
  }
  const digest = hash.digest('hex');
  if (digest !== expected.sha256) {
    throw new RethinkError(
      'data',
      `${path} is damaged: its sha256 is ${digest}, and ${expected.sha256} is expected.`,
      { hint },
    );
  }
}
