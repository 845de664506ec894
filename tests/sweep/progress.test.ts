import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { readRuns } from '../../src/report/runs.js';
import { SweepDirectory, sweepOf } from '../../src/sweep/directory.js';
import { LaunchFolder } from '../../src/sweep/launch/folder.js';
import { SweepsProgress } from '../../src/sweep/progress.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, writeRun } from '../report/helpers.js';

const SEEDS = [0, 1, 2, 3, 4, 5];

/** A sweep of six seeds of 40 epochs, of which these have runs. */
async function sweep(runs: Partial<Record<number, FakeRun>>) {
  const root = temporaryFolder();
  const config = { name: 'six', train: { epochs: 40, stop: 'never' } };
  const experiment = await loadExperiment({ ...config, sweep: { seed: SEEDS } });
  const folder = join(root, 'six');
  await SweepDirectory.open(folder).writeDefinition(sweepOf(experiment));
  for (const [seed, run] of Object.entries(runs)) {
    await writeRun(join(folder, `run-${seed}`), {
      config: { ...config, seed: Number(seed) },
      ...run,
    });
  }
  const { runs: found } = await readRuns([root]);
  return { root, folder, runs: found, trials: experiment.trials };
}

const RUNNING: FakeRun = { state: 'running', train: Array<number>(10).fill(0.5) };
const KILLED: FakeRun = { ...RUNNING, heartbeat: new Date('2020-01-01') };

describe('SweepsProgress', () => {
  it('says of a sweep how many trials are where, and how long they take', async () => {
    const { folder, runs, trials } = await sweep({
      0: { train: Array<number>(40).fill(1) },
      1: RUNNING,
      2: KILLED,
      3: { state: 'failed' },
    });
    const launch = new LaunchFolder(folder);
    const error = { kind: 'failed' as const, message: 'no such GPU', hint: undefined, bug: false };
    launch.noteFailure(trials[4]!.id, { error, runDir: null });
    const [progress] = await new SweepsProgress().read([folder], runs);
    expect(progress).toMatchObject({ label: 'six', done: 1 / 6 });
    // Epochs take a second, of the one that has ended 1/40: 30 epochs of the one under way, as many of the interrupted one,
    // and of the last one 40 at the mean of the three.
    expect(progress!.told).toBe(
      '1 of 6 trials done, 1 running, 1 waiting, 1 interrupted, 2 failed; 1 min left',
    );
  });

  it('says nothing of the time left where nothing runs, or all is done', async () => {
    const waiting = await sweep({ 0: {}, 1: KILLED });
    const [first] = await new SweepsProgress().read([waiting.folder], waiting.runs);
    expect(first!.told).toBe('1 of 6 trials done, 4 waiting, 1 interrupted');
    const done = await sweep(Object.fromEntries(SEEDS.map((seed) => [seed, {}])));
    const [second] = await new SweepsProgress().read([done.folder], done.runs);
    expect(second).toEqual({ label: 'six', done: 1, told: '6 of 6 trials done' });
  });

  it('tells of runs under way that belong to no sweep, and of what is under way first', async () => {
    const { root, folder, runs } = await sweep({ 0: {} });
    await writeRun(join(root, 'alone', 'one'), { ...RUNNING, config: { train: { epochs: 20 } } });
    await writeRun(join(root, 'alone', 'ended'));
    const { runs: all } = await readRuns([root]);
    expect(all).toHaveLength(runs.length + 2);
    const told = await new SweepsProgress().read([root, join(root, 'alone'), folder], all);
    expect(told.map(({ label }) => label)).toEqual(['alone/one', 'six']);
    expect(told[0]).toEqual({
      label: 'alone/one',
      done: 0.5,
      told: 'epoch 10 of at most 20 done; at most 10 s left',
    });
  });

  it('passes over a sweep that is damaged', async () => {
    const folder = join(temporaryFolder(), 'six');
    mkdirSync(folder);
    writeFileSync(join(folder, 'sweep.json'), '{');
    expect(await new SweepsProgress().read([folder], [])).toEqual([]);
  });
});
