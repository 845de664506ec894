import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { messageOf } from '../errors.js';
import { KeyError } from './problems.js';

/** More than any file that a config names by its content holds. */
const MOST_BYTES = 2 ** 28;
const PIECE = 2 ** 20;

/** Of files as they were when they were last read: every trial of a sweep asks again. */
const known = new Map<string, { as: string; digest: string }>();

/**
 * SHA-256 (hex) of a file that a config names: what it holds identifies an experiment, not where it lies.
 *
 * @param key Of the config, for errors. @param path As seen from this process's folder.
 * @throws KeyError (`usage`) where it is no file that can be read.
 */
export function digestOf(key: string, path: string): string {
  try {
    // Looked at before it is opened: opening a pipe would wait for whoever writes to it.
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) throw new KeyError(key, `is ${path}: there is no such file.`);
    if (!found.isFile()) throw new KeyError(key, `is ${path}: that is not a regular file.`);
    if (found.size > MOST_BYTES) throw new KeyError(key, `is ${path}: it is far too large.`);
    const as = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
    const before = known.get(path);
    if (before?.as === as) return before.digest;
    const digest = digestOfContent(path);
    known.set(path, { as, digest });
    return digest;
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError(key, `is ${path}, which can't be read: ${messageOf(error)}`);
  }
}

function digestOfContent(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE);
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const n = readSync(fd, piece);
      if (n === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, n));
    }
  } finally {
    closeSync(fd);
  }
}
