import { EventEmitter } from 'node:events';
import { appendFileSync, type FSWatcher, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WatchFolder } from '../../../src/disk/watch.js';
import { followRuns, type Pace } from '../../../src/report/live/follow.js';
import { type FoundRuns, LiveRuns } from '../../../src/report/live/live-runs.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { writeRun } from '../helpers.js';

const NEVER = 1e9;
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Follows the runs below a folder for the length of a test. */
function follow(folder: string, pace: Pace, watch?: WatchFolder) {
  const seen: FoundRuns[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const onChange = (found: FoundRuns) => {
    seen.push(found);
  };
  const ended = followRuns(new LiveRuns([folder]), { onChange, signal, pace, watch });
  ends.push(() => {
    controller.abort();
    return ended;
  });
  const epochs = () => seen.at(-1)?.runs.map(({ metrics }) => metrics.length);
  return {
    seen,
    until: (wanted: number[]) => vi.waitFor(() => expect(epochs()).toEqual(wanted), 10_000),
  };
}

const addRow = (run: string, epoch: number) =>
  appendFileSync(join(run, 'metrics.jsonl'), `{"epoch":${epoch},"step":${epoch}0}\n`);

/** A watcher of a disk that tells nothing. */
function silent(): FSWatcher {
  return Object.assign(new EventEmitter(), { close() {} }) as unknown as FSWatcher;
}

describe('followRuns', () => {
  it('hears of rows, of new runs and of those that are gone, without looking by itself', async () => {
    const folder = temporaryFolder();
    const run = await writeRun(join(folder, 'sweep', 'one'), { state: 'running', train: [0.5] });
    const { until } = follow(folder, { pause: 5, told: NEVER, untold: NEVER, share: 1 });
    await until([1]);
    addRow(run, 2);
    await until([2]);
    const other = await writeRun(join(folder, 'sweep', 'two'), { state: 'running', train: [0.5] });
    await until([2, 1]);
    addRow(other, 2);
    await until([2, 2]);
    rmSync(run, { recursive: true });
    await until([2]);
    // Another one in its place.
    await writeRun(run, { state: 'running', train: [0.25, 0.5, 0.75] });
    await until([3, 2]);
    addRow(run, 4);
    await until([4, 2]);
  });

  it('looks by itself where a folder can not be watched', async () => {
    const folder = temporaryFolder();
    const run = await writeRun(join(folder, 'one'), { state: 'running', train: [0.5] });
    const { until } = follow(folder, { pause: 1, told: NEVER, untold: 5, share: 1 }, () => {
      throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
    });
    await until([1]);
    addRow(run, 2);
    await until([2]);
  });

  it('looks by itself where a watcher breaks', async () => {
    const folder = temporaryFolder();
    const run = await writeRun(join(folder, 'one'), { state: 'running', train: [0.5] });
    let isBroken = false;
    const watchers: FSWatcher[] = [];
    const { until } = follow(folder, { pause: 1, told: 5, untold: 5, share: 1 }, () => {
      if (isBroken) throw new Error('still broken');
      watchers.push(silent());
      return watchers.at(-1)!;
    });
    await until([1]);
    isBroken = true;
    for (const watcher of watchers) watcher.emit('error', new Error('EIO'));
    addRow(run, 2);
    await until([2]);
  });

  it('looks more often once rows have come that nobody told of', async () => {
    const folder = temporaryFolder();
    const run = await writeRun(join(folder, 'one'), { state: 'running', train: [0.5] });
    const pace = { pause: 1, told: 5, untold: 5, share: 1 };
    const { until } = follow(folder, pace, silent);
    await until([1]);
    // The first of them may still be seen as folders are looked at once more when they are watched.
    for (const epoch of [2, 3]) {
      addRow(run, epoch);
      await until([epoch]);
    }
    // From here on nothing is found at the slow pace.
    pace.told = NEVER;
    addRow(run, 4);
    await until([4]);
  });

  it('makes one change of many that come together', async () => {
    const folder = temporaryFolder();
    const run = await writeRun(join(folder, 'one'), { state: 'running', train: [0.5] });
    const { seen, until } = follow(folder, { pause: 5, told: NEVER, untold: NEVER, share: 1 });
    await until([1]);
    const before = seen.length;
    for (let epoch = 2; epoch <= 101; epoch++) addRow(run, epoch);
    await until([101]);
    expect(seen.length - before).toBeLessThan(5);
  });
});
