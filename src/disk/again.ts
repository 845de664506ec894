import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './errors.js';

/** Pauses between attempts: network file systems come round within a second or two. */
const PAUSES_MS = [10, 30, 100, 300, 1000];

/** Whether a network file system lost a file that another machine replaced: opened anew, it is there. */
export function isStale(error: unknown): boolean {
  return errorCode(error) === 'ESTALE' || errorCode((error as Error | null)?.cause) === 'ESTALE';
}

/**
 * What `attempt` gives, tried again for a second or two.
 *
 * @param passes Whether an error may pass by itself.
 */
export function again<T>(attempt: () => T, passes = isStale): T {
  for (const pause of PAUSES_MS) {
    try {
      return attempt();
    } catch (error) {
      if (!passes(error)) throw error;
      pauseThread(pause);
    }
  }
  return attempt();
}

/**
 * What `look` gives as soon as it gives anything, else `undefined` after a second or two: what another machine has made is
 * seen late on some network file systems.
 */
export async function seenLate<T>(look: () => T | undefined): Promise<T | undefined> {
  for (const pause of PAUSES_MS) {
    const seen = look();
    if (seen !== undefined) return seen;
    await sleep(pause);
  }
  return look();
}

/** The file layer is synchronous on purpose. */
function pauseThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
