import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';
import type { OnProgress } from '../../events.js';
import { grouped } from '../../text.js';
import { ChannelSums } from '../collect.js';
import { DECODERS, decodeImage } from '../decode.js';
import { errorCode, fileError, quoted, throwIfInterrupted, writeFileAtomically } from '../files.js';
import { hashStored } from '../open.js';
import { mapConcurrent } from '../parallel.js';
import type { SplitName, SubsetChoice } from '../types.js';
import {
  isPack,
  PACK_FORMAT,
  PACK_INDEX,
  PACK_VERSION,
  type PackIndex,
  packInfo,
  readPackIndex,
  runsOf,
} from './index-file.js';
import { type NamedImage, openPackable, type Packable } from './packable.js';
import { type PackPlan, type PlannedShard, planPack } from './plan.js';
import { readRecord, recordPath, type ShardRecord, ShardWriter } from './shard-writer.js';
import { splitOf } from './source.js';

export interface PackOptions {
  /** The data set that the images are, and where. */
  data: Parameters<typeof openPackable>[0];
  /** The folder that will hold the shards. */
  out: string;
  /** Side in pixels. */
  size: number;
  /** An image that can't be decoded is an error. */
  strict?: boolean | undefined;
  /** Replace what another plan left there. */
  force?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  note?: ((message: string) => void) | undefined;
  /** @internal Smaller shards, for tests. */
  shardBytes?: number | undefined;
}

export interface PackResult {
  path: string;
  name: string;
  size: number;
  counts: Record<SplitName, number>;
  classes: string[];
  perClass: Record<SplitName, number[]>;
  subset: SubsetChoice | null;
  shards: number;
  bytes: number;
  bad: PackIndex['bad'];
  hash: string;
  /** It had been packed before, by the same plan: nothing was done. */
  present: boolean;
}

/**
 * Decodes a tree of images once, into shards of bytes. What was finished before a kill or Ctrl-C is not done again, and
 * there is no index until everything is.
 *
 * @throws RethinkError: `usage` where the folder holds something else, `data` for images that can't be read (with
 * `strict`: or decoded), `interrupted`, `failed` where the disk refuses.
 */
export async function packImages(options: PackOptions): Promise<PackResult> {
  const { signal, note } = options;
  const packable = await openPackable(options.data, signal);
  for (const sentence of packable.notes) note?.(sentence);
  const plan = planPack(packable, options.size, options.shardBytes);
  const folder = resolve(options.out);
  const before = prepareFolder(folder, plan, options.force === true);
  if (before !== undefined) return resultOf(folder, before, true);
  const records = await finishedShards(folder, plan);
  const done = [...records.values()].reduce((sum, { count, bad }) => sum + count + bad.length, 0);
  if (records.size > 0) {
    note?.(`${grouped(records.size)} of ${grouped(plan.shards.length)} shards are there already.`);
  }
  await decodeShards(packable, plan, folder, records, done, options);
  const index = await indexOf(packable, plan, records, folder, options);
  await writeFileAtomically(join(folder, PACK_INDEX), `${JSON.stringify(index)}\n`);
  for (const shard of plan.shards) rmSync(recordPath(folder, shard), { force: true });
  return resultOf(folder, index, false);
}

const OURS =
  /^(index\.json|(train|test)-\d{5}\.bin|\.(train|test)-\d{5}\.(json|bin\.\d+\.new))(\.\d+\.tmp)?$/;

/**
 * Makes the folder ready for a plan's shards.
 *
 * @returns The index, where the plan has been carried out already.
 */
function prepareFolder(folder: string, plan: PackPlan, force: boolean): PackIndex | undefined {
  let names: string[];
  try {
    mkdirSync(folder, { recursive: true });
    names = readdirSync(folder);
  } catch (error) {
    throw fileError(error, 'create', folder, 'failed');
  }
  const strange = names.find((name) => !OURS.test(name));
  if (strange !== undefined) {
    throw new RethinkError('usage', `${folder} holds other files, such as ${quoted(strange)}.`, {
      hint: 'Give --out a folder that is empty or not there yet.',
    });
  }
  if (isPack(folder)) {
    const index = force ? undefined : readPackIndex(folder);
    if (index?.plan === plan.id) return index;
    if (index !== undefined) {
      throw new RethinkError(
        'usage',
        `${folder} holds ${index.name} already, packed at ${index.size}×${index.size} from ${quoted(index.source.name)}.`,
        { hint: 'Choose another folder, or replace it with --force.' },
      );
    }
    // First of all: without it, what is there is no packed set any more.
    rmSync(join(folder, PACK_INDEX));
  }
  const own = new RegExp(`\\.(${process.pid})\\.new$`);
  for (const name of names) {
    // A killed process's; one that is alive has another number.
    if (/\.(new|tmp)$/.test(name) && !own.test(name)) rmSync(join(folder, name), { force: true });
  }
  return undefined;
}

async function finishedShards(
  folder: string,
  plan: PackPlan,
): Promise<Map<PlannedShard, ShardRecord>> {
  const records = new Map<PlannedShard, ShardRecord>();
  for (const shard of plan.shards) {
    const record = await readRecord(folder, shard, plan.id);
    if (record !== undefined) records.set(shard, record);
  }
  return records;
}

type Decoded = NamedImage & ({ pixels: Uint8Array } | { reason: string });

/** Decodes what is missing, all cores at work, and adds a record for each shard. */
async function decodeShards(
  packable: Packable,
  plan: PackPlan,
  folder: string,
  records: Map<PlannedShard, ShardRecord>,
  before: number,
  { strict, signal, onProgress }: PackOptions,
): Promise<void> {
  const missing = plan.shards.filter((shard) => !records.has(shard));
  const places = new Map(
    missing.flatMap((shard) => shard.images.map((image, slot) => [image, { shard, slot }])),
  );
  const writers = new Map<PlannedShard, ShardWriter>();
  const size = { height: plan.size, width: plan.size, channels: 3 };
  const encoded = packable.read([...places.keys()], signal);
  let done = before;
  const report = () =>
    onProgress?.({ what: `packing ${packable.name}`, done, total: plan.total, unit: 'images' });
  report();
  try {
    const decoded = mapConcurrent(encoded, DECODERS, (named) => decode(named, size));
    for await (const image of decoded) {
      throwIfInterrupted(signal, `packing ${packable.name}`);
      const { shard, slot } = places.get(image.image)!;
      const writer = writers.get(shard) ?? new ShardWriter(folder, shard, plan.size);
      writers.set(shard, writer);
      if ('pixels' in image) writer.put(slot, image.pixels);
      else if (strict) throw badImage(image.reason);
      else writer.skip(slot, image.reason);
      done++;
      if (done % 100 === 0 || done === plan.total) report();
      if (!writer.complete) continue;
      records.set(shard, await writer.finish(plan.id));
      writers.delete(shard);
    }
  } finally {
    for (const writer of writers.values()) writer.discard();
  }
  const lost = missing.find((shard) => !records.has(shard));
  if (lost === undefined) return;
  throw new RethinkError('data', `${packable.source} gave fewer images than it lists.`);
}

async function decode(
  named: NamedImage,
  size: { height: number; width: number; channels: number },
): Promise<Decoded> {
  try {
    const bytes = await named.load();
    return { ...named, pixels: await decodeImage(bytes, named.where, { size, fit: 'cover' }) };
  } catch (error) {
    // What the disk refuses is no property of the image.
    const refused = error instanceof RethinkError && errorCode(error.cause) === undefined;
    if (!refused) throw error;
    return { ...named, reason: messageOf(error) };
  }
}

function badImage(reason: string): RethinkError {
  return new RethinkError('data', reason, {
    hint: 'Without --strict an image that cannot be decoded is left out and listed.',
  });
}

/** The index of shards that are all there; their images are read back for its hash. */
async function indexOf(
  packable: Packable,
  plan: PackPlan,
  records: ReadonlyMap<PlannedShard, ShardRecord>,
  folder: string,
  { signal, onProgress }: PackOptions,
): Promise<PackIndex> {
  const { tree, subset } = packable;
  const sums = new ChannelSums(3);
  for (const [{ split }, record] of records) {
    if (split === 'train') sums.merge(record, record.bytes / 3);
  }
  const packed = (split: SplitName) => packedSplitOf(packable, plan, records, split);
  const { train, test } = tree.images;
  const index: Omit<PackIndex, 'hash'> = {
    format: PACK_FORMAT,
    version: PACK_VERSION,
    plan: plan.id,
    name: packable.name,
    size: plan.size,
    channels: 3,
    classes: tree.classes,
    source: {
      name: packable.source,
      train: subset?.of.train ?? train.length,
      test: subset?.of.test ?? test.length,
    },
    subset: subset ?? null,
    statistics: sums.statistics(),
    decoder: plan.decoder,
    train: packed('train'),
    test: packed('test'),
    bad: badImages(plan, records),
  };
  const splits = { train: splitOf(folder, index, 'train'), test: splitOf(folder, index, 'test') };
  const hash = await hashStored(packInfo(index), splits.train, splits.test, {
    signal,
    onProgress,
  });
  return { ...index, hash };
}

/** @throws RethinkError (`data`) where no image of a class could be decoded. */
function packedSplitOf(
  { tree, source }: Packable,
  plan: PackPlan,
  records: ReadonlyMap<PlannedShard, ShardRecord>,
  split: SplitName,
): PackIndex['train'] {
  const shards = plan.shards.filter((shard) => shard.split === split);
  const good = shards.flatMap((shard) => {
    const bad = new Set(records.get(shard)!.bad.map(({ slot }) => slot));
    return shard.images.filter((_, slot) => !bad.has(slot));
  });
  const perClass = tree.classes.map(() => 0);
  for (const { label } of good) perClass[label]!++;
  const empty = tree.classes.find((_, label) => split === 'train' && perClass[label] === 0);
  if (empty !== undefined || good.length === 0) {
    const what = empty === undefined ? `${split} image` : `training image of ${quoted(empty)}`;
    throw new RethinkError('data', `No ${what} in ${source} could be decoded.`);
  }
  return {
    count: good.length,
    perClass,
    indices: runsOf(good.map(({ index }) => index)),
    names: good.map(({ path }) => path),
    shards: shards.flatMap((shard) => {
      const { count, bytes, sha256 } = records.get(shard)!;
      return count === 0 ? [] : [{ file: shard.file, count, bytes, sha256 }];
    }),
  };
}

function badImages(
  plan: PackPlan,
  records: ReadonlyMap<PlannedShard, ShardRecord>,
): PackIndex['bad'] {
  return plan.shards.flatMap((shard) =>
    records.get(shard)!.bad.map(({ slot, reason }) => {
      const { path, split, index } = shard.images[slot]!;
      return { split, index, name: path, reason };
    }),
  );
}

function resultOf(path: string, index: PackIndex, present: boolean): PackResult {
  const { name, size, classes, subset, train, test, bad, hash } = index;
  const shards = [...train.shards, ...test.shards];
  return {
    path,
    name,
    size,
    classes,
    counts: { train: train.count, test: test.count },
    perClass: { train: train.perClass, test: test.perClass },
    subset,
    shards: shards.length,
    bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    bad,
    hash,
    present,
  };
}
