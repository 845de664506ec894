import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Origin, startedHere } from '../config/places.js';
import { claim } from '../disk/claim.js';
import { diskError, errorCode } from '../disk/errors.js';
import {
  ensureFolder,
  quietly,
  removeQuietly,
  renameDurably,
  temporaryPath,
  writeFileAtomic,
} from '../disk/files.js';
import { toJson } from '../disk/json.js';
import { Lock } from '../disk/lock.js';
import { RethinkError } from '../errors.js';
import { writeStatus } from './status.js';

/** What a run directory holds from its first instant. */
export interface RunDirectoryStart {
  /** Resolved: `config.json`. */
  config: object;
  /** The config as the person wrote it: `config.source<extension>`. */
  source?: { text: string; extension: '.yaml' | '.yml' | '.json' } | undefined;
  /** Where it is started: `origin.json`; default: here. */
  origin?: Origin | undefined;
  /** Names the directory; default: now. */
  now?: Date | undefined;
  /** The file that decides, among several processes, which directory this run has: see `claim`. */
  claim?: string | undefined;
}

/** A run directory that is there, and this process's. */
export interface PublishedRun {
  path: string;
  lock: Lock;
}

/**
 * Makes a run directory, whole, locked, and by one rename: as `wanted`, or with a suffix where that exists already; with a
 * claim, under the name that was claimed.
 *
 * @throws RethinkError: `failed` where the disk refuses, `busy` where another process made the claimed one just now.
 */
export function publishRun(wanted: string, start: RunDirectoryStart): PublishedRun {
  const parent = dirname(wanted);
  ensureFolder(parent);
  const prepared = prepare(parent, start);
  try {
    const toLock = Lock.prepareIn(prepared);
    return start.claim === undefined
      ? publishBeside(wanted, prepared, toLock)
      : publishAs(join(parent, claim(start.claim, freeName(wanted))), prepared, toLock);
  } catch (error) {
    removeQuietly(prepared);
    throw diskError(error, 'create', parent);
  }
}

/** A hidden folder with all that a run directory has at first. */
function prepare(
  parent: string,
  { config, source, origin = startedHere() }: RunDirectoryStart,
): string {
  const prepared = temporaryPath(join(parent, 'run'), 'new');
  try {
    mkdirSync(prepared);
    writeFileAtomic(join(prepared, 'config.json'), `${toJson(config, 2)}\n`);
    // With the config once more: what is changed in the other one is known by it.
    writeFileAtomic(join(prepared, 'origin.json'), `${toJson({ ...origin, config }, 2)}\n`);
    if (source !== undefined) {
      writeFileAtomic(join(prepared, `config.source${source.extension}`), source.text);
    }
    mkdirSync(join(prepared, 'checkpoints'));
    const status = { state: 'running', reason: null, epoch: 0, step: 0 } as const;
    writeStatus(prepared, status, { durable: true });
    return prepared;
  } catch (error) {
    removeQuietly(prepared);
    throw diskError(error, 'create', parent);
  }
}

/** `wanted`, or `wanted-2`, `wanted-3`, … where that is taken, without the folder. */
function freeName(wanted: string): string {
  const named = (n: number) => (n === 1 ? wanted : `${wanted}-${n}`);
  let n = 1;
  while (existsSync(named(n))) n++;
  return basename(named(n));
}

/** Gives a prepared run the first name that is free. */
function publishBeside(
  wanted: string,
  prepared: string,
  toLock: (path: string) => Lock,
): PublishedRun {
  for (;;) {
    const path = join(dirname(wanted), freeName(wanted));
    // `null`: another process took the name just now.
    const lock = publish(prepared, path, toLock);
    if (lock !== null) return { path, lock };
  }
}

/** Gives a prepared run the name that was claimed for it. */
function publishAs(path: string, prepared: string, toLock: (path: string) => Lock): PublishedRun {
  const lock = publish(prepared, path, toLock);
  if (lock !== null) return { path, lock };
  throw new RethinkError('busy', `${path} was made by another process just now.`);
}

/** `null` where the name is taken. */
function publish(prepared: string, path: string, toLock: (path: string) => Lock): Lock | null {
  try {
    renameDurably(prepared, path);
    return toLock(path);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) return null;
    // Renamed already, where the disk failed only then: this process lives on and must not hold it.
    if (!existsSync(prepared)) quietly(() => toLock(path).release());
    throw diskError(error, 'create', dirname(path));
  }
}
