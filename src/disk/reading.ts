import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { RethinkError } from '../errors.js';
import { diskError, errorCode } from './errors.js';

/** A regular file opened for reading: nothing else can make a reader wait, or never end. */
export interface OpenFile {
  path: string;
  size: number;
  /** Fills `target` from byte `position` of the file. */
  readInto(target: Uint8Array, position: number): void;
}

/**
 * Opens a regular file for the length of `use`.
 *
 * @throws RethinkError: `data` where the file is missing, is no regular file or ends early; `failed` where the disk fails.
 */
export function withOpenFile<T>(path: string, use: (file: OpenFile) => T): T {
  // Opening a named pipe waits for a writer, unless told not to.
  const fd = attempt(path, () => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  try {
    const stats = attempt(path, () => fstatSync(fd));
    if (!stats.isFile()) throw new RethinkError('data', `${path} is not a regular file.`);
    const readInto = (target: Uint8Array, position: number) => fill(fd, path, target, position);
    return use({ path, size: stats.size, readInto });
  } finally {
    closeSync(fd);
  }
}

/**
 * The whole of a regular file.
 *
 * @throws RethinkError as `withOpenFile`, and `data` where it is larger than `limit` bytes: memory stays bounded.
 */
export function readBounded(path: string, limit: number): Buffer {
  return withOpenFile(path, (file) => {
    if (file.size > limit) {
      throw new RethinkError('data', `${path} has ${file.size} bytes, more than ${limit}.`);
    }
    const content = Buffer.alloc(file.size);
    file.readInto(content, 0);
    return content;
  });
}

function fill(fd: number, path: string, target: Uint8Array, position: number): void {
  const largest = 1 << 30;
  for (let done = 0; done < target.byteLength; ) {
    const length = Math.min(largest, target.byteLength - done);
    const read = attempt(path, () => readSync(fd, target, done, length, position + done));
    if (read === 0) throw new RethinkError('data', `${path} is damaged: it ends too early.`);
    done += read;
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new RethinkError('data', `There is no file ${path}.`, { cause: error });
    }
    throw diskError(error, 'read', path);
  }
}
