import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configHash } from '../../src/config/hash.js';
import { portableConfig } from '../../src/config/portable.js';
import { claim } from '../../src/disk/claim.js';
import { setLockTimes } from '../../src/disk/lock.js';
import { thisProcess } from '../../src/disk/process-identity.js';
import { readMetrics } from '../../src/record/rows.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { type ClaimedTrial, claimTrial } from '../../src/sweep/claim.js';
import { claimFolder } from '../../src/sweep/find.js';
import { bundle } from '../helpers/child.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { csvRows, sweep } from './helpers.js';

const runDirs = (root: string) =>
  readdirSync(join(root, 'tiny')).filter((name) => /^\d{8}T/.test(name));

beforeEach(() => setLockTimes({ silence: 300, look: 20 }));
afterEach(() => setLockTimes());

async function claimed(
  root: string,
  trial: Parameters<typeof claimTrial>[1],
): Promise<ClaimedTrial> {
  const result = await claimTrial(root, trial);
  if (result.state !== 'claimed') throw new Error(`it is ${result.state}`);
  return result.trial;
}

describe('claim', () => {
  it('grants the first wish, and tells everybody else of it', () => {
    const path = join(temporaryFolder(), 'new', 'run-1.json');
    expect(claim(path, 'first')).toBe('first');
    expect(claim(path, 'second')).toBe('first');
    expect(readdirSync(join(path, '..'))).toEqual(['run-1.json']);
  });

  it.each(['', '{"name":"../elsewhere"}'])('that is %j is damaged', (text) => {
    const path = join(temporaryFolder(), 'run-1.json');
    writeFileSync(path, text);
    expect(() => claim(path, 'name')).toThrow(`${path} is damaged`);
  });
});

describe('claimTrial', () => {
  const start = async () => {
    const root = temporaryFolder();
    const trial = (await sweep({ seeds: 1 })).trials[0]!;
    const hash = configHash(trial.config);
    const make = (path: string) =>
      RunDirectory.create(root, 'tiny', hash, {
        config: portableConfig(trial.config),
        claim: path,
      });
    return { root, trial, make };
  };

  it('gives a trial to one at a time', async () => {
    const { root, trial } = await start();
    const first = await claimed(root, trial);
    expect(await claimTrial(root, trial)).toMatchObject({ state: 'busy' });
    first.release();
    (await claimed(root, trial)).release();
  });

  it('lets two that both believe they have it make one directory', async () => {
    const { root, trial, make } = await start();
    const first = await claimed(root, trial);
    const run = make(first.claim);
    expect(() => make(first.claim)).toThrow('was made by another process just now');
    run.close('interrupted');
    first.release();
    const next = await claimed(root, trial);
    expect(next.runDir).toBe(run.path);
    expect(runDirs(root)).toEqual([basename(run.path)]);
  });

  it('finds a run whose name is its claim alone, and gives a removed one its name again', async () => {
    const { root, trial, make } = await start();
    const first = await claimed(root, trial);
    claim(first.claim, 'other-name');
    const run = make(first.claim);
    expect(basename(run.path)).toBe('other-name');
    run.close('interrupted');
    first.release();
    const second = await claimed(root, trial);
    expect(second.runDir).toBe(run.path);
    second.release();
    rmSync(run.path, { recursive: true });
    const third = await claimed(root, trial);
    expect(third).toMatchObject({ runDir: null, claim: first.claim });
    third.release();
  });

  it('leaves one that has failed elsewhere since, and tries an older failure again', async () => {
    const { root, trial, make } = await start();
    const first = await claimed(root, trial);
    make(first.claim).close('failed', 'The disk is full.');
    first.release();
    const failed = await claimTrial(root, trial);
    expect(failed).toMatchObject({ state: 'failed', error: { message: 'The disk is full.' } });
    const id = [...readdirSync(join(root, 'tiny'))].find((name) => /^\d{8}T/.test(name))!;
    const status = JSON.parse(readFileSync(join(root, 'tiny', id, 'status.json'), 'utf8'));
    const failedBefore = new Set([`${join(root, 'tiny', id)} ${status.heartbeat}`]);
    const again = await claimTrial(root, trial, { failedBefore });
    expect(again).toMatchObject({ state: 'claimed', trial: { runDir: null } });
  });

  it('takes over from a machine that gives no sign of life', async () => {
    const { root, trial } = await start();
    const lock = join(claimFolder(root, trial), 'lock');
    mkdirSync(lock, { recursive: true });
    const gone = { ...thisProcess(), host: 'node-a.example', beats: true };
    writeFileSync(join(lock, '00000000-0000-4000-8000-000000000000.json'), JSON.stringify(gone));
    const by = `process ${process.pid} on node-a.example`;
    expect(await claimTrial(root, trial, { wait: 'never' })).toEqual({ state: 'busy', by });
    (await claimed(root, trial)).release();
  });

  it('refuses claims that lead elsewhere', async () => {
    const { root, trial } = await start();
    mkdirSync(join(root, 'tiny'));
    symlinkSync(temporaryFolder(), join(root, 'tiny', '.claims'));
    await expect(claimTrial(root, trial)).rejects.toMatchObject({ kind: 'data', exitCode: 3 });
  });
});

it('twenty processes run each of forty trials once', async () => {
  const [processes, trials, epochs] = [20, 40, 3];
  const out = temporaryFolder();
  const { script, remove } = await bundle('tests/sweep/claim-child.ts');
  const all = Array.from({ length: processes }, () =>
    spawn(process.execPath, [script, out, String(trials), String(epochs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(all.map((child) => once(child.stdout, 'data')));
  const answers = all.map((child) => once(child.stdout, 'data').then(([text]) => String(text)));
  for (const child of all) child.stdin.write('go\n');
  const told = (await Promise.all(answers)).map((text) => JSON.parse(text) as { own: number });
  await remove();
  expect(told.reduce((sum, { own }) => sum + own, 0)).toBe(trials);
  const made = runDirs(out);
  expect(made).toHaveLength(trials);
  for (const name of made) {
    const rows = readMetrics(join(out, 'tiny', name)).map(({ epoch }) => epoch);
    expect(rows).toEqual(Array.from({ length: epochs }, (_, i) => i + 1));
  }
  const table = csvRows(readFileSync(join(out, 'tiny', 'trials.csv'), 'utf8'));
  expect(table.map(({ outcome }) => outcome)).toEqual(Array(trials).fill('fitted'));
}, 240_000);
