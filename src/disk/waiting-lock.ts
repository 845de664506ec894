import { ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RethinkError } from '../errors.js';
import { hostName } from '../machine/host.js';
import koffi from '../machine/koffi.js';
import { diskError } from './errors.js';
import { ensureFolder } from './files.js';
import { parseJson, toJson } from './json.js';
import { processIdentitySchema, thisProcess } from './process-identity.js';

const LOCK_EX_NB = 2 | 4;

let flock: ((fd: number, operation: number) => number) | undefined;

/**
 * Runs `task` while holding the lock of `path`, waiting for another process that holds it: `onWait` is told which, as
 * `another process (123)`.
 *
 * The kernel's own lock, not the file's existence: it is gone with the process that held it, however that died, and
 * the file stays behind so that nobody can lock a file that another is about to delete.
 */
export async function withLock<T>(
  path: string,
  options: { onWait?(who: string): void; signal?: AbortSignal | undefined },
  task: () => Promise<T>,
): Promise<T> {
  flock ??= koffi.load('libc.so.6').func('int flock(int fd, int operation)');
  ensureFolder(dirname(path), 'engine');
  const file = await open(path, 'a+').catch((error) => {
    throw diskError(error, 'lock', path, 'engine');
  });
  try {
    let waiting = false;
    while (flock(file.fd, LOCK_EX_NB) !== 0) {
      if (!waiting) options.onWait?.(holder(path));
      waiting = true;
      await sleep(250, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {
        throw new RethinkError(
          'interrupted',
          'Interrupted while waiting for another installation.',
        );
      });
    }
    ftruncateSync(file.fd);
    writeSync(file.fd, `${toJson(thisProcess())}\n`);
    return await task();
  } finally {
    await file.close();
  }
}

function holder(path: string): string {
  try {
    const { pid, host } = parseJson(readFileSync(path, 'utf8'), processIdentitySchema, path);
    return `another process (${pid}${host === hostName() ? '' : ` on ${host}`})`;
  } catch {
    // About to be written, or by an older version.
    return 'another process';
  }
}
