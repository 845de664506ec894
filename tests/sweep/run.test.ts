import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Lock, setLockTimes } from '../../src/disk/lock.js';
import { thisProcess } from '../../src/disk/process-identity.js';
import { RethinkError } from '../../src/errors.js';
import { readMetrics } from '../../src/record/rows.js';
import * as runner from '../../src/run/index.js';
import { readSweep } from '../../src/sweep/directory.js';
import { claimFolder } from '../../src/sweep/find.js';
import type { SweepOptions } from '../../src/sweep/options.js';
import { runSweep } from '../../src/sweep/run.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { csvRows, Remembering, sweep } from './helpers.js';

const SEEDS = { seeds: 3 };

async function options(
  changes: Partial<SweepOptions> = {},
): Promise<SweepOptions & { out: string }> {
  return {
    out: temporaryFolder(),
    signal: new AbortController().signal,
    watcher: new Remembering(),
    loadRunner: async () => runner,
    ...changes,
  };
}

const runDirs = (root: string) =>
  readdirSync(join(root, 'tiny')).filter((name) => /^\d{8}T/.test(name));

describe('a sweep', () => {
  it('runs every trial once, and nothing when it is run again', async () => {
    const { definition } = await sweep({ ...SEEDS, 'train.learningRate': [0.01, 1e30] });
    const first = await options();
    const records = await runSweep(definition, first);
    expect(records.map((r) => r.state === 'ended' && r.result.outcome)).toEqual(
      ['finished', 'finished', 'finished', 'diverged', 'diverged', 'diverged'].map((_, i) =>
        i % 2 === 0 ? 'finished' : 'diverged',
      ),
    );
    expect(runDirs(first.out)).toHaveLength(6);
    const before = runDirs(first.out).map(
      (name) => statSync(join(first.out, 'tiny', name, 'result.json')).mtimeMs,
    );

    const watcher = new Remembering();
    const again = await runSweep(definition, { ...first, watcher });
    expect([watcher.toRun, watcher.begun]).toEqual([0, []]);
    expect(again.every((r) => r.state === 'ended' && r.foundEarlier)).toBe(true);
    expect(
      runDirs(first.out).map(
        (name) => statSync(join(first.out, 'tiny', name, 'result.json')).mtimeMs,
      ),
    ).toEqual(before);
  });

  it('writes one table of all trials', async () => {
    const { definition, trials } = await sweep({
      corruption: ['none', { kind: 'partial-labels', fraction: 0.5 }],
    });
    const given = await options({ maxTrials: 1 });
    await runSweep(definition, given);
    const folder = join(given.out, 'tiny');
    const [first, second] = csvRows(readFileSync(join(folder, 'trials.csv'), 'utf8'));
    expect(second).toMatchObject({
      id: trials[1]!.id,
      outcome: 'not run',
      run_dir: '',
      epochs: '',
      corruption: '{"kind":"partial-labels","fraction":0.5}',
    });
    expect(first).toMatchObject({
      id: trials[0]!.id,
      label: 'corruption=none',
      corruption: 'none',
      outcome: 'finished',
      epochs: '2',
      steps: '6',
      label_noise: '0',
      train_images: '60',
      engine: 'wasm',
    });
    const row = readMetrics(join(folder, first!.run_dir!)).at(-1)!;
    expect(Number(first!.train_accuracy_last)).toBe(row.train_accuracy);
    expect(Number(first!.test_accuracy_last)).toBe(row.test_accuracy);
    const json = JSON.parse(readFileSync(join(folder, 'trials.json'), 'utf8')) as {
      trials: Record<string, unknown>[];
    };
    expect(json.trials[1]).toMatchObject({
      outcome: 'not run',
      overrides: { corruption: { kind: 'partial-labels' } },
    });
  });

  it('notes a trial that fails, and goes on with the others; run again, only that one', async () => {
    const { definition } = await sweep({ 'data.limit': [60, 999_999, 40] });
    const given = await options();
    const records = await runSweep(definition, given);
    expect(records.map(({ state }) => state)).toEqual(['ended', 'failed', 'ended']);
    const failed = records[1]!;
    expect(failed.state === 'failed' && failed.error.message).toContain('999,999');
    expect(csvRows(readFileSync(join(given.out, 'tiny', 'trials.csv'), 'utf8'))[1]).toMatchObject({
      outcome: 'failed',
      error: expect.stringContaining('999,999') as string,
    });
    const watcher = new Remembering();
    await runSweep(definition, { ...given, watcher });
    expect(watcher.begun).toEqual(['data.limit=999999']);
  });

  it('goes on with a trial that was interrupted, to the same bits', async () => {
    const { definition } = await sweep(SEEDS);
    const controller = new AbortController();
    const watcher = new Remembering(({ label }) => ({
      epoch: () => label === 'seed=1' && controller.abort(),
    }));
    const given = await options({ signal: controller.signal, watcher });
    const stopped = await runSweep(definition, given);
    expect(stopped.map((r) => (r.state === 'ended' ? r.result.outcome : r.state))).toEqual([
      'finished',
      'interrupted',
      'waiting',
    ]);

    const later = new Remembering();
    const records = await runSweep(definition, {
      ...given,
      watcher: later,
      signal: new AbortController().signal,
    });
    expect(later.begun).toEqual(['seed=1', 'seed=2']);
    expect(runDirs(given.out)).toHaveLength(3);
    const whole = await runSweep(definition, await options());
    const losses = (all: typeof records) =>
      all.map((r) => r.state === 'ended' && 'last' in r.result && r.result.last?.train_loss);
    expect(losses(records)).toEqual(losses(whole));
  });

  it('runs anew what can not be gone on with, and leaves it where it is', async () => {
    const { definition } = await sweep({ seeds: 2 });
    const given = await options();
    await runSweep(definition, given);
    const [one] = runDirs(given.out);
    const folder = join(given.out, 'tiny', one!);
    writeFileSync(join(folder, 'config.json'), '{');
    rmSync(join(folder, 'result.json'));
    await runSweep(definition, given);
    expect(runDirs(given.out)).toHaveLength(3);
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('{');
  });

  it('leaves a trial alone that another process has', async () => {
    const { definition, trials } = await sweep(SEEDS);
    const given = await options();
    const folder = claimFolder(given.out, trials[1]!);
    mkdirSync(folder, { recursive: true });
    const lock = await Lock.acquire(folder);
    const records = await runSweep(definition, given);
    expect(records.map(({ state }) => state)).toEqual(['ended', 'elsewhere', 'ended']);
    expect(records[1]).toMatchObject({ by: `process ${process.pid} on ${hostname()}` });
    const rows = csvRows(readFileSync(join(given.out, 'tiny', 'trials.csv'), 'utf8'));
    expect(rows.map(({ outcome }) => outcome)).toEqual(['finished', 'running', 'finished']);
    lock.release();
    await runSweep(definition, given);
    expect(runDirs(given.out)).toHaveLength(3);
  });

  it('goes on with a trial that another process has given up meanwhile', async () => {
    const { definition, trials } = await sweep(SEEDS);
    const folder = (out: string) => claimFolder(out, trials[0]!);
    const given = await options();
    mkdirSync(folder(given.out), { recursive: true });
    const lock = await Lock.acquire(folder(given.out));
    const onResult = () => lock.release();
    const records = await runSweep(definition, { ...given, onResult });
    expect(records.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended']);
    expect(runDirs(given.out)).toHaveLength(3);
  });

  it('goes on with the trial of a machine that gives no sign of life', async () => {
    const { definition, trials } = await sweep(SEEDS);
    const given = await options();
    const lock = join(claimFolder(given.out, trials[0]!), 'lock');
    mkdirSync(lock, { recursive: true });
    const gone = { ...thisProcess(), host: 'node-a.example', beats: true };
    writeFileSync(join(lock, '00000000-0000-4000-8000-000000000000.json'), JSON.stringify(gone));
    setLockTimes({ silence: 300, look: 20 });
    const records = await runSweep(definition, given);
    setLockTimes();
    expect(records.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended']);
  });

  it('is worked on by two processes at once: each trial is run once, and the table has all', async () => {
    const { definition } = await sweep(SEEDS);
    const given = await options();
    const both = await Promise.all([runSweep(definition, given), runSweep(definition, given)]);
    const own = both.flat().filter((r) => r.state === 'ended' && !r.foundEarlier);
    expect(own).toHaveLength(3);
    expect(runDirs(given.out)).toHaveLength(3);
    const rows = csvRows(readFileSync(join(given.out, 'tiny', 'trials.csv'), 'utf8'));
    expect(rows.map(({ outcome }) => outcome)).toEqual(Array(3).fill('finished'));
  });

  it('is run in parts, which are all of it together', async () => {
    const { definition } = await sweep({ seeds: 5 });
    const given = await options();
    const part = (index: number) => runSweep(definition, { ...given, part: { index, of: 3 } });
    const states = async (index: number) =>
      (await part(index)).map(({ state }) => state === 'ended');
    expect(await states(2)).toEqual([false, true, false, false, true]);
    expect(await states(3)).toEqual([false, true, true, false, true]);
    expect(await states(1)).toEqual(Array(5).fill(true));
    expect(runDirs(given.out)).toHaveLength(5);
  });

  it('is refused where a file of its folder, or a run in it, is a link to somewhere else', async () => {
    const { definition } = await sweep(SEEDS);
    const given = await options();
    await runSweep(definition, { ...given, maxTrials: 1 });
    const folder = join(given.out, 'tiny');
    const elsewhere = join(temporaryFolder(), 'elsewhere');
    for (const name of ['sweep.json', 'trials.csv', 'trials.json', ...runDirs(given.out)]) {
      renameSync(join(folder, name), elsewhere);
      symlinkSync(elsewhere, join(folder, name));
      const error = await runSweep(definition, given).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: 'data', exitCode: 3 });
      expect((error as Error).message).toContain(`${join(folder, name)} is a symbolic link`);
      if (name === 'sweep.json') await expect(readSweep(folder)).rejects.toThrow('symbolic link');
      rmSync(join(folder, name));
      renameSync(elsewhere, join(folder, name));
    }
    symlinkSync(temporaryFolder(), join(folder, 'lock'));
    await expect(runSweep(definition, given)).rejects.toMatchObject({ exitCode: 3 });
    rmSync(join(folder, 'lock'));
    await runSweep(definition, given);
    expect(runDirs(given.out)).toHaveLength(3);
  });

  it('keeps what resume needs in sweep.json', async () => {
    const { definition, trials } = await sweep({
      zip: { 'corruption.kind': ['none', 'gaussian'], seed: [4, 5] },
    });
    const given = await options({ maxTrials: 1 });
    await runSweep(definition, given);
    const path = join(given.out, 'tiny', 'sweep.json');
    expect((await readSweep(join(path, '..'))).trials).toEqual(trials);
    const changed = readFileSync(path, 'utf8').replace('"epochs": 2', '"epochs": 3');
    writeFileSync(path, changed);
    const error = await readSweep(join(path, '..')).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RethinkError);
    expect((error as Error).message).toContain('is damaged');
  });

  it('finds the runs of a sweep over names, too', async () => {
    const { definition } = await sweep({
      trials: [
        { name: 'a', seed: 1 },
        { name: 'b', seed: 2 },
      ],
    });
    const given = await options();
    await runSweep(definition, given);
    expect(existsSync(join(given.out, 'a')) && existsSync(join(given.out, 'b'))).toBe(true);
    const watcher = new Remembering();
    await runSweep(definition, { ...given, watcher });
    expect(watcher.toRun).toBe(0);
  });
});
