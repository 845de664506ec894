import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { again } from './again.js';
import { diskError, errorCode } from './errors.js';
import { removeQuietly, renameDurably, temporaryPath, writeFileAtomic } from './files.js';
import { parseJson, toJson } from './json.js';
import { refuseLink } from './own-file.js';
import { processIdentitySchema } from './process-identity.js';
import { readBounded } from './reading.js';

/** What a lock says of its holder. */
export const holderSchema = processIdentitySchema.extend({
  /** Whether the file grows while the holder lives; those of earlier versions don't. */
  beats: z.boolean().default(false),
  /** Whether an earlier holder may wake up: it wasn't taken from a process that is known to be dead, or from one that had it so. */
  inherited: z.boolean().default(false),
});
export type HolderRecord = z.output<typeof holderSchema>;

/** A lock as somebody found it. */
export interface SeenHolder {
  /** Name of its file in the lock's folder. */
  file: string;
  holder: HolderRecord;
  /** Bytes of the file, its heartbeat: a living holder's grow. */
  size: number;
}

type Now<T> = T | Promise<T>;

/**
 * One process's view of the lock of a folder. Each method is one decision of the file system, which no other process can
 * divide; in tests, one that is simulated.
 */
export interface LockFiles {
  /** Writes what is to become the lock; again, to change it. */
  prepare(record: HolderRecord): Now<void>;
  /** Whether what was prepared became the lock. */
  place(): Now<boolean>;
  /** Removes what was prepared. */
  discard(): Now<void>;
  look(): Now<SeenHolder | null>;
  /** Removes a holder by its own name: never the next one's. */
  remove(file: string): Now<void>;
  /** Whether this process's own file is there. */
  owns(): boolean;
  /** Name of this process's own file. */
  readonly file: string;
}

const FOLDER = 'lock';
const HOLDER = /^[0-9a-f-]{36}\.json$/;
const LARGEST_RECORD = 16 * 1024 * 1024;
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

export const lockFolder = (directory: string) => join(directory, FOLDER);

/**
 * The lock is a folder `lock/` with one file in it, named by a fresh id, that says which process holds it. It is taken by
 * renaming a prepared folder onto `lock/`, which the system refuses while that holds a file: of many processes one wins.
 */
export class LockFolder implements LockFiles {
  private readonly lock: string;
  private readonly prepared: string;

  constructor(
    private readonly directory: string,
    readonly file = `${randomUUID()}.json`,
  ) {
    this.lock = lockFolder(directory);
    this.prepared = temporaryPath(this.lock, 'held');
  }

  get path(): string {
    return join(this.lock, this.file);
  }

  prepare(record: HolderRecord): void {
    refuseLink(this.lock);
    try {
      mkdirSync(this.prepared);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    writeFileAtomic(join(this.prepared, this.file), toJson(record, 2));
  }

  /** Puts a lock into a folder that nobody else knows of. */
  static put(directory: string, file: string, record: HolderRecord): void {
    mkdirSync(lockFolder(directory));
    writeFileAtomic(join(lockFolder(directory), file), toJson(record, 2));
  }

  place(): boolean {
    try {
      renameDurably(this.prepared, this.lock);
      return true;
    } catch (error) {
      const taken = ['ENOTEMPTY', 'EEXIST', ...(process.platform === 'win32' ? ['EPERM'] : [])];
      if (taken.includes(errorCode(error))) return false;
      // A request that a network repeats: done already, and now there is nothing to be moved.
      if (errorCode(error) === 'ENOENT' && this.owns()) return true;
      throw error;
    }
  }

  discard(): void {
    removeQuietly(this.prepared);
  }

  look(): SeenHolder | null {
    const file = this.holderFile();
    if (file === undefined) return null;
    try {
      return again(() => readHolder(join(this.lock, file), file));
    } catch (error) {
      // Given back between the two looks.
      if (errorCode((error as Error).cause) === 'ENOENT') return null;
      throw error;
    }
  }

  private holderFile(): string | undefined {
    refuseLink(this.lock);
    try {
      return again(() => readdirSync(this.lock)).find((name) => HOLDER.test(name));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw diskError(error, 'read', this.lock);
    }
  }

  remove(file: string): void {
    for (const remove of [() => unlinkSync(join(this.lock, file)), () => rmdirSync(this.lock)]) {
      try {
        remove();
      } catch (error) {
        // Another process was faster, or holds the lock already.
        if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) {
          throw diskError(error, 'unlock', this.directory);
        }
      }
    }
  }

  /** Opening asks the server of a network file system, where a look at the name would be answered from memory. */
  owns(): boolean {
    try {
      closeSync(again(() => openSync(this.path, constants.O_RDONLY | NO_FOLLOW)));
      return true;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ESTALE'].includes(errorCode(error))) return false;
      throw diskError(error, 'read', this.path);
    }
  }
}

function readHolder(path: string, file: string): SeenHolder {
  const bytes = readBounded(path, LARGEST_RECORD);
  const holder = parseJson(bytes.toString('utf8'), holderSchema, path);
  return { file, holder, size: bytes.byteLength };
}
