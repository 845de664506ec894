import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, type Stats, statSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ErrorKind, messageOf, RethinkError } from '../errors.js';
import { throwIfInterrupted } from '../progress.js';
import { grouped } from '../text.js';

/** The code of a system error, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

const REASONS: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};

/** A sentence for what the file system refused; a `RethinkError` passes unchanged. */
export function fileError(
  error: unknown,
  doing: string,
  path: string,
  kind: ErrorKind = 'data',
): RethinkError {
  if (error instanceof RethinkError) return error;
  const reason = REASONS[errorCode(error) ?? ''] ?? messageOf(error);
  return new RethinkError(kind, `Cannot ${doing} ${path}: ${reason}.`, { cause: error });
}

/** Size of a file in bytes, or `undefined` where there is no such file. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError(error, 'read', path);
  }
}

/** Whether there is a file of this path; a folder is none. */
export function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    throw fileError(error, 'read', path);
  }
}

/** @throws RethinkError (`data`) for a pipe or a device: opening the one waits for a writer, reading the other never ends. */
export function requireRegular(found: Stats, path: string): void {
  if (found.isFile()) return;
  if (found.isDirectory())
    throw fileError(Object.assign(new Error(), { code: 'EISDIR' }), 'read', path);
  throw new RethinkError('data', `${path} is not a regular file.`);
}

/**
 * The text of a file that a config or a data set names.
 *
 * @throws RethinkError (`data`) where it can't be read, is no regular file or has more than `most` bytes.
 */
export function readText(path: string, most: number): string {
  try {
    const found = statSync(path);
    requireRegular(found, path);
    if (found.size <= most) return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(error, 'read', path);
  }
  throw new RethinkError('data', `${path} has more than ${grouped(most)} bytes.`);
}

/** Digest of a whole file, in hex. */
export async function digestFile(
  path: string,
  algorithm: 'md5' | 'sha256',
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash(algorithm);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      throwIfInterrupted(signal, `reading ${path}`);
      hash.update(chunk as Buffer);
    }
  } catch (error) {
    throw fileError(error, 'read', path);
  }
  return hash.digest('hex');
}

/** Makes a rename or a new file in this folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  // Windows can't open folders, and keeps the order of these operations by itself.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Writes a whole file or nothing: temporary file, fsync, rename, fsync of the folder. */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, 'write', path, 'failed');
  }
}
