import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { SINK_KINDS, TRACKER_NAMES } from '../../src/config/sinks.js';
import { readMetrics } from '../../src/record/rows.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeTracker, fakeTracker } from '../record/sinks/fake-trackers.js';
import { finishedRun, rowsOf } from '../record/sinks/made-runs.js';
import { cli } from './helpers.js';

beforeEach(() => {
  const kinds = Object.values(SINK_KINDS);
  const names = kinds.flatMap(({ secrets, server }) => [...secrets, ...(server ? [server] : [])]);
  for (const name of [...names, 'http_proxy', 'HTTP_PROXY']) vi.stubEnv(name, '');
  return () => vi.unstubAllEnvs();
});

/** How often a number of the table came, by step. */
function timesAt({ kept }: FakeTracker, column = 'train_accuracy'): Map<number, number> {
  const times = new Map<number, number>();
  for (const { step, name } of kept) {
    if (name === column) times.set(step, (times.get(step) ?? 0) + 1);
  }
  return times;
}

const onceEach = (steps: readonly number[]) => new Map(steps.map((step) => [step, 1]));

describe.each(TRACKER_NAMES)('export --to %s', (kind) => {
  it('sends each row once, however often it is called', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 4));
    const { origin, ...tracker } = await fakeTracker(kind);
    const first = await cli(['export', run, '--to', kind, origin]);
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 run, 4 rows written'),
    });
    const again = await cli(['export', run, '--to', kind, origin, '--json']);
    const event = JSON.parse(again.stdout.trim().split('\n').at(-1)!);
    expect(event).toMatchObject({ event: 'export', kind, runs: [{ rows: 0, before: 4 }] });
    expect(timesAt({ origin, ...tracker })).toEqual(onceEach(rowsOf(1, 4).map(({ step }) => step)));
  });

  it('is what record.sinks does while a run goes on, is interrupted and goes on again', async () => {
    const tracker = await fakeTracker(kind);
    const { trials } = await loadExperiment({
      name: 'sent',
      data: { name: 'synthetic', limit: 40, testLimit: 20 },
      model: { name: 'mlp', hidden: [4] },
      train: { epochs: 4, batchSize: 20, stop: 'never' },
      engine: { name: 'wasm' },
      record: { sinks: [{ kind, url: tracker.origin }] },
    });
    const stop = new AbortController();
    const epoch = (row: { epoch: number }) => row.epoch === 2 && stop.abort();
    const options = { out: temporaryFolder(), events: { epoch }, signal: stop.signal };
    const { runDir } = await runExperiment(trials[0]!.config, options);
    await resumeRun(runDir, {});
    const steps = readMetrics(runDir).map(({ step }) => step);
    expect(steps).toEqual([2, 4, 6, 8]);
    expect(timesAt(tracker)).toEqual(onceEach(steps));
    const { stdout } = await cli(['export', runDir, '--to', kind, tracker.origin]);
    expect(stdout).toContain('1 run, 0 rows written');
  });

  it('says what is wrong with the server, and leaves the run as it was', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
    const tracker = await fakeTracker(kind, [401]);
    const { code, stderr } = await cli(['export', run, '--to', kind, tracker.origin]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/401/);
    expect(tracker.kept).toEqual([]);
  });
});

describe('export', () => {
  it('writes Parquet and TensorBoard events of all runs below a folder', async () => {
    const folder = temporaryFolder();
    for (const name of ['a', 'b']) finishedRun(join(folder, name), rowsOf(1, 3));
    const parquet = join(folder, 'all.parquet');
    expect(await cli(['export', folder, '--to', 'parquet', parquet])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 runs, 6 rows written'),
    });
    expect(existsSync(parquet)).toBe(true);
    const events = join(folder, 'events');
    expect((await cli(['export', folder, '--to', 'tensorboard', events])).code).toBe(0);
    expect(readdirSync(events, { recursive: true }).join()).toContain('tfevents');
  });

  it.each([
    [['--to', 'mlfow', 'http://127.0.0.1:1'], 'Did you mean mlflow?'],
    [['--to', 'parquet'], '--to parquet needs an address.'],
    [['--to', 'trackio', 'ftp://127.0.0.1'], 'http'],
  ])('refuses %j', async (options, message) => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 1));
    const { code, stderr } = await cli(['export', run, ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
