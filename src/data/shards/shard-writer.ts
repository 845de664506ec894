import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../../disk/digest.js';
import { diskError } from '../../disk/errors.js';
import { type Confirm, temporaryPath, writeFileAtomic } from '../../disk/files.js';
import { fileSize, readText } from '../../disk/reading.js';
import { ChannelSums } from '../collect.js';
import type { PlannedShard } from './plan.js';

const CHANNELS = 3;

/** What is kept of a finished shard until all are, in a hidden file beside it. */
const recordSchema = z.strictObject({
  plan: z.string(),
  /** Images in it; 0: all were bad, and there is no file. */
  count: z.int().min(0),
  bytes: z.int().min(0),
  sha256: z.string(),
  /** Of each channel over all pixels; whole numbers. */
  sums: z.array(z.number()),
  squares: z.array(z.number()),
  bad: z.array(z.strictObject({ slot: z.int().min(0), reason: z.string() })),
});

export type ShardRecord = z.infer<typeof recordSchema>;

/**
 * One shard in the making. Images come in any order, each into its own slot of a hidden file; when all have come, the
 * shard is put in its place whole, and then a record of it: killed at any instant, it is finished or is made again.
 */
export class ShardWriter {
  private left: number;
  private readonly bad = new Map<number, string>();
  private readonly scratch: string;
  private readonly imageBytes: number;

  constructor(
    private readonly folder: string,
    private readonly shard: PlannedShard,
    size: number,
  ) {
    this.left = shard.images.length;
    this.imageBytes = size * size * CHANNELS;
    this.scratch = temporaryPath(join(folder, shard.file));
  }

  /** Whether every slot has been dealt with. */
  get complete(): boolean {
    return this.left === 0;
  }

  put(slot: number, pixels: Uint8Array): void {
    try {
      // Opened anew each time: an archive out of order may have hundreds of shards under way.
      const fd = openSync(this.scratch, constants.O_WRONLY | constants.O_CREAT, 0o666);
      try {
        for (let done = 0; done < pixels.length; ) {
          const at = slot * this.imageBytes + done;
          done += writeSync(fd, pixels, done, pixels.length - done, at);
        }
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw diskError(error, 'write', this.scratch, 'dataset');
    }
    this.left--;
  }

  /** A slot that stays empty. */
  skip(slot: number, reason: string): void {
    this.bad.set(slot, reason);
    this.left--;
  }

  /** @param confirm Throws where the folder is another process's by now, which has removed what this one wrote to. */
  finish(plan: string, confirm?: Confirm): ShardRecord {
    const bytes = this.content();
    const sums = new ChannelSums(CHANNELS);
    sums.add(bytes);
    const path = join(this.folder, this.shard.file);
    if (bytes.length > 0) writeFileAtomic(path, bytes, 'dataset', confirm);
    const record: ShardRecord = {
      plan,
      count: bytes.length / this.imageBytes,
      bytes: bytes.length,
      sha256: sha256(bytes),
      sums: sums.sums,
      squares: sums.squares,
      bad: [...this.bad]
        .map(([slot, reason]) => ({ slot, reason }))
        .sort((a, b) => a.slot - b.slot),
    };
    const text = JSON.stringify(record);
    writeFileAtomic(recordPath(this.folder, this.shard), text, 'dataset', confirm);
    this.discard();
    return record;
  }

  /** Removes the hidden file. */
  discard(): void {
    rmSync(this.scratch, { force: true });
  }

  /** The images that came, closed up. */
  private content(): Uint8Array {
    if (this.bad.size === this.shard.images.length) return new Uint8Array(0);
    let slots: Buffer;
    try {
      slots = readFileSync(this.scratch);
    } catch (error) {
      throw diskError(error, 'read', this.scratch, 'dataset');
    }
    if (this.bad.size === 0) return slots;
    const good = [...this.shard.images.keys()].filter((slot) => !this.bad.has(slot));
    const { imageBytes } = this;
    return Buffer.concat(
      good.map((slot) => slots.subarray(slot * imageBytes, (slot + 1) * imageBytes)),
    );
  }
}

/** A finished shard's hidden file. */
export function recordPath(folder: string, { file }: PlannedShard): string {
  return join(folder, `.${file.replace(/bin$/, 'json')}`);
}

/** What is known of a shard that an earlier process finished by the same plan; `undefined` where it has to be made. */
export function readRecord(
  folder: string,
  shard: PlannedShard,
  plan: string,
): ShardRecord | undefined {
  const path = recordPath(folder, shard);
  if (!existsSync(path)) return undefined;
  let record: ShardRecord;
  try {
    record = recordSchema.parse(JSON.parse(readText(path, 64 * 2 ** 20)));
  } catch {
    // Nothing is lost but the time to make it again.
    return undefined;
  }
  if (record.plan !== plan) return undefined;
  const size = fileSize(join(folder, shard.file));
  return (size ?? 0) === record.bytes ? record : undefined;
}
