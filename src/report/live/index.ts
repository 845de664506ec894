import { resolve } from 'node:path';
import type { WatchFolder } from '../../disk/watch.js';
import { messageOf } from '../../errors.js';
import { throwIfInterrupted, type Watching } from '../../progress.js';
import type { ReportRun } from '../runs.js';
import { followRuns, type Pace } from './follow.js';
import { LivePage } from './live-page.js';
import { LiveRuns } from './live-runs.js';
import type { Progress } from './progress.js';
import { type RunningServer, type ServerOptions, startServer } from './server.js';

export interface ServeOptions extends ServerOptions, Watching {
  /** Ends it. */
  signal: AbortSignal;
  /** Conditions that choose some of the runs: see `parseWhere`. */
  where?: readonly string[] | undefined;
  /** Where the data set of the pictures is looked for first. */
  dataDir?: string | undefined;
  /** How far sweeps in some folders are, and runs under way. */
  progress?(folders: Iterable<string>, runs: readonly ReportRun[]): Promise<readonly Progress[]>;
  /** Called once the page is there. @param runs How many there are at first. */
  started?(server: RunningServer, runs: number): void;
  pace?: Pace | undefined;
  watch?: WatchFolder | undefined;
}

/**
 * Serves a page of all runs at or below folders, and keeps it up to date until it is interrupted.
 *
 * @throws RethinkError: `interrupted`; `usage` for a condition that can't be read, else as `startServer`.
 */
export async function serveRuns(
  directories: readonly string[],
  options: ServeOptions,
): Promise<never> {
  const { signal, tell, where, dataDir, progress, started } = options;
  const runs = new LiveRuns(directories, where);
  const page = new LivePage({ folder: resolve(directories[0] ?? '.'), dataDir });
  const server = await startServer(page, options);
  let isFirst = true;
  try {
    await followRuns(runs, {
      ...options,
      onChange: async (found) => {
        try {
          const under = (await progress?.(runs.folders.keys(), found.runs)) ?? [];
          await page.update(found, under);
        } catch (error) {
          // The page stays as it was; what is wrong with these runs may not be so with them as they are next time.
          if (isFirst) throw error;
          tell?.(messageOf(error));
        }
        if (isFirst) started?.(server, found.runs.length);
        isFirst = false;
      },
    });
  } finally {
    await server.close();
  }
  throwIfInterrupted(signal, 'serving');
  throw new TypeError('runs are followed until the signal fires');
}
