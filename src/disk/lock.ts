import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { RethinkError } from '../errors.js';
import { diskError, errorCode } from './errors.js';
import { quietly, removeQuietly, renameDurably, writeFileAtomic } from './files.js';
import { readJson, toJson } from './json.js';
import { refuseLink } from './own-file.js';
import {
  type Liveness,
  livenessOf,
  type ProcessIdentity,
  processIdentitySchema,
  thisProcess,
} from './process-identity.js';

/** Whoever holds a run directory. */
export interface Holder extends ProcessIdentity {
  liveness: Liveness;
  /** Name of its file in the lock's folder. */
  file: string;
}

const FOLDER = 'lock';
const HOLDER = /^[0-9a-f-]{36}\.json$/;
/** Each one means that a holder came and went just now: more than a few are no coincidence. */
const ATTEMPTS = 100;

/**
 * An exclusive lock on a folder that needs no one to clean up after a crash.
 *
 * The lock is a folder `lock/` with one file in it, named by a fresh id, that says which process holds it. It is taken by
 * renaming a prepared folder onto `lock/`, which the system refuses while that holds a file: of many processes one wins.
 * A dead holder's file is removed by its own name, so that a process that is slow to notice can't remove the next one's.
 */
export class Lock {
  private constructor(
    private readonly directory: string,
    private readonly file: string,
  ) {}

  /**
   * @param heartbeat Says when the holder was last seen, for the message: `12 s ago`.
   * @throws RethinkError: `failed` naming the holder, where it lives or can't be seen from here; `data` where the lock is
   * a symbolic link.
   */
  static acquire(directory: string, heartbeat: () => string | null): Lock {
    const file = `${randomUUID()}.json`;
    const prepared = join(directory, `.lock-${file.slice(0, 8)}`);
    refuseLink(join(directory, FOLDER));
    try {
      mkdirSync(prepared);
      writeFileAtomic(join(prepared, file), toJson(thisProcess(), 2));
      for (let attempt = 1; !move(prepared, join(directory, FOLDER)); attempt++) {
        if (attempt > ATTEMPTS) throw unusable(directory);
        removeDead(directory, heartbeat);
      }
    } catch (error) {
      removeQuietly(prepared);
      // Moved already, where the disk failed only then: this process lives on and must not hold it.
      quietly(() => removeHolder(directory, file));
      throw diskError(error, 'lock', directory);
    }
    return new Lock(directory, file);
  }

  /** Gives the lock back. Safe to call twice, and where the folder is gone. */
  release(): void {
    removeHolder(this.directory, this.file);
  }
}

/**
 * Who holds the lock of a run directory; `null` where it is free.
 *
 * @throws RethinkError (`data`) where the lock is damaged.
 */
export function holderOf(directory: string): Holder | null {
  const file = holderFile(directory);
  if (file === undefined) return null;
  const path = join(directory, FOLDER, file);
  try {
    const identity = readJson(path, processIdentitySchema);
    return { ...identity, liveness: livenessOf(identity), file };
  } catch (error) {
    // Given back between the two looks.
    if (!existsSync(path)) return null;
    throw error;
  }
}

function holderFile(directory: string): string | undefined {
  refuseLink(join(directory, FOLDER));
  try {
    return readdirSync(join(directory, FOLDER)).find((name) => HOLDER.test(name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw diskError(error, 'read', join(directory, FOLDER));
  }
}

/** Whether the prepared folder became the lock. */
function move(prepared: string, lock: string): boolean {
  try {
    renameDurably(prepared, lock);
    return true;
  } catch (error) {
    const taken = ['ENOTEMPTY', 'EEXIST', ...(process.platform === 'win32' ? ['EPERM'] : [])];
    if (taken.includes(errorCode(error))) return false;
    throw error;
  }
}

function removeDead(directory: string, heartbeat: () => string | null): void {
  const holder = holderOf(directory);
  if (holder === null) return;
  if (holder.liveness !== 'dead') throw inUse(directory, holder, heartbeat());
  removeHolder(directory, holder.file);
}

function removeHolder(directory: string, file: string): void {
  for (const remove of [
    () => unlinkSync(join(directory, FOLDER, file)),
    () => rmdirSync(join(directory, FOLDER)),
  ]) {
    try {
      remove();
    } catch (error) {
      // Another process was faster, or holds the lock already.
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) {
        throw diskError(error, 'unlock', directory);
      }
    }
  }
}

function inUse(directory: string, holder: Holder, seen: string | null): RethinkError {
  const who = `process ${holder.pid} on ${holder.host}`;
  const last = seen === null ? '' : ` (last sign of life ${seen})`;
  return new RethinkError('failed', `${directory} is in use by ${who}${last}.`, {
    hint:
      holder.liveness === 'alive'
        ? 'Wait for it to end, or stop it.'
        : `That process can't be seen from here. If it is gone, remove ${join(directory, FOLDER)} and try again.`,
  });
}

function unusable(directory: string): RethinkError {
  const folder = join(directory, FOLDER);
  return new RethinkError('failed', `${folder} holds something that is not a lock.`, {
    hint: `If no process uses ${directory}, remove ${folder} and try again.`,
  });
}
