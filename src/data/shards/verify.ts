import { join, resolve } from 'node:path';
import { digestFile } from '../../disk/digest.js';
import { fileSize } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted, type Watching } from '../../progress.js';
import { grouped } from '../../text.js';
import { hashStored } from '../open.js';
import { type PackSummary, packInfo, readPackIndex, summarizePack } from './index-file.js';
import { splitOf } from './source.js';

/**
 * Reads packed images to the last byte: sizes and SHA-256 of all shards, and the data hash.
 *
 * @throws RethinkError (`data`) naming each shard that is not as it was packed.
 */
export async function verifyPack(folder: string, options: Watching = {}): Promise<PackSummary> {
  const path = resolve(folder);
  const index = readPackIndex(path);
  const shards = [...index.train.shards, ...index.test.shards];
  const wrong: string[] = [];
  for (const [n, { file, bytes, sha256 }] of shards.entries()) {
    throwIfInterrupted(options.signal, `checking ${path}`);
    const found = fileSize(join(path, file));
    if (found !== bytes) {
      const has = found === undefined ? 'is missing' : `has ${grouped(found)} bytes`;
      wrong.push(`${file} ${has}${found === undefined ? '' : ` of ${grouped(bytes)}`}`);
    } else {
      const digest = await digestFile(join(path, file), 'sha256', options.signal);
      if (digest !== sha256) wrong.push(`${file} has sha256 ${digest}, not ${sha256}`);
    }
    const what = `checking shards of ${index.name}`;
    options.onProgress?.({ what, done: n + 1, total: shards.length, unit: 'steps' });
  }
  const hint = 'Delete the folder and pack the images again.';
  if (wrong.length > 0) {
    throw new RethinkError('data', `${path} is not as it was packed: ${wrong.join('; ')}.`, {
      hint,
    });
  }
  const info = packInfo(index);
  const [train, test] = [splitOf(path, index, 'train'), splitOf(path, index, 'test')];
  const hash = await hashStored(info, train, test, options);
  if (hash !== index.hash) {
    throw new RethinkError(
      'data',
      `${path} is not as it was packed: its data hash is ${hash}, and index.json says ${index.hash}.`,
      { hint },
    );
  }
  return summarizePack(path, index);
}
