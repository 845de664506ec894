import { setTimeout as sleep } from 'node:timers/promises';
import { RethinkError } from '../errors.js';
import { hostName } from '../machine/host.js';
import { diskError } from './errors.js';
import { ensureFolder } from './files.js';
import { holderOf, Lock } from './lock.js';
import type { ProcessIdentity } from './process-identity.js';

/** How often whoever waits looks, in milliseconds. */
const LOOK_MS = 250;

/**
 * Runs `task` while holding the lock of a folder, which is made where it isn't there, waiting for another process that holds
 * it for as long as that lives: `onWait` is told which, as `another process (123)`.
 *
 * @throws RethinkError: `failed` where the disk refuses, `interrupted`; what `task` throws.
 */
export async function withLock<T>(
  folder: string,
  options: { onWait?(who: string): void; signal?: AbortSignal | undefined },
  task: () => Promise<T>,
): Promise<T> {
  const lock = await waitFor(folder, options);
  try {
    return await task();
  } finally {
    lock.release();
  }
}

async function waitFor(
  folder: string,
  { onWait, signal }: Parameters<typeof withLock>[1],
): Promise<Lock> {
  ensureFolder(folder, 'engine');
  let waiting = false;
  for (;;) {
    const holder = holderOf(folder);
    const free = holder === null || holder.liveness === 'dead';
    if (!free && !waiting) onWait?.(told(holder));
    waiting ||= !free;
    if (holder?.liveness !== 'alive') {
      const lock = await acquire(folder, signal);
      if (lock !== undefined) return lock;
    }
    await sleep(LOOK_MS, undefined, signal && { signal }).catch(() => {
      throw new RethinkError('interrupted', 'Interrupted while waiting for another installation.');
    });
  }
}

/** `undefined` where another process has it and lives. */
async function acquire(folder: string, signal: AbortSignal | undefined): Promise<Lock | undefined> {
  try {
    return await Lock.acquire(folder, { signal });
  } catch (error) {
    if (error instanceof RethinkError && error.kind === 'busy') return undefined;
    throw diskError(error, 'lock', folder, 'engine');
  }
}

function told({ pid, host }: ProcessIdentity): string {
  return `another process (${pid}${host === hostName() ? '' : ` on ${host}`})`;
}
