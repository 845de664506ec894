import { afterEach } from 'vitest';
import { setWriteHook, type WriteBoundary } from '../../src/disk/files.js';
import { RethinkError } from '../../src/errors.js';

afterEach(() => setWriteHook(undefined));

/** The disk errors that a run must survive, and the words a person reads. */
export const DISK_ERRORS: [code: string, words: string][] = [
  ['ENOSPC', 'no space left on the device'],
  ['EDQUOT', 'disk quota exceeded'],
  ['EIO', 'the device reported an input/output error'],
  ['EROFS', 'the file system is read-only'],
];

/** From the `n`-th boundary on (from 1), every change of the disk fails; returns a count of the boundaries seen. */
export function failFrom(n: number, code: string): { seen: WriteBoundary[] } {
  const seen: WriteBoundary[] = [];
  setWriteHook((boundary) => {
    seen.push(boundary);
    if (seen.length >= n) throw Object.assign(new Error(`${code}: injected`), { code });
  });
  return { seen };
}

/** The RethinkError that `action` throws; anything else thrown, or nothing, fails the test. */
export function errorOf(action: () => unknown): RethinkError {
  try {
    action();
  } catch (error) {
    if (error instanceof RethinkError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The RethinkError that a promise ends with, as `errorOf`. */
export async function rejectionOf(promise: Promise<unknown>): Promise<RethinkError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) throw new Error('nothing was thrown');
  if (error instanceof RethinkError) return error;
  throw error;
}
