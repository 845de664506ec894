import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CliContext } from '../../../src/cli/context.js';
import { watchRunAsJson } from '../../../src/cli/watch/json-events.js';
import { type Watcher, watchRun } from '../../../src/cli/watch/progress.js';
import { loadExperiment } from '../../../src/config/experiment.js';
import type { RunStarted } from '../../../src/setup/events.js';
import { Captured, epochRow, runResult } from '../helpers.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** An event a second: 45 of reading, 360 of the first epoch of two, and its end. */
async function longEpoch({ events }: Watcher): Promise<void> {
  const { base } = await loadExperiment({ train: { epochs: 2, stop: 'never' } });
  const { engine } = runResult(base!);
  const reading = (done: number) =>
    events.preparing?.({ what: 'reading cifar10', done, total: 50_000, unit: 'images' });
  reading(0);
  for (let second = 1; second <= 45; second++) {
    vi.advanceTimersByTime(1000);
    reading(1000 * second);
  }
  const started: Partial<RunStarted> = {
    config: base!,
    dataset: {
      name: 'cifar10',
      height: 32,
      width: 32,
      channels: 3,
      classes: ['a'],
      counts: { train: 50_000, test: 10_000 },
      origin: 'official',
    },
    trainCount: 50_000,
    testCount: 10_000,
    parameters: 1,
    engine,
    epochsDone: 0,
  };
  events.started?.(started as RunStarted);
  for (let step = 1; step <= 360; step++) {
    vi.advanceTimersByTime(1000);
    const at = { epoch: 1, stepInEpoch: step, stepsPerEpoch: 360 };
    events.steps?.({ ...at, loss: 2.3, imagesPerSecond: 128 });
  }
  events.epoch?.(epochRow({ epoch: 1 }));
}

const lines = ({ text }: Captured) => text.trimEnd().split('\n');

describe('before a log', () => {
  it('a line comes every half minute of an epoch, and of what comes before', async () => {
    const stderr = new Captured();
    await longEpoch(watchRun({ stderr, env: {} } as unknown as CliContext));
    expect(lines(stderr).slice(0, 2)).toEqual([
      'reading cifar10 …',
      'reading cifar10: 30,000 images of 50,000 images',
    ]);
    const said = lines(stderr).slice(3);
    expect(said).toHaveLength(13);
    expect(said[0]).toBe('epoch 1/2  step 30/360  loss 2.30  128 images/s  12 min left');
    expect(said[11]).toBe('epoch 1/2  step 360/360  loss 2.30  128 images/s  6 min left');
    expect(said[12]).toMatch(/^epoch 1\/2 {2}loss 0\.0123/);
  });

  it('a program is told as often', async () => {
    const [stdout, stderr] = [new Captured(), new Captured()];
    const trial = { index: 1, total: 2, id: 'a', label: 'seed=0', left: () => undefined };
    const watched = { stdout, stderr, env: {} } as unknown as CliContext;
    await longEpoch(watchRunAsJson(watched, false, trial));
    const prepared = lines(stderr).map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(prepared).toEqual([
      'reading cifar10',
      'reading cifar10: 30,000 images of 50,000 images',
    ]);
    const events = lines(stdout).map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toEqual([
      'started',
      ...Array<string>(12).fill('progress'),
      'epoch',
    ]);
    expect(events[1]).toEqual({
      event: 'progress',
      trial: { index: 1, total: 2, id: 'a', label: 'seed=0' },
      epoch: 1,
      step_in_epoch: 30,
      steps_per_epoch: 360,
      loss: 2.3,
      images_per_second: 128,
    });
  });

  it('a program that wants the result alone is told nothing else', async () => {
    const [stdout, stderr] = [new Captured(), new Captured()];
    await longEpoch(watchRunAsJson({ stdout, stderr, env: {} } as unknown as CliContext, true));
    expect(stdout.text + stderr.text).toBe('');
  });
});
