import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RethinkError, readOr } from '../errors.js';
import { gigabytes } from '../text.js';
import { diskError, OWNERS, type Owner } from './errors.js';
import {
  ensureFolder,
  removeQuietly,
  syncFolder,
  temporaryPath,
  writeFileAtomic,
} from './files.js';
import { readJson, toJson } from './json.js';
import { livenessOf, processIdentitySchema, thisProcess } from './process-identity.js';

/** In an unfinished folder: the process that is at work in it. */
const OWNER_FILE = '.owner.json';
/** Nobody works this long in a folder. */
const LONGEST_WORK = 24 * 3_600_000;

/**
 * Runs `use` with a hidden folder beside `target`, on the same disk, that is gone afterwards, if it wasn't moved. A process
 * that was killed can't tidy up, so the next one does: see `isAbandoned`.
 *
 * @throws RethinkError as `diskError` where the disk refuses; what `use` throws.
 */
export async function withTemporaryFolder<T>(
  target: string,
  owner: Owner,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = temporaryPath(target, 'new');
  try {
    ensureFolder(dirname(target), owner);
    removeAbandoned(target);
    mkdirSync(folder);
    writeFileAtomic(join(folder, OWNER_FILE), toJson(thisProcess()), owner);
    return await use(folder);
  } catch (error) {
    const refused = (error as NodeJS.ErrnoException | null)?.syscall !== undefined;
    throw refused ? diskError(error, 'write', target, owner) : error;
  } finally {
    removeQuietly(folder);
  }
}

/**
 * Puts a finished temporary folder in the place of another, or of none. Killed at any instant, it leaves the old folder or
 * the new one, whole, though for a moment under its temporary name. A process that has files of the old one open keeps them.
 */
export function replaceFolder(finished: string, target: string): void {
  const old = `${finished}.old`;
  rmSync(join(finished, OWNER_FILE), { force: true });
  syncFolder(finished);
  if (existsSync(target)) renameSync(target, old);
  try {
    renameSync(finished, target);
  } catch (error) {
    if (existsSync(old)) renameSync(old, target);
    throw error;
  }
  syncFolder(dirname(target));
  removeQuietly(old);
}

/** Of what killed processes left beside `NAME`: `.NAME.PID-HEX.new[.old]`; before that, `PID` alone and `NAME.tmp-PID`. */
const LEFTOVER = /^(?:\.(.+)\.\d+(?:-[0-9a-f]{8})?\.new(?:\.old)?|(.+)\.(?:tmp|wheels|old)-\d+)$/;

function removeAbandoned(target: string): void {
  for (const name of readdirSync(dirname(target))) {
    const [, made, madeBefore] = LEFTOVER.exec(name) ?? [];
    if ((made ?? madeBefore) !== basename(target)) continue;
    const path = join(dirname(target), name);
    if (isAbandoned(path, target)) removeQuietly(path);
  }
}

/** Whether the process is dead that was at work there: one elsewhere can't be seen from here, and is given a day. */
function isAbandoned(path: string, target: string): boolean {
  // What was in the place before: until something is there again, it may be the only copy.
  if (/\.old(-\d+)?$/.test(path)) return existsSync(target);
  const read = () => livenessOf(readJson(join(path, OWNER_FILE), processIdentitySchema));
  const liveness = readOr(read, 'elsewhere');
  if (liveness !== 'elsewhere') return liveness === 'dead';
  const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  return Date.now() - since > LONGEST_WORK;
}

/** Free bytes on the disk that holds a path, or would hold it. */
export function freeSpace(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    // A folder that isn't there yet will be made on its parent's disk.
    if (dirname(path) === path) throw error;
    return freeSpace(dirname(path));
  }
}

/** @throws RethinkError (`failed`) where the disk can't hold what is about to be installed: `bytes` at `path`. */
export function requireSpace(path: string, bytes: number): void {
  const free = freeSpace(path);
  if (free >= bytes) return;
  throw new RethinkError(
    'failed',
    `Installing needs ${gigabytes(bytes)} on the disk that holds ${path}, which has ${gigabytes(free)} left.`,
    { hint: OWNERS.engine.hints.space },
  );
}
