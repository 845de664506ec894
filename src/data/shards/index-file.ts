import { join } from 'node:path';
import { z } from 'zod';
import { OWN_NAMES } from '../../config/datasets.js';
import { isFile, readText } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import type { DatasetInfo, SplitName, SubsetChoice } from '../types.js';

/**
 * A packed data set: images decoded once, as bytes of one size. A folder of `train-00000.bin`, … and `test-00000.bin`, …,
 * each whole images [height, width, channels] one after another, by class and then by name, and this index.
 */
export const PACK_INDEX = 'index.json';

/** Fields that say that it is ours, and in which form. */
export const PACK_FORMAT = 'rethink-gen pack';
export const PACK_VERSION = 1;

/** A million names of images, and more than any index of ours has. */
const MOST_INDEX_BYTES = 256 * 2 ** 20;

const count = z.int().min(0);
const text = z.string().min(1).max(4096);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'no SHA-256 in hex');
const number = z.number().min(0);

const shard = z.strictObject({
  file: z.string().regex(/^(train|test)-\d{5}\.bin$/, 'no name of a shard'),
  count: z.int().min(1),
  bytes: z.int().min(1),
  sha256,
});

const packedSplit = z.strictObject({
  count: z.int().min(1),
  /** Images of each class, in the order of `classes`: with it, the label of every image. */
  perClass: z.array(count),
  /** Source indices in order, as runs [first, length]. */
  indices: z.array(z.tuple([count, z.int().min(1)])),
  /** Where each image came from. */
  names: z.array(text),
  shards: z.array(shard).min(1),
});

const indexSchema = z.strictObject({
  format: z.literal(PACK_FORMAT),
  version: z.literal(PACK_VERSION),
  /** Of the images that were to be packed, and how: the same again is nothing to do. */
  plan: sha256,
  name: z.enum(OWN_NAMES),
  /** Side of the images, in pixels. */
  size: z.int().min(4).max(1024),
  channels: z.literal(3),
  classes: z.array(text).min(2),
  /** What was packed, and the examples it has. */
  source: z.strictObject({ name: text, train: z.int().min(1), test: z.int().min(1) }),
  subset: z
    .strictObject({
      synsets: z.array(text),
      perClass: count.nullable(),
      testPerClass: count.nullable(),
      seed: count,
      of: z.strictObject({ train: count, test: count, classes: count }),
    })
    .nullable(),
  /** Of all training images, per channel, in bytes. */
  statistics: z.strictObject({ mean: z.array(number), variance: z.array(number) }),
  /** What decoded the images: another version may round differently. */
  decoder: text,
  /** The data hash of a run that uses all of it. */
  hash: sha256,
  train: packedSplit,
  test: packedSplit,
  /** Images that could not be decoded and are left out. */
  bad: z.array(
    z.strictObject({ split: z.enum(['train', 'test']), index: count, name: text, reason: text }),
  ),
  /** Files beside the images that were not read, where there were any; older packs don't tell. */
  others: z.array(text).optional(),
});

/** What `index.json` says. */
export type PackIndex = z.infer<typeof indexSchema>;
export type PackedSplit = PackIndex['train'];
export type Shard = PackedSplit['shards'][number];

/** Whether a folder is a packed data set. */
export function isPack(folder: string): boolean {
  return isFile(join(folder, PACK_INDEX));
}

/** @throws RethinkError (`data`) where the index is missing, damaged, of another version or contradicts itself. */
export function readPackIndex(folder: string): PackIndex {
  const path = join(folder, PACK_INDEX);
  const hint = 'Pack the images again: rethink-gen data pack PATH --out DIR --size N';
  let content: unknown;
  try {
    content = JSON.parse(readText(path, MOST_INDEX_BYTES));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RethinkError('data', `${path} is damaged: it is not JSON.`, { hint, cause: error });
  }
  const version = (content as { version?: unknown } | null)?.version;
  if (Number.isInteger(version) && version !== PACK_VERSION) {
    throw new RethinkError(
      'data',
      `${path} is of version ${version}, and this rethink-gen reads version ${PACK_VERSION}.`,
      { hint },
    );
  }
  const parsed = indexSchema.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const where = issue.path.join('.') || 'the file';
    throw new RethinkError('data', `${path} is damaged at ${where}: ${issue.message}.`, { hint });
  }
  const contradiction = contradictionOf(parsed.data);
  if (contradiction === undefined) return parsed.data;
  throw new RethinkError('data', `${path} is damaged: ${contradiction}.`, { hint });
}

function contradictionOf(index: PackIndex): string | undefined {
  const { classes, statistics, channels, size } = index;
  if (statistics.mean.length !== channels || statistics.variance.length !== channels) {
    return `its statistics aren't of ${channels} channels`;
  }
  if (new Set(classes).size !== classes.length) return 'a class comes twice';
  for (const name of ['train', 'test'] as const) {
    const { count, perClass, indices, names, shards } = index[name];
    const numbers: [what: string, found: number][] = [
      ['images by class', sum(perClass)],
      ['indices', sum(indices.map(([, length]) => length))],
      ['names', names.length],
      ['images in shards', sum(shards.map((shard) => shard.count))],
    ];
    const wrong = numbers.find(([, found]) => found !== count);
    if (wrong) return `${name} has ${grouped(count)} images and ${grouped(wrong[1])} ${wrong[0]}`;
    if (perClass.length !== classes.length) return `${name} has other classes than the set`;
    const bytes = size * size * channels;
    const odd = shards.find((shard) => shard.bytes !== shard.count * bytes);
    if (odd) return `${odd.file} has ${grouped(odd.count)} images in ${grouped(odd.bytes)} bytes`;
    if (new Set(shards.map(({ file }) => file)).size !== shards.length)
      return 'a shard comes twice';
    if (shards.some(({ file }) => !file.startsWith(`${name}-`))) {
      return `a shard of ${name} is named for the other split`;
    }
    let least = 0;
    for (const [first, length] of indices) {
      if (first < least) return `indices of ${name} are out of order`;
      least = first + length;
    }
  }
  return undefined;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What is known of a packed data set before any image is read: the same as of its source. */
export function packInfo(index: Omit<PackIndex, 'hash'>): DatasetInfo {
  const { name, size, channels, classes, train, test, subset } = index;
  return {
    name,
    height: size,
    width: size,
    channels,
    classes,
    counts: { train: train.count, test: test.count },
    origin: 'images',
    // Images may be left out of a whole source, too: indices have gaps then.
    ...(subset === null && index.bad.length === 0 ? {} : { subset: subset ?? wholeChoice(index) }),
  };
}

function wholeChoice({ classes, source }: Omit<PackIndex, 'hash'>): SubsetChoice {
  const of = { train: source.train, test: source.test, classes: classes.length };
  return { synsets: classes, perClass: null, testPerClass: null, seed: 0, of };
}

/** Labels of a split, [count]. */
export function packedLabels({ perClass }: PackedSplit): Int32Array {
  return Int32Array.from(perClass.flatMap((n, label) => Array<number>(n).fill(label)));
}

/** Source indices of a split, [count]. */
export function packedIndices({ indices }: PackedSplit): Uint32Array {
  return Uint32Array.from(
    indices.flatMap(([first, length]) => Array.from({ length }, (_, i) => first + i)),
  );
}

/** Increasing numbers as runs [first, length]. */
export function runsOf(indices: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === index) last[1]++;
    else runs.push([index, 1]);
  }
  return runs;
}

/** What is told of a packed folder. */
export interface PackSummary
  extends Pick<PackIndex, 'name' | 'size' | 'classes' | 'subset' | 'bad' | 'hash'> {
  path: string;
  counts: Record<SplitName, number>;
  perClass: Record<SplitName, number[]>;
  shards: number;
  /** Files beside the source's images that were not read. */
  others: readonly string[];
}

/** @param path Of the folder. */
export function summarizePack(path: string, index: PackIndex): PackSummary {
  const { name, size, classes, subset, train, test, bad, hash, others = [] } = index;
  return {
    path,
    name,
    size,
    classes,
    counts: { train: train.count, test: test.count },
    perClass: { train: train.perClass, test: test.perClass },
    subset,
    shards: train.shards.length + test.shards.length,
    bad,
    others,
    hash,
  };
}
