import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { diskError, errorCode, type Owner } from './errors.js';
import { linkError, requireOwn, requireOwnOpen } from './own-file.js';

/**
 * The file layer: everything that is written and must not be lost goes through here.
 *
 * Synchronous on purpose: the order of writes is the order of the code, and no second write can start in between.
 */

export interface WriteBoundary {
  operation: 'create' | 'write' | 'truncate' | 'sync' | 'rename' | 'sync-folder';
  path: string;
  /** What is about to be written (`write` only). */
  bytes?: Uint8Array;
}

let hook: ((boundary: WriteBoundary) => void) | undefined;

/**
 * For tests alone: calls `onBoundary` just before each operation that changes the disk. Killing the process in there is a
 * crash at that instant, throwing an error with a `code` is a disk that fails. `undefined` takes the hook out.
 */
export function setWriteHook(onBoundary: ((boundary: WriteBoundary) => void) | undefined): void {
  hook = onBoundary;
}

// A link planted in a run directory by a stranger must not redirect a write. Windows has no such flag.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const REPLACE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | NO_FOLLOW;
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | NO_FOLLOW;

/** What no other process has in its names, on whatever host: process ids alone repeat. */
export function uniqueMark(): string {
  return `${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** A hidden name beside `path`, of this process alone. */
export function temporaryPath(path: string, ending = 'tmp'): string {
  return join(dirname(path), `.${basename(path)}.${uniqueMark()}.${ending}`);
}

/** Older versions put the process id alone. */
const TEMPORARY = /^\.[^/]+\.\d+(-[0-9a-f]{8})?\.tmp$/;

/** Whether a file name is one that an interrupted `writeFileAtomic` can leave behind. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Called between opening a file and changing it, to throw where the folder is no longer this process's: `Lock.confirm`.
 * A temporary file counts as opened: whoever takes a folder over removes those that are there.
 */
export type Confirm = () => void;

/**
 * Replaces a file so that at every instant, power loss included, the path holds all of the old content or all of the new.
 *
 * @param data Text, bytes, or parts of bytes written one after another.
 * @throws RethinkError (`failed`) naming the path and what the disk said; the old content is intact.
 */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array | Uint8Array[],
  owner?: Owner,
  confirm?: Confirm,
): void {
  replace(path, owner, confirm, true, (temporary) => {
    hook?.({ operation: 'create', path: temporary });
    withFile(temporary, REPLACE, (fd) => {
      for (const part of toParts(data)) writeAll(fd, temporary, part);
      sync(fd, temporary);
    });
  });
}

/**
 * Replaces a file of a run without waiting for the disk: for what is written anew in a moment, and missed by nobody.
 *
 * @throws RethinkError as `writeFileAtomic`.
 */
export function replaceFile(path: string, text: string, confirm?: Confirm): void {
  replace(path, 'run', confirm, false, (temporary) => {
    hook?.({ operation: 'create', path: temporary });
    withFile(temporary, REPLACE, (fd) => writeAll(fd, temporary, Buffer.from(text)));
  });
}

/**
 * Puts a copy in the place of a file: who has the old one open can no longer change it.
 *
 * @throws RethinkError (`data`) where the file is a link or has another name elsewhere, else as `writeFileAtomic`.
 */
export function renewFile(path: string, confirm?: Confirm): void {
  requireOwn(path);
  replace(path, 'run', confirm, true, (temporary) => {
    hook?.({ operation: 'create', path: temporary });
    copyFileSync(path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    syncFile(temporary);
  });
}

function replace(
  path: string,
  owner: Owner | undefined,
  confirm: Confirm | undefined,
  durable: boolean,
  make: (temporary: string) => void,
): void {
  const temporary = temporaryPath(path);
  try {
    make(temporary);
    confirm?.();
    hook?.({ operation: 'rename', path });
    renameSync(temporary, path);
    if (durable) syncFolder(dirname(path));
  } catch (error) {
    removeQuietly(temporary);
    throw diskError(error, 'write', path, owner);
  }
}

/**
 * Appends whole lines without waiting for the disk: `syncFile` does that for many appends at once.
 *
 * @throws RethinkError: `data` where the file is a link or has another name elsewhere; `failed` where the disk refuses: what was there before is intact and no part of what was given is left behind.
 */
export function append(path: string, text: string, confirm?: Confirm): void {
  appendThen(path, text, false, confirm);
}

/** `append`, and on the disk when it returns. */
export function appendDurably(path: string, data: string | Uint8Array, confirm?: Confirm): void {
  appendThen(path, data, true, confirm);
}

function appendThen(
  path: string,
  data: string | Uint8Array,
  durable: boolean,
  confirm: Confirm | undefined,
): void {
  try {
    withFile(path, APPEND, (fd) => {
      requireOwnOpen(fd, path);
      confirm?.();
      const { size } = fstatSync(fd);
      try {
        writeAll(fd, path, Buffer.from(data as Uint8Array));
        if (durable) sync(fd, path);
      } catch (error) {
        // A full disk takes half a line and refuses the rest.
        quietly(() => ftruncateSync(fd, size));
        throw error;
      }
    });
  } catch (error) {
    throw diskError(error, 'write', path);
  }
}

/**
 * Waits until everything appended to a file is on the disk.
 *
 * @throws RethinkError (`failed`) naming the path.
 */
export function syncFile(path: string): void {
  try {
    withFile(path, constants.O_RDWR | NO_FOLLOW, (fd) => sync(fd, path));
  } catch (error) {
    throw diskError(error, 'write', path);
  }
}

/**
 * Cuts a file to its first `size` bytes, durably.
 *
 * @throws RethinkError naming the path: `data` where it is a link or has another name elsewhere, else `failed`.
 */
export function truncateTo(path: string, size: number, confirm?: Confirm): void {
  try {
    withFile(path, constants.O_RDWR | NO_FOLLOW, (fd) => {
      requireOwnOpen(fd, path);
      confirm?.();
      hook?.({ operation: 'truncate', path });
      ftruncateSync(fd, size);
      sync(fd, path);
    });
  } catch (error) {
    throw diskError(error, 'cut', path);
  }
}

/**
 * Makes a folder and the folders above it, where they aren't there yet.
 *
 * @throws RethinkError (`failed`) naming the path.
 */
export function ensureFolder(path: string, owner?: Owner): void {
  try {
    makeFolder(resolve(path), 'EEXIST');
  } catch (error) {
    throw diskError(error, 'create', path, owner);
  }
}

/** Not `recursive`: Node 20 never returns from that where the parent refuses with ENOENT, as /proc does. */
function makeFolder(path: string, inTheWay: 'EEXIST' | 'ENOTDIR'): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) return;
    throw Object.assign(new Error(`${path} is not a folder`), { code: inTheWay });
  }
  makeFolder(dirname(path), 'ENOTDIR');
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been faster.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  syncFolder(dirname(path));
}

/**
 * Renames, and has the new name on the disk when it returns.
 *
 * @throws the error of the file system as it is: a caller tells 'taken' from a broken disk.
 */
export function renameDurably(from: string, to: string): void {
  hook?.({ operation: 'rename', path: to });
  renameSync(from, to);
  syncFolder(dirname(to));
}

function withFile(path: string, flags: number, use: (fd: number) => void): void {
  const fd = openOwn(path, flags);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function openOwn(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o666);
  } catch (error) {
    if (errorCode(error) === 'ELOOP') throw linkError(path, error);
    throw error;
  }
}

/** Removes a file or folder after an error. */
export function removeQuietly(path: string): void {
  quietly(() => rmSync(path, { recursive: true, force: true }));
}

/** Tidies up after an error. If the disk refuses that too, the first error is still the one to tell. */
export function quietly(tidy: () => void): void {
  try {
    tidy();
  } catch {
    // Readers drop torn lines, and opening a run removes temporary files.
  }
}

function toParts(data: string | Uint8Array | Uint8Array[]): Uint8Array[] {
  if (typeof data === 'string') return [Buffer.from(data)];
  return Array.isArray(data) ? data : [data];
}

function writeAll(fd: number, path: string, bytes: Uint8Array): void {
  hook?.({ operation: 'write', path, bytes });
  // Linux writes at most 2 GiB at a time, and a nearly full disk takes only a part.
  const largest = 1 << 30;
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, Math.min(largest, bytes.byteLength - done));
  }
}

function sync(fd: number, path: string): void {
  hook?.({ operation: 'sync', path });
  fsyncSync(fd);
}

/** A rename or a new file is only on the disk when its folder is. */
export function syncFolder(path: string): void {
  // Windows can't open a folder.
  if (process.platform === 'win32') return;
  hook?.({ operation: 'sync-folder', path });
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some network and user-space file systems have no such thing; there is nothing more to be done there.
    if (!['EINVAL', 'ENOTSUP'].includes(errorCode(error))) throw error;
  } finally {
    closeSync(fd);
  }
}
