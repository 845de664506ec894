import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode } from '../../disk/errors.js';
import { type Confirm, writeFileAtomic } from '../../disk/files.js';
import { Lock } from '../../disk/lock.js';
import { messageOf, RethinkError } from '../../errors.js';
import { mapConcurrent } from '../../map-concurrent.js';
import { throwIfInterrupted, type Watching } from '../../progress.js';
import { grouped } from '../../text.js';
import { DECODERS, decodeImage } from '../image/decode.js';
import type { EncodedImage } from '../tree/imagetree.js';
import { buildIndex } from './build-index.js';
import { clearFolder, openFolder, packedBefore } from './folder.js';
import { PACK_INDEX, type PackIndex, type PackSummary, summarizePack } from './index-file.js';
import { openPackable, type Packable } from './packable.js';
import { type PackPlan, type PlannedShard, planPack } from './plan.js';
import { readRecord, recordPath, type ShardRecord, ShardWriter } from './shard-writer.js';

export interface PackOptions extends Watching {
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
  note?: ((message: string) => void) | undefined;
  /** @internal Smaller shards, for tests. */
  shardBytes?: number | undefined;
}

export interface PackResult extends PackSummary {
  /** Of all shards. */
  bytes: number;
  /** It had been packed before, by the same plan: nothing was done. */
  present: boolean;
}

/**
 * Decodes a tree of images once, into shards of bytes. What was finished before a kill or Ctrl-C is not done again, and
 * there is no index until everything is.
 *
 * @throws RethinkError: `usage` where the folder holds something else, `data` for images that can't be read (with
 * `strict`: or decoded), `busy`, `lost`, `interrupted`, `failed` where the disk
 * refuses.
 */
export async function packImages(options: PackOptions): Promise<PackResult> {
  const { note } = options;
  const packable = await openPackable(options.data, options);
  for (const sentence of packable.tree.notes) note?.(sentence);
  const plan = planPack(packable, options.size, options.shardBytes);
  const folder = resolve(options.out);
  openFolder(folder);
  const before = () => packedBefore(folder, plan, options.force === true);
  const present = before();
  if (present !== undefined) return resultOf(folder, present, true);
  const lock = await Lock.acquire(folder, { signal: options.signal, onWait: note });
  try {
    // Another process may have done it just now.
    const meanwhile = before();
    if (meanwhile !== undefined) return resultOf(folder, meanwhile, true);
    return await packInto(folder, packable, plan, options, () => lock.confirm());
  } finally {
    lock.release();
  }
}

async function packInto(
  folder: string,
  packable: Packable,
  plan: PackPlan,
  options: PackOptions,
  confirm: Confirm,
): Promise<PackResult> {
  const { note } = options;
  clearFolder(folder);
  const records = finishedShards(folder, plan);
  const done = [...records.values()].reduce((sum, { count, bad }) => sum + count + bad.length, 0);
  if (records.size > 0) {
    note?.(`${grouped(records.size)} of ${grouped(plan.shards.length)} shards are there already.`);
  }
  await decodeShards(packable, plan, folder, records, done, options, confirm);
  const index = await buildIndex(packable, plan, records, folder, options);
  writeFileAtomic(join(folder, PACK_INDEX), `${JSON.stringify(index)}\n`, 'dataset', confirm);
  for (const shard of plan.shards) rmSync(recordPath(folder, shard), { force: true });
  return resultOf(folder, index, false);
}

function finishedShards(folder: string, plan: PackPlan): Map<PlannedShard, ShardRecord> {
  const records = new Map<PlannedShard, ShardRecord>();
  for (const shard of plan.shards) {
    const record = readRecord(folder, shard, plan.id);
    if (record !== undefined) records.set(shard, record);
  }
  return records;
}

type Decoded = EncodedImage & ({ pixels: Uint8Array } | { reason: string });

/** Decodes what is missing, all cores at work, and adds a record for each shard. */
async function decodeShards(
  packable: Packable,
  plan: PackPlan,
  folder: string,
  records: Map<PlannedShard, ShardRecord>,
  before: number,
  { strict, signal, onProgress }: PackOptions,
  confirm: Confirm,
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
      else if (!strict) writer.skip(slot, image.reason);
      else {
        throw new RethinkError('data', image.reason, {
          hint: 'Without --strict an image that cannot be decoded is left out and listed.',
        });
      }
      done++;
      if (done % 100 === 0 || done === plan.total) report();
      if (!writer.complete) continue;
      records.set(shard, writer.finish(plan.id, confirm));
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
  named: EncodedImage,
  size: { height: number; width: number; channels: number },
): Promise<Decoded> {
  try {
    const bytes = await named.load();
    return { ...named, pixels: await decodeImage(bytes, named.where, { size, fit: 'cover' }) };
  } catch (error) {
    // What the disk refuses is no property of the image.
    const refused = error instanceof RethinkError && errorCode(error.cause) === '';
    if (!refused) throw error;
    return { ...named, reason: messageOf(error) };
  }
}

function resultOf(path: string, index: PackIndex, present: boolean): PackResult {
  const shards = [...index.train.shards, ...index.test.shards];
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  return { ...summarizePack(path, index), bytes, present };
}
