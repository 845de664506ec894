import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/**
 * Real command lines on made-up machines, which share this one's disk: a host name and process ids of their own, as nodes of
 * a cluster and containers have them.
 */
const BIN = resolve('bin/rethink-gen.js');
const MACHINE = ['--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
const REASON =
  process.env.RETHINK_GEN_TEST_KILLS === undefined
    ? ' (skipped: they listen for signs of life for minutes; npm run test:crash)'
    : spawnSync('unshare', [...MACHINE, 'true']).status === 0
      ? ''
      : ' (skipped: this user can make no namespaces)';

interface OnMachine {
  child: ChildProcess;
  /** When it ends. */
  ended: Promise<{ code: number | null; stderr: string }>;
}

/** Machines made so far. */
let made = 0;

function on(host: string, ...argv: string[]): OnMachine {
  // On each the process has another number, which on the others is nobody's.
  const named = `hostname "$0"; ${'/bin/true; '.repeat(++made)}"$@"; exit $?`;
  const command = ['sh', '-c', named, host, process.execPath, BIN, ...argv];
  const child = spawn('unshare', [...MACHINE, ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, RETHINK_GEN_NO_INSTALL: '1' },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return { child, ended: once(child, 'exit').then(([code]) => ({ code, stderr })) };
}

function config(folder: string, epochs: number, sweep: object = {}): string {
  const path = join(folder, 'config.yaml');
  const given = {
    name: 'machines',
    data: { name: 'synthetic', limit: 1000, testLimit: 100 },
    model: { name: 'mlp', hidden: [32] },
    train: { epochs, batchSize: 20, stop: 'never' },
    engine: { name: 'wasm' },
    record: { tensorboard: false },
    ...sweep,
  };
  writeFileSync(path, stringify(given));
  return path;
}

/** Epochs in the metrics of each run directory below the root of runs, in the order in which they were written. */
function epochsOf(out: string): number[][] {
  const sweep = join(out, 'machines');
  if (!existsSync(sweep)) return [];
  return readdirSync(sweep)
    .map((name) => join(sweep, name, 'metrics.csv'))
    .filter((path) => existsSync(path))
    .map((path) => {
      const rows = readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
      return rows.map((row) => Number(row.split(',')[0]));
    });
}

async function begun(out: string): Promise<string> {
  while ((epochsOf(out)[0]?.length ?? 0) < 2) await setTimeout(50);
  const sweep = join(out, 'machines');
  return join(sweep, readdirSync(sweep).find((name) => /^\d/.test(name))!);
}

const upTo = (epochs: number) => Array.from({ length: epochs }, (_, i) => i + 1);

describe.skipIf(REASON !== '')(`on several machines${REASON}`, { timeout: 600_000 }, () => {
  it('a run that lives in a machine of the same name is not taken from it', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'results');
    const first = on('node', 'run', config(folder, 60), '--out', out);
    const second = on('node', 'resume', await begun(out));
    const refused = await second.ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is in use by process');
    expect((await first.ended).code).toBe(0);
    expect(epochsOf(out)).toEqual([upTo(60)]);
  });

  it('share a sweep: each trial is run once', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'results');
    const path = config(folder, 4, { sweep: { seeds: 6 } });
    const machines = ['node-a', 'node-b', 'node-c'].map((host) =>
      on(host, 'run', path, '--out', out),
    );
    for (const { ended } of machines) expect(await ended).toMatchObject({ code: 0 });
    expect(epochsOf(out)).toEqual(Array(6).fill(upTo(4)));
  });

  it('a run whose machine has died goes on on another', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'results');
    const first = on('node-a', 'run', config(folder, 60), '--out', out);
    const run = await begun(out);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(await on('node-b', 'resume', run).ended).toMatchObject({ code: 0 });
    expect(epochsOf(out)).toEqual([upTo(60)]);
  });
});
