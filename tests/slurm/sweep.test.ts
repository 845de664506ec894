import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readMetrics } from '../../src/record/rows.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { csvRows } from '../sweep/helpers.js';

/**
 * Sweeps on a real Slurm: `npm run test:slurm` installs one with made-up nodes and runs this. RETHINK_GEN_TEST_SLURM is the
 * folder that Slurm has for itself.
 */
const base = process.env.RETHINK_GEN_TEST_SLURM;
const BIN = resolve('bin/rethink-gen.js');
const CLUSTER = resolve('tests/slurm/cluster.sh');
const TRIAL_EPOCHS = 60;

/** @param lines Further lines of slurm.conf. */
function cluster(args: string[], lines = '') {
  execFileSync(CLUSTER, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SLURM_LINES: lines },
  });
}

function shell(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' }).trim();
}

/** rethink-gen as a person calls it. */
function rethinkGen(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

interface Status {
  trials: { label: string; state: string; epoch?: number; task?: string; error?: object }[];
}

function statusOf(sweep: string): Status {
  return JSON.parse(rethinkGen('status', sweep, '--json').stdout) as Status;
}

/** Looks until something holds. */
async function until<T>(look: () => T | undefined | false, seconds = 300): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await setTimeout(500)) {
    const found = look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error('it did not come to that');
}

const ended = (sweep: string) => {
  const { trials } = statusOf(sweep);
  return trials.every(({ state }) => !['running', 'waiting'].includes(state)) && trials;
};

/** Eleven trials of some seconds, and one that fails by itself. */
function twelve(folder: string): object {
  const trials = Array.from({ length: 11 }, (_, seed) => ({ seed }));
  const failing = { corruption: { kind: 'label-file', file: join(folder, 'none.txt') } };
  return { trials: [...trials, failing] };
}

function config(folder: string, name: string, launcher: object, sweep: object): string {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(
    path,
    stringify({
      name,
      data: { name: 'synthetic', limit: 2000, testLimit: 100 },
      model: { name: 'mlp', hidden: [64] },
      train: { epochs: TRIAL_EPOCHS, batchSize: 20, stop: 'never' },
      engine: { name: 'wasm' },
      record: { tensorboard: false },
      launcher: { kind: 'slurm', mem: '1500M', cpus: 1, ...launcher },
      sweep,
    }),
  );
  return path;
}

/** What is the same of a trial wherever it runs. */
function comparable(sweep: string): Record<string, string>[] {
  const rows = csvRows(readFileSync(join(sweep, 'trials.csv'), 'utf8'));
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => !/seconds|run_dir|device/.test(key))),
  );
}

/** Each trial has one run directory with each epoch in it once. */
function expectEachOnce(sweep: string, trials: number, last = TRIAL_EPOCHS) {
  const runs = readdirSync(sweep).filter((name) => existsSync(join(sweep, name, 'metrics.jsonl')));
  expect(runs).toHaveLength(trials);
  for (const run of runs) {
    const epochs = readMetrics(join(sweep, run)).map(({ epoch }) => epoch);
    expect(epochs).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  }
}

describe.skipIf(base === undefined)('a sweep on Slurm', { timeout: 900_000 }, () => {
  const folder = temporaryFolder();
  const out = join(folder, 'results');
  /** Every node is a host of its own: what runs on it finds another name there. */
  const container = `unshare --uts sh -c 'hostname $SLURMD_NODENAME; exec "$@"' sh`;

  beforeEach(() => {
    process.env.SLURM_CONF = join(base!, 'slurm.conf');
    cluster(['start', '4']);
  }, 60_000);
  afterEach(() => cluster(['stop']), 60_000);

  test('loses nothing and runs nothing twice, whatever happens to its tasks', async () => {
    const path = config(folder, 'table', { pack: 2, throttle: 3, container }, twelve(folder));
    const sweep = join(out, 'table');
    const local = join(folder, 'local');
    const begun = Date.now();
    const submitted = rethinkGen('run', path, '--out', out);
    expect(submitted).toMatchObject({ code: 0 });
    expect(submitted.stderr).toContain('6 tasks');
    console.log(`submitted in ${Date.now() - begun} ms`);

    // One task is queued again while it runs, one is cancelled, the node of the third dies.
    const [requeued, cancelled, dying] = await until(() => {
      const { trials } = statusOf(sweep);
      const running = trials.filter(({ state }) => state === 'running');
      // Early enough that none has ended until it is hit.
      const begun = running.filter(({ epoch = 0 }) => epoch > 0 && epoch < TRIAL_EPOCHS / 2);
      return begun.length === 3 && begun.map(({ task }) => task!);
    });
    shell('scontrol', 'requeue', requeued!);
    shell('scancel', cancelled!);
    const shown = shell('scontrol', 'show', 'job', '--oneliner', dying!);
    const [, id, node] = / ?JobId=(\d+) .* NodeList=(\w+) /.exec(shown)!;
    killNode(node!, id!);
    shell('scontrol', 'update', `nodename=${node}`, 'state=down', 'reason=dead');

    const states = await until(() => ended(sweep), 600);
    const count = (state: string) => states.filter((trial) => trial.state === state).length;
    expect(count('failed')).toBe(1);
    // The cancelled task's, of which the first may have been finished by then.
    expect([1, 2]).toContain(count('interrupted') + count('lost'));
    expect(count('done')).toBeGreaterThanOrEqual(9);
    // What was cancelled is submitted again, and what failed is tried again.
    const again = rethinkGen('resume', sweep);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain(`Submitted: ${12 - count('done')} trials`);
    await until(() => ended(sweep), 600);
    await until(() => shell('squeue', '-h') === '');

    expect(rethinkGen('run', path, '--out', local, '--launcher', 'local').code).not.toBe(0);
    expect(comparable(sweep)).toEqual(comparable(join(local, 'table')));
    expect(existsSync(join(sweep, 'report.html'))).toBe(true);
    expectEachOnce(sweep, 11);
  });

  test('goes on after its time limit, as often as that takes', async () => {
    const launcher = { time: '1', ahead: 20 };
    const path = config(folder, 'limited', launcher, { seeds: 1, 'train.epochs': [300] });
    const sweep = join(out, 'limited');
    expect(rethinkGen('run', path, '--out', out).code).toBe(0);
    const [trial] = await until(() => ended(sweep), 600);
    expect(trial?.state).toBe('done');
    const [log] = readdirSync(join(sweep, 'launch', 'logs'));
    const sessions = readFileSync(join(sweep, 'launch', 'logs', log!), 'utf8').match(
      /parameters\) on/g,
    );
    expect(sessions?.length).toBeGreaterThan(1);
    expectEachOnce(sweep, 1, 300);
  });

  test('is not queued again where its time limit leaves no time for a step', async () => {
    const path = config(folder, 'stuck', { time: '1', ahead: 59 }, { seeds: 1 });
    const sweep = join(out, 'stuck');
    expect(rethinkGen('run', path, '--out', out).code).toBe(0);
    const [trial] = await until(() => ended(sweep), 300);
    expect(trial?.state).toBe('failed');
    expect(JSON.stringify(trial?.error)).toContain('The time limit (1) is too short');
  });

  test('comes again where it was preempted', async () => {
    const path = config(folder, 'preempted', { partition: 'scavenge' }, { 'train.epochs': [40] });
    const sweep = join(out, 'preempted');
    expect(rethinkGen('run', path, '--out', out).code).toBe(0);
    await until(() => (statusOf(sweep).trials[0]!.epoch ?? 0) > 1);
    const all = ['--exclusive', '--nodes=4', '--time=1'];
    const hog = shell('sbatch', '--parsable', '--output=/dev/null', ...all, '--wrap=sleep 5');
    await until(() => shell('squeue', '-h', '-j', hog) === '', 120);
    const [trial] = await until(() => ended(sweep), 600);
    expect(trial?.state).toBe('done');
    expectEachOnce(sweep, 1, 40);
  });

  test('is cancelled as a whole, and goes on where it is resumed', async () => {
    // As one task the first could be done before the second begins.
    const path = config(folder, 'cancelled', { pack: 1 }, { seeds: 2, 'train.epochs': [200] });
    const sweep = join(out, 'cancelled');
    expect(rethinkGen('run', path, '--out', out).code).toBe(0);
    await until(() => statusOf(sweep).trials.every(({ epoch }) => (epoch ?? 0) > 0));
    expect(rethinkGen('cancel', sweep)).toMatchObject({ code: 0 });
    await until(() => shell('squeue', '-h') === '');
    await until(() => statusOf(sweep).trials.every(({ state }) => state === 'interrupted'), 60);
    expect(rethinkGen('resume', sweep).code).toBe(0);
    const states = await until(() => ended(sweep), 300);
    expect(states.map(({ state }) => state)).toEqual(['done', 'done']);
    expectEachOnce(sweep, 2, 200);
  });

  test('begins no further trial where enough have failed', async () => {
    const failing = (i: number) => ({ corruption: { kind: 'label-file', file: `${folder}/${i}` } });
    const trials = { trials: [failing(0), failing(1), failing(2), failing(3)] };
    const path = config(folder, 'failing', { pack: 4 }, trials);
    const sweep = join(out, 'failing');
    expect(rethinkGen('run', path, '--out', out, '--stop-after-failures', '2').code).toBe(0);
    const states = await until(() => ended(sweep), 120);
    expect(states.map(({ state }) => state)).toEqual([
      'failed',
      'failed',
      'not begun',
      'not begun',
    ]);
  });

  test('is split into arrays of what this Slurm takes', async () => {
    cluster(['stop']);
    cluster(['start', '4'], 'MaxArraySize=3');
    const short = { seeds: 7, 'train.epochs': [2] };
    const path = config(folder, 'split', { pack: 1, throttle: 2 }, short);
    const sweep = join(out, 'split');
    const submitted = rethinkGen('run', path, '--out', out);
    expect(submitted.code).toBe(0);
    expect(submitted.stderr.match(/Array \d+: \d tasks?/g)).toHaveLength(3);
    const states = await until(() => ended(sweep), 300);
    expect(states.map(({ state }) => state)).toEqual(Array(7).fill('done'));
    expectEachOnce(sweep, 7, 2);
  });

  test('runs several trials at once within a task', async () => {
    const launcher = { gres: 'gpu:2', cpus: 2, mem: '3G', pack: 4, parallel: 2 };
    const path = config(folder, 'parallel', launcher, { seeds: 4, 'train.epochs': [40] });
    const sweep = join(out, 'parallel');
    expect(rethinkGen('run', path, '--out', out).code).toBe(0);
    const running = () => statusOf(sweep).trials.filter(({ state }) => state === 'running');
    await until(() => running().length === 2);
    const states = await until(() => ended(sweep), 600);
    expect(states.map(({ state }) => state)).toEqual(Array(4).fill('done'));
    expectEachOnce(sweep, 4, 40);
  });

  test('says before anything is submitted what Slurm refuses', () => {
    const path = config(folder, 'refused', { partition: 'nowhere' }, { seeds: 2 });
    const refused = rethinkGen('run', path, '--out', out);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/sbatch refused: .*invalid partition/i);
    expect(statusOf(join(out, 'refused')).trials.map(({ state }) => state)).toEqual([
      'not begun',
      'not begun',
    ]);
  });
});

/** Kills the daemon of a node and all that it runs, as if its power had gone. */
function killNode(node: string, job: string) {
  const daemon = readFileSync(join(base!, 'run', `slurmd-${node}.pid`), 'utf8').trim();
  process.kill(Number(daemon), 'SIGKILL');
  const tree = (pid: string): string[] => {
    const { stdout } = spawnSync('pgrep', ['-P', pid], { encoding: 'utf8' });
    return [pid, ...stdout.split('\n').filter(Boolean).flatMap(tree)];
  };
  const { stdout } = spawnSync('pgrep', ['-f', `slurmstepd: \\[${job}\\.`], { encoding: 'utf8' });
  for (const pid of stdout.split('\n').filter(Boolean).flatMap(tree)) {
    spawnSync('kill', ['-KILL', pid]);
  }
}
