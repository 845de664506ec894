import { lstatSync } from 'node:fs';
import { errorCode } from './errors.js';

/** File systems write times as roughly as this: a file changed again at once may have the same. */
const ROUGHLY_MS = 2000;

/** What a file or folder looked like. */
interface Look {
  /** Which file it is, its size and its times; empty where there is none. */
  mark: string;
  /** Whether a later change must show: it was old enough by then. */
  settled: boolean;
}

/** Never throws: a file that can't be looked at is read, and its reader says why. */
function lookAt(path: string, now: number): Look {
  try {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return { mark: '', settled: true };
    const { dev, ino, size, mtimeNs, ctimeNs } = found;
    const youngest = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
    const mark = [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    return { mark, settled: now - youngest > ROUGHLY_MS };
  } catch (error) {
    return { mark: '', settled: ['ENOENT', 'ENOTDIR'].includes(errorCode(error)) };
  }
}

/** Keeps what was read of files, and reads one again where it isn't certain to be as it was. */
export class Unchanged {
  private readonly kept = new Map<string, Look & { value: unknown }>();

  /**
   * What `read` makes of a file or folder: what it gave the last time where that is unchanged.
   *
   * @param read Must not throw; the same one for a path each time.
   */
  of<T>(path: string, read: () => T): T {
    const look = lookAt(path, Date.now());
    const before = this.kept.get(path);
    if (before?.settled && before.mark === look.mark) return before.value as T;
    const value = read();
    this.kept.set(path, { ...look, value });
    return value;
  }
  /** Forgets all files and folders but these. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.kept.keys()) if (!paths.has(path)) this.kept.delete(path);
  }
}
