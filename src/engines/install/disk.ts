import { mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';

/** Turns a file system's error into a sentence about `path`; for `.catch(...)`. */
export function diskError(path: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof RethinkError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw diskFull(path, error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new RethinkError('failed', `No permission to write ${path}.`, {
        hint: 'Set XDG_CACHE_HOME to a folder that you may write to; engines live under it.',
        cause: error,
      });
    }
    throw new RethinkError('failed', `Can't write ${path}: ${messageOf(error)}.`, { cause: error });
  };
}

/** The error of a disk that has no room left for `path`. */
export function diskFull(path: string, cause?: unknown): RethinkError {
  return new RethinkError('failed', `The disk that holds ${path} is full.`, {
    hint: 'Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.',
    cause,
  });
}

/** Refuses early when the disk can't hold what is about to be written: `bytes` under `path` (which must exist). */
export async function requireSpace(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path).catch(diskError(path));
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new RethinkError(
    'failed',
    `Installing needs ${gigabytes(bytes)} on the disk that holds ${path}, which has ${gigabytes(free)} left.`,
    { hint: 'Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.' },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/**
 * Puts a finished folder in its place: all or nothing for whoever looks, whenever the power goes. An old folder there
 * is moved aside first; a process that has its files open keeps them.
 */
export async function replaceDirectory(finished: string, target: string): Promise<void> {
  const old = `${target}.old-${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await syncDirectory(finished);
  await rename(target, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(finished, target);
  await syncDirectory(dirname(target));
  await rm(old, { recursive: true, force: true });
}

/** Makes the names in a folder survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
