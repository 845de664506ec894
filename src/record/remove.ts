import { lstatSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskError, errorCode } from '../disk/errors.js';
import { renameDurably, temporaryPath } from '../disk/files.js';
import { Lock, type LockOptions } from '../disk/lock.js';
import { refuseLink } from '../disk/own-file.js';
import { RethinkError } from '../errors.js';
import { currentState } from './status.js';

/** What a removal that was killed leaves: nothing finds a run in it any more. */
const REMOVED = /^\..+\.\d+-[0-9a-f]{8}\.removed$/;

/**
 * Removes a run directory: from one instant to the next it is there whole or no run any more, whenever this is killed.
 *
 * @param options What to do where another process holds it; by default, one elsewhere is watched for a sign of life.
 * @throws RethinkError: `busy` where it runs, `data` where it is a symbolic link, `failed` where the disk refuses.
 */
export async function removeRun(path: string, options: LockOptions = {}): Promise<void> {
  refuseLink(path);
  refuseRunning(path);
  const lock = await Lock.acquire(path, options);
  try {
    await removeFolder(path);
  } finally {
    lock.release();
  }
}

/** @throws RethinkError (`busy`) where a run has said just now that it runs. */
export function refuseRunning(path: string): void {
  if (currentState(path).state !== 'running') return;
  throw new RethinkError('busy', `${path} is running, and is left as it is.`, {
    hint: 'Stop it first: Ctrl-C, or SIGTERM, and it writes a checkpoint.',
  });
}

/** Removes a folder as `removeRun` does, without a look at what it is. */
export async function removeFolder(path: string): Promise<void> {
  const aside = temporaryPath(path, 'removed');
  try {
    renameDurably(path, aside);
    await rm(aside, { recursive: true, force: true });
    await removeLeftovers(dirname(path));
  } catch (error) {
    throw diskError(error, 'remove', path);
  }
}

/** What earlier removals could not finish. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    if (REMOVED.test(name)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Bytes of all files in a folder, step by step: each gives how many files there were by then. */
export function* sizeOf(
  path: string,
  count = 0,
): Generator<number, { bytes: number; files: number }> {
  let bytes = 0;
  let files = count;
  yield files;
  for (const entry of entriesOf(path)) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      const within = yield* sizeOf(inner, files);
      bytes += within.bytes;
      files = within.files;
    } else {
      bytes += lstatSync(inner, { throwIfNoEntry: false })?.size ?? 0;
      files++;
    }
  }
  return { bytes, files };
}

/** Whoever works there may have removed it just now. */
function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw diskError(error, 'read', path);
  }
}
