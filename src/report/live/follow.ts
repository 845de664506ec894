import { FolderWatch, type WatchFolder } from '../../disk/watch.js';
import { isInterruption } from '../../errors.js';
import type { Watching } from '../../progress.js';
import type { FoundRuns, LiveRuns } from './live-runs.js';

/** How often is looked, in milliseconds. */
export interface Pace {
  /** Between the end of one look, and of what is made of it, and the next one. */
  pause: number;
  /** Between two looks at everything, while the system tells of changes … */
  told: number;
  /** … and where it doesn't. */
  untold: number;
  /** Part of the time that looks and what is made of them may take: the runs need the machine more. */
  share: number;
}

const PACE: Pace = { pause: 1000, told: 15_000, untold: 2000, share: 0.2 };

export interface Following extends Watching {
  /** Given all runs whenever something has changed; the next look waits for it. */
  onChange(found: FoundRuns): void | Promise<void>;
  /** Ends it. */
  signal: AbortSignal;
  pace?: Pace | undefined;
  watch?: WatchFolder | undefined;
}

/**
 * Looks at runs as often as they change: where the system tells of it, else from time to time, and then all the more often.
 * Changes that come together are one.
 *
 * @returns When the signal has fired.
 * @throws what `onChange` throws.
 */
export async function followRuns(live: LiveRuns, options: Following): Promise<void> {
  const { signal, onChange, pace = PACE, watch } = options;
  const bell = new Bell(signal);
  let heard = new Set<string>();
  const folders = new FolderWatch((folder) => {
    heard.add(folder);
    bell.ring();
  }, watch);
  let before: FoundRuns = { runs: [], damaged: [] };
  let isFirst = true;
  /** Rows have come of which the system had not told. */
  let isDeaf = false;
  let all = Number.NEGATIVE_INFINITY;
  try {
    while (!signal.aborted) {
      const began = performance.now();
      const interval = () => (isDeaf || folders.isPartial ? pace.untold : pace.told);
      const everything = began - all >= interval();
      if (everything) all = began;
      const told = heard;
      heard = new Set();
      const found = await live.look(everything ? 'all' : told, options);
      for (const folder of folders.follow(new Set(live.folders.keys()))) heard.add(folder);
      const silent = isFirst ? [] : withNewRows(before, found).filter((path) => !told.has(path));
      if (isFirst || found !== before) await onChange(found);
      before = found;
      // The first look reads everything, and no other one takes as long.
      const took = isFirst ? 0 : performance.now() - began;
      await bell.rest(Math.max(pace.pause, took / pace.share));
      isFirst = false;
      // What was under way when they were read has been told by now.
      isDeaf ||= silent.some((path) => !heard.has(path));
      if (heard.size === 0) await bell.wait(all + interval() - performance.now());
    }
  } catch (error) {
    if (!signal.aborted || !isInterruption(error)) throw error;
  } finally {
    folders.close();
  }
}

function withNewRows(before: FoundRuns, now: FoundRuns): string[] {
  const known = new Map(before.runs.map((run) => [run.path, run]));
  return now.runs
    .filter((run) => (known.get(run.path)?.metrics ?? run.metrics) !== run.metrics)
    .map(({ path }) => path);
}

/** Waits for a time, for a ring, or for the end. */
class Bell {
  private wake = () => {};

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', () => this.wake());
  }

  ring(): void {
    if (!this.isResting) this.wake();
  }

  private isResting = false;

  /** Hears nothing but the end. */
  async rest(ms: number): Promise<void> {
    this.isResting = true;
    await this.wait(ms);
    this.isResting = false;
  }

  async wait(ms: number): Promise<void> {
    if (this.signal.aborted || ms <= 0) return;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
