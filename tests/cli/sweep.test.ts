import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/resolve.js';
import { holderOf } from '../../src/disk/lock.js';
import { RethinkError } from '../../src/errors.js';
import { checkpointPath } from '../../src/record/checkpoint.js';
import { readMetrics } from '../../src/record/rows.js';
import { readResult } from '../../src/record/runs.js';
import { configFile } from '../config/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { csvRows, TINY } from '../sweep/helpers.js';
import { cli, epochRow, fakeRunner, onScreen } from './helpers.js';

const BIN = fileURLToPath(new URL('../../bin/rethink-gen.js', import.meta.url));
/** Long enough to be killed in the middle, on the slowest engine. */
const EPOCHS = 25;
const SWEEP = {
  ...TINY,
  data: { ...TINY.data, limit: 200 },
  model: { name: 'mlp', hidden: [64] },
  train: { ...TINY.train, epochs: EPOCHS },
  sweep: { seeds: 4 },
};

interface Started {
  child: ChildProcess;
  folder: string;
  out: string;
  said(): string;
}

/** The command line in a process group of its own, as a terminal's Ctrl-C would find it. */
function start(argv: string[], out: string): Started {
  const child = spawn(process.execPath, [BIN, ...argv], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return { child, out, folder: join(out, 'tiny'), said: () => text };
}

async function startSweep(out: string): Promise<Started> {
  const path = join(out, 'sweep.json');
  writeFileSync(path, JSON.stringify(SWEEP));
  return start(['run', path, '--jobs', '2', '--out', out], out);
}

function runDirs(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d{8}T/.test(name))
    .map((name) => join(folder, name));
}

const isDone = (runDir: string) => existsSync(join(runDir, 'result.json'));
const hasCheckpoint = (runDir: string) =>
  existsSync(checkpointPath(join(runDir, 'checkpoints'), 'last'));

/** Until one trial is finished and another one is under way. */
async function inTheMiddle({ folder, child, said }: Started): Promise<void> {
  for (;;) {
    const dirs = runDirs(folder);
    if (dirs.some(isDone) && dirs.some((dir) => !isDone(dir) && hasCheckpoint(dir))) return;
    if (child.exitCode !== null) throw new Error(`ended too early: ${said()}`);
    await setTimeout(20);
  }
}

async function endOf({ child }: Started): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

/** What must hold of a sweep that was stopped and run again. */
function expectWhole(folder: string, before: Map<string, number>): void {
  const dirs = runDirs(folder);
  expect(dirs).toHaveLength(4);
  for (const dir of dirs) {
    expect(readResult(dir)).toMatchObject({ outcome: 'finished', epochs: EPOCHS });
    expect(readMetrics(dir).map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: EPOCHS }, (_, i) => i + 1),
    );
  }
  for (const [dir, changed] of before)
    expect(statSync(join(dir, 'result.json')).mtimeMs).toBe(changed);
  const rows = csvRows(readFileSync(join(folder, 'trials.csv'), 'utf8'));
  expect(rows.map(({ label, outcome, epochs }) => [label, outcome, epochs])).toEqual(
    [0, 1, 2, 3].map((seed) => [`seed=${seed}`, 'finished', String(EPOCHS)]),
  );
}

const finishedNow = (folder: string) =>
  new Map(
    runDirs(folder)
      .filter(isDone)
      .map((dir) => [dir, statSync(join(dir, 'result.json')).mtimeMs]),
  );

describe('a sweep of processes', () => {
  it('finishes what was missing and nothing else after it was killed', async () => {
    const out = temporaryFolder();
    const first = await startSweep(out);
    await inTheMiddle(first);
    const before = finishedNow(first.folder);
    first.child.kill('SIGKILL');
    await endOf(first);
    const second = await startSweep(out);
    expect([await endOf(second), second.said()]).toEqual([0, expect.stringContaining('tiny')]);
    expectWhole(second.folder, before);
  }, 240_000);

  it.each([
    ['SIGINT', 130],
    // A terminal that closes sends it, and then its shell does.
    ['SIGHUP', 129],
  ] as const)(
    'ends after %s with all checkpoints written, and resume goes on',
    async (signal, code) => {
      const out = temporaryFolder();
      const first = await startSweep(out);
      await inTheMiddle(first);
      process.kill(-first.child.pid!, 'SIGUSR1');
      process.kill(-first.child.pid!, signal);
      if (signal === 'SIGHUP') process.kill(-first.child.pid!, signal);
      expect(await endOf(first)).toBe(code);
      expect(first.said()).not.toContain('Debugger');
      expect(first.said()).toMatch(
        /Interrupted: [1-3] of 4 trials done; .* left\. Those that had begun/,
      );
      expect(first.said()).toMatch(/Go on with the same command, or: rethink-gen resume .*tiny\n/);
      for (const dir of runDirs(first.folder)) {
        expect(holderOf(dir)).toBeNull();
        expect(isDone(dir)).toBe(true);
      }
      const complete = [...finishedNow(first.folder)].filter(
        ([dir]) => readResult(dir)?.outcome === 'finished',
      );
      const second = start(['resume', first.folder, '--jobs', '2'], out);
      expect([await endOf(second), second.said()]).toEqual([0, expect.stringContaining('tiny')]);
      expectWhole(second.folder, new Map(complete));
    },
    240_000,
  );
});

const GRID = 'name: s\nsweep:\n  seeds: 3\n';

describe('run with a sweep: failures', () => {
  const failing = (fails: (config: Config) => Error | undefined) => {
    const runner = fakeRunner();
    const { runExperiment } = runner;
    runner.runExperiment = (config, options) => {
      const error = fails(config);
      return error ? Promise.reject(error) : runExperiment(config, options);
    };
    return runner;
  };

  it('lists the trial that failed, and exits with 1', async () => {
    const runner = failing(({ seed }) =>
      seed === 1 ? new RethinkError('data', 'The data is gone.', { hint: 'Get it.' }) : undefined,
    );
    const { code, stdout, stderr } = await cli(['run', await configFile(GRID)], { runner });
    expect(code).toBe(1);
    expect(stdout).toMatch(/seed=0 .*\nseed=2 /);
    expect(stderr).toContain('trial seed=1 failed: The data is gone.\n');
    expect(stderr).toMatch(/error: trial seed=1: The data is gone\.\nhint: Get it\.\n$/);
  });

  it('tells ten of many failures in full, and where the others are', async () => {
    const runner = failing(() => new RethinkError('data', 'The data is gone.'));
    const many = await configFile('name: s\nsweep:\n  seeds: 40\n');
    const { code, stderr } = await cli(['run', many, '--quiet'], { runner });
    // One reason for all of them.
    expect(code).toBe(3);
    expect(stderr.match(/^error: trial /gm)).toHaveLength(10);
    expect(stderr).toMatch(/\n… and 30 more trials failed: .*trials\.csv says why\.\n$/);
  });

  it('is not done where a signal ended one of its processes alone', async () => {
    const runner = fakeRunner();
    const { runExperiment } = runner;
    runner.runExperiment = async (config, options) => {
      const { result, runDir } = await runExperiment(config, options);
      const outcome = config.seed === 1 ? 'interrupted' : 'fitted';
      return { result: { ...result, outcome } as typeof result, runDir };
    };
    const { code, stderr } = await cli(['run', await configFile(GRID)], { runner });
    expect([code, stderr]).toEqual([
      130,
      expect.stringContaining('Interrupted: 2 of 3 trials done'),
    ]);
  });

  it('exits with the reason where nothing could run', async () => {
    const runner = failing(() => new RethinkError('data', 'The data is gone.'));
    expect((await cli(['run', await configFile(GRID), '--quiet'], { runner })).code).toBe(3);
  });

  it('tells them with --json', async () => {
    const runner = failing(({ seed }) => (seed === 0 ? new TypeError('x') : undefined));
    const { code, stdout, stderr } = await cli(['run', await configFile(GRID), '--json'], {
      runner,
    });
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(1);
    expect(events[0]).toMatchObject({
      event: 'failed',
      trial: { label: 'seed=0' },
      error: { bug: true },
    });
    expect(events.at(-1)).toMatchObject({
      event: 'summary',
      trials: [{ outcome: 'failed' }, { outcome: 'fitted' }, { outcome: 'fitted' }],
    });
    expect(stderr).toContain('this is a bug in rethink-gen');
  });
});

describe('run with a sweep: what a person sees', () => {
  it('is a bar for the sweep and one for each trial on a terminal', async () => {
    const argv = ['run', await configFile(GRID)];
    const runner = fakeRunner();
    const { runExperiment } = runner;
    runner.runExperiment = async (config, options) => {
      const finished = await runExperiment(config, options);
      // Bars are drawn a few times a second.
      await setTimeout(config.seed === 0 ? 500 : 0);
      return finished;
    };
    const { stderr, code } = await cli(argv, { runner, tty: true, env: { TERM: 'xterm' } });
    expect(code).toBe(0);
    expect(stderr).toMatch(/sweep +░+ 0 of 3 trials done/);
    expect(stderr).toMatch(/seed=0 ░+ epoch 2\/100 {2}train 100\.00 % {2}test 10\.00 %/);
    // Bars have gone, and each trial has left its line.
    expect(onScreen(stderr).slice(0, -1)).toEqual([
      'engine wasm: nothing native is installed',
      ...[0, 1, 2].map((seed) => `seed=${seed}  train 100.00 %  test 10.00 %  2 epochs  fitted`),
    ]);
    // What all of the trials say is told once.
    expect(stderr.match(/nothing native is installed/g)).toHaveLength(1);
  });

  it('is a line after each trial elsewhere', async () => {
    const { stderr } = await cli(['run', await configFile(GRID)]);
    expect(stderr).toMatch(/^1 of 3 trials done; .* s left$/m);
    expect(stderr).toMatch(/^2 of 3 trials done; .* s left$/m);
  });

  it('ends with a table: mean and range under trials that differ in their seeds alone', async () => {
    const runner = fakeRunner(({ seed, corruption }) => ({
      epochs: 10 + seed,
      last: epochRow({
        train_accuracy: 1,
        test_accuracy: corruption.length === 0 ? 0.6 + seed / 100 : 0.1,
        generalization_gap: 0.4,
      }),
    }));
    const argv = [
      'run',
      await configFile('name: s\nsweep:\n  corruption.kind: [none, gaussian]\n  seeds: 3\n'),
      '--quiet',
    ];
    const { stdout } = await cli(argv, { runner });
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines[4]).toEqual(['', 'mean of 3 seeds', '100.00 %', '61.00 %', '40.00 %', '11.0']);
    expect(lines[5]).toEqual(['', 'range', '100.0–100.0 %', '60.0–62.0 %', '40.0–40.0 %', '10–12']);
    expect(lines[9]).toEqual(['', 'mean of 3 seeds', '100.00 %', '10.00 %', '40.00 %', '11.0']);
  });

  it('says under a mean how many seeds did not converge, and counts none twice', async () => {
    const runner = fakeRunner(({ seed }) => ({
      last: epochRow({ train_accuracy: seed === 2 ? 0.5 : 1 }),
      reached: { 'accuracy_0.95': seed === 2 ? null : { epoch: 1, step: 1, seconds: 1 } },
    }));
    const run = async (sweep: string) =>
      (await cli(['run', await configFile(`name: s\nsweep:\n  ${sweep}\n`), '--quiet'], { runner }))
        .stdout;
    expect(await run('seeds: 3')).toMatch(/mean of 3 seeds .* 1 of 3 did not converge/);
    // Of true data all these are one run.
    expect(await run('seeds.corruption: [1, 2, 3]')).not.toContain('mean of');
  });
});
