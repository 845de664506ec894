import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TRACKER_NAMES } from '../../../src/config/sinks.js';
import { Background, setBackgroundTimes } from '../../../src/record/sinks/background.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { recorderOf } from '../fake-run.js';
import { type Fault, fakeTracker } from './fake-trackers.js';
import { endRun, rowsOf, runningRun } from './made-runs.js';

beforeEach(() => {
  for (const name of ['http_proxy', 'all_proxy']) {
    vi.stubEnv(name, '');
    vi.stubEnv(name.toUpperCase(), '');
  }
  setBackgroundTimes({ gather: 5, longestPause: 20, lastWait: 20_000, lastTry: 200 });
});
afterEach(() => {
  setBackgroundTimes();
  vi.unstubAllEnvs();
});

describe.each(TRACKER_NAMES)('a run that goes on, to %s', (kind) => {
  const start = async (faults: (Fault | null)[], signal?: AbortSignal) => {
    const tracker = await fakeTracker(kind, faults);
    const run = runningRun(temporaryFolder(), rowsOf(1, 1));
    const notes: string[] = [];
    const note = (sentence: string) => notes.push(sentence);
    const sinks = new Background(run.path, [{ kind, url: tracker.origin }], { note, signal });
    const recorder = recorderOf(run);
    const write = (first: number, last: number) => {
      for (const row of rowsOf(first, last)) recorder.epoch(row);
      sinks.poke();
    };
    return { tracker, run, notes, sinks, write };
  };
  const epochsAt = ({ kept }: Awaited<ReturnType<typeof fakeTracker>>) =>
    kept.filter(({ name }) => name === 'epoch').map(({ value }) => value);

  it('has all its rows there at the end, in order, and says nothing', async () => {
    const { tracker, run, notes, sinks, write } = await start([]);
    write(2, 4);
    await vi.waitFor(() => expect(epochsAt(tracker)).toEqual([1, 2, 3, 4]), 10_000);
    write(5, 6);
    endRun(run, rowsOf(1, 6));
    await sinks.finish();
    expect(epochsAt(tracker)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(tracker.kept.map(({ name }) => name)).toContain('result.label_noise');
    if (kind === 'mlflow') expect(tracker.states.at(-1)).toBe('FINISHED');
    sinks.stop();
    expect(notes).toEqual([]);
  });

  it('tells the first of several failures, and that alone where the tracker comes back', async () => {
    const { tracker, run, notes, sinks, write } = await start([503, 'cut after', 500, 'half', 429]);
    write(2, 4);
    await vi.waitFor(() => expect(epochsAt(tracker)).toEqual([1, 2, 3, 4]), 10_000);
    endRun(run, rowsOf(1, 4));
    await sinks.finish();
    expect(notes).toEqual([
      expect.stringMatching(/ answered 503 .* It is tried again\. The run goes on\.$/),
    ]);
  });

  it.each<Fault>([401, 403, 404])(
    'stops asking one that answers %s, and says what sends the rest',
    async (fault) => {
      const { tracker, run, notes, sinks, write } = await start([fault]);
      await vi.waitFor(() => expect(notes).toHaveLength(1), 10_000);
      write(2, 4);
      endRun(run, rowsOf(1, 4));
      await sinks.finish();
      expect(tracker.asked).toHaveLength(1);
      expect(notes).toEqual([
        expect.stringContaining('Nothing more is sent. The run goes on.'),
        expect.stringContaining(
          `has 0 rows so far; rethink-gen export '${run.path}' --to ${kind} '${tracker.origin}' sends the rest.`,
        ),
      ]);
    },
  );

  it('is not kept by one that never answers', async () => {
    setBackgroundTimes({ gather: 5, lastWait: 50 });
    const { run, notes, sinks, write } = await start(Array(50).fill('hangs'));
    write(2, 4);
    endRun(run, rowsOf(1, 4));
    await sinks.finish();
    expect(notes).toEqual([expect.stringContaining('sends the rest.')]);
  });

  it('waits for nothing once it is interrupted', async () => {
    setBackgroundTimes({ gather: 5, lastWait: 600_000 });
    const controller = new AbortController();
    const { run, notes, sinks } = await start(Array(50).fill('hangs'), controller.signal);
    endRun(run, rowsOf(1, 1));
    const finished = sinks.finish();
    controller.abort();
    await finished;
    sinks.stop();
    expect(notes).toEqual([expect.stringContaining('sends the rest.')]);
  });

  it('goes on where telling fails', async () => {
    const run = runningRun(temporaryFolder(), rowsOf(1, 1));
    const { origin } = await fakeTracker(kind, Array(50).fill(401));
    let told = 0;
    const note = () => {
      if (++told === 1) throw new Error('stderr is gone');
    };
    const sinks = new Background(run.path, [{ kind, url: origin }], { note });
    await vi.waitFor(() => expect(told).toBe(1), 10_000);
    await sinks.finish();
    expect(told).toBe(2);
  });
});
