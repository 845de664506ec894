import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskError } from '../engines/install/disk.js';
import { RethinkError } from '../errors.js';
import koffi from '../machine/koffi.js';

const LOCK_EX_NB = 2 | 4;

let flock: ((fd: number, operation: number) => number) | undefined;

/**
 * Runs `task` while holding the lock of `path`, waiting for another process that holds it.
 *
 * The kernel's own lock, not the file's existence: it is gone with the process that held it, however that died, and
 * the file stays behind so that nobody can lock a file that another is about to delete.
 */
export async function withLock<T>(
  path: string,
  options: { onWait?(pid: number | undefined): void; signal?: AbortSignal | undefined },
  task: () => Promise<T>,
): Promise<T> {
  flock ??= koffi.load('libc.so.6').func('int flock(int fd, int operation)');
  await mkdir(dirname(path), { recursive: true }).catch(diskError(dirname(path)));
  const file = await open(path, 'a+').catch(diskError(path));
  try {
    let waiting = false;
    while (flock(file.fd, LOCK_EX_NB) !== 0) {
      if (!waiting) options.onWait?.(await holder(path));
      waiting = true;
      await sleep(250, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {
        throw new RethinkError(
          'interrupted',
          'Interrupted while waiting for another installation.',
        );
      });
    }
    await file.truncate(0);
    await file.write(`${process.pid}\n`);
    return await task();
  } finally {
    await file.close();
  }
}

async function holder(path: string): Promise<number | undefined> {
  const file = await open(path, 'r');
  try {
    const pid = Number.parseInt(await file.readFile('utf8'), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } finally {
    await file.close();
  }
}
