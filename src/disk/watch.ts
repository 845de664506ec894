import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';

/** Of `node:fs`; a test gives another one. */
export type WatchFolder = (
  folder: string,
  changed: (event: string, name: string | null) => void,
) => FSWatcher;

/** Far fewer than a system lets a user watch, and than anybody has folders of runs. */
const MOST_WATCHED = 8000;

/**
 * Hears of changes in folders as far as the system tells of them: of other machines' changes on a network's disk it doesn't,
 * and it has its limits. So whoever depends on it also looks by himself now and then.
 *
 * Each folder by itself: watching a whole tree at once is, on Linux, a watch for each of its files.
 */
export class FolderWatch {
  private readonly watchers = new Map<string, FSWatcher>();
  /** Whether some folder isn't watched. */
  isPartial = false;

  /** @param changed Is given the folder in which something has changed. */
  constructor(
    private readonly changed: (folder: string) => void,
    private readonly open: WatchFolder = watch,
  ) {}

  /**
   * Watches these folders, and no others, from now on.
   *
   * @returns Those that weren't watched before: what has changed in them by now, nobody tells.
   */
  follow(folders: ReadonlySet<string>): string[] {
    for (const folder of [...this.watchers.keys()]) if (!folders.has(folder)) this.leave(folder);
    this.isPartial = false;
    return [...folders].filter((folder) => !this.watchers.has(folder) && this.take(folder));
  }

  close(): void {
    for (const folder of [...this.watchers.keys()]) this.leave(folder);
  }

  private take(folder: string): boolean {
    try {
      if (this.watchers.size >= MOST_WATCHED) throw new RangeError('enough folders are watched');
      const watcher = this.open(folder, (event, name) => {
        // Its own name: it was removed or renamed, and another one may soon stand in its place.
        if (event === 'rename' && name === basename(folder)) this.leave(folder);
        this.changed(folder);
      });
      watcher.on('error', () => {
        this.leave(folder);
        this.isPartial = true;
      });
      this.watchers.set(folder, watcher);
      return true;
    } catch {
      // It may be gone by now; or there are no more watches to be had, or none of this file system.
      this.isPartial = true;
      return false;
    }
  }

  private leave(folder: string): void {
    this.watchers.get(folder)?.close();
    this.watchers.delete(folder);
  }
}
