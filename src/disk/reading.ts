import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { RethinkError } from '../errors.js';
import { grouped } from '../text.js';
import { again } from './again.js';
import { diskError, errorCode, type Owner } from './errors.js';
import { pathOnDisk } from './names.js';
import { linkError } from './own-file.js';

/** Opening a named pipe waits for a writer, unless told not to. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** A person's data may lie behind links; the files of a run directory, which a stranger may have made, may not. */
const READ_OWN = READ | (constants.O_NOFOLLOW ?? 0);

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
 * @throws RethinkError: `data` where the file is missing, is no regular file or ends early, and where a run's is a
 * symbolic link; where the disk fails, as is said of its owner's files.
 */
export function withOpenFile<T>(path: string, use: (file: OpenFile) => T, owner?: Owner): T {
  const kept = new KeptOpen(owner);
  try {
    return use(kept.file(path));
  } finally {
    kept.close();
  }
}

/** Keeps the file that was asked for last open: an archive may be read at a million places. */
export class KeptOpen {
  private kept: { file: OpenFile; fd: number } | undefined;

  constructor(private readonly owner?: Owner) {}

  /** A regular file, open until another one is asked for. @throws RethinkError as `withOpenFile`. */
  file(path: string): OpenFile {
    if (this.kept?.file.path === path) return this.kept.file;
    this.close();
    const { fd, size } = openRegular(path, this.owner);
    const readInto = (target: Uint8Array, position: number) =>
      fill(fd, path, target, position, this.owner);
    this.kept = { fd, file: { path, size, readInto } };
    return this.kept.file;
  }

  /** Safe to call twice. */
  close(): void {
    if (this.kept !== undefined) closeSync(this.kept.fd);
    this.kept = undefined;
  }
}

/** Opens a regular file, for the caller to close. @throws RethinkError as `withOpenFile`. */
export function openRegular(path: string, owner?: Owner): { fd: number; size: number } {
  const flags = owner === undefined || owner === 'run' ? READ_OWN : READ;
  const fd = attempt(path, owner, () => again(() => openSync(pathOnDisk(path), flags)));
  try {
    const found = attempt(path, owner, () => fstatSync(fd));
    requireRegular(found, path);
    return { fd, size: found.size };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** @throws RethinkError (`data`) for a folder, and for a pipe or a device: reading one may never end. */
export function requireRegular(found: Stats, path: string): void {
  if (found.isFile()) return;
  const is = found.isDirectory() ? 'is a folder,' : 'is';
  throw new RethinkError('data', `${path} ${is} not a regular file.`);
}

/**
 * The whole of a regular file.
 *
 * @throws RethinkError as `withOpenFile`, and `data` where it is larger than `limit` bytes: memory stays bounded.
 */
export function readBounded(path: string, limit: number, owner?: Owner): Buffer {
  const read = (file: OpenFile) => {
    const content = roomFor(file, limit);
    file.readInto(content, 0);
    return content;
  };
  // Whole or not at all: a file of another machine's may be replaced while it is read.
  return again(() => withOpenFile(path, read, owner));
}

/** The same of gigabytes, a piece at a time. @param turn As `takingTurns` gives it. */
export async function readInTurns(
  path: string,
  limit: number,
  owner: Owner,
  turn: () => Promise<void> | undefined,
): Promise<Buffer> {
  const open = new KeptOpen(owner);
  try {
    const file = open.file(path);
    const content = roomFor(file, limit);
    const PIECE = 2 ** 24;
    for (let at = 0; at < content.length; at += PIECE) {
      file.readInto(content.subarray(at, at + PIECE), at);
      await turn();
    }
    return content;
  } finally {
    open.close();
  }
}

function roomFor({ path, size }: OpenFile, limit: number): Buffer {
  if (size <= limit) return Buffer.alloc(size);
  throw new RethinkError('data', `${path} has more than ${grouped(limit)} bytes.`);
}

/** The text of a file that a config or a data set names. @throws RethinkError (`data`) as `readBounded`. */
export function readText(path: string, limit: number): string {
  return readBounded(path, limit, 'input').toString('utf8');
}

/** Size of a file in bytes, or `undefined` where there is none of this path; a folder is none. */
export function fileSize(path: string): number | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return undefined;
    throw diskError(error, 'read', path, 'input');
  }
}

/**
 * Whether there is anything of this path; a link that leads nowhere is nothing.
 *
 * @throws RethinkError (`failed`) where the disk can't say: nothing there is another answer.
 */
export function isThere(path: string): boolean {
  try {
    return again(() => statSync(path, { throwIfNoEntry: false })) !== undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return false;
    throw diskError(error, 'read', path);
  }
}

/** Whether there is a file of this path; a folder is none. */
export function isFile(path: string): boolean {
  return fileSize(path) !== undefined;
}

function fill(
  fd: number,
  path: string,
  target: Uint8Array,
  position: number,
  owner: Owner | undefined,
): void {
  const largest = 1 << 30;
  for (let done = 0; done < target.byteLength; ) {
    const length = Math.min(largest, target.byteLength - done);
    const read = attempt(path, owner, () => readSync(fd, target, done, length, position + done));
    if (read === 0) throw new RethinkError('data', `${path} is damaged: it ends too early.`);
    done += read;
  }
}

function attempt<T>(path: string, owner: Owner | undefined, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new RethinkError('data', `There is no file ${path}.`, { cause: error });
    }
    if (errorCode(error) === 'ELOOP' && (owner === undefined || owner === 'run'))
      throw linkError(path, error);
    throw diskError(error, 'read', path, owner);
  }
}
