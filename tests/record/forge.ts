import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { checkpointPath, saveCheckpoint } from '../../src/record/checkpoint.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { checkpointAt, META } from './fake-run.js';

/** Where the digest begins in a checkpoint. */
export const DIGEST_AT = 8 + '{"__metadata__":{"sha256":"'.length;

/** A good checkpoint. */
export function saved(epoch = 1): { folder: string; path: string; bytes: Buffer } {
  const folder = temporaryFolder();
  saveCheckpoint(folder, 'last', checkpointAt(epoch), META);
  const path = checkpointPath(folder, 'last');
  return { folder, path, bytes: readFileSync(path) };
}

/** A file with this header and data and a digest that fits: hostile, not damaged. */
export function forge(path: string, header: string | object, data: Buffer): void {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = Buffer.concat([Buffer.alloc(8), json, data]);
  file.writeBigUInt64LE(BigInt(json.length));
  const digest = createHash('sha256').update(file).digest('hex');
  file.write(digest, DIGEST_AT, 'latin1');
  writeFileSync(path, file);
}

// biome-ignore lint/suspicious/noExplicitAny: forgeries put anything anywhere.
export type Json = Record<string, any>;

/** The header of a good checkpoint, digest blank, and its data, to change one thing in. */
export function anatomy(bytes: Buffer): { header: Json; data: Buffer } {
  const dataAt = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, dataAt)) as Json;
  header.__metadata__.sha256 = '0'.repeat(64);
  return { header, data: bytes.subarray(dataAt) };
}
