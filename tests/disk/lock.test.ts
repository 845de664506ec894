import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { holderOf, Lock, setLockTimes } from '../../src/disk/lock.js';
import { livenessOf, thisProcess } from '../../src/disk/process-identity.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { bundle } from '../helpers/child.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { errorOf, failFrom, rejectionOf } from '../record/helpers.js';

/** The lock of a process with some other identity. */
function plant(directory: string, identity: object): string {
  mkdirSync(join(directory, 'lock'));
  const path = join(directory, 'lock', '00000000-0000-4000-8000-000000000000.json');
  writeFileSync(path, JSON.stringify({ ...thisProcess(), beats: true, ...identity }));
  return path;
}

/** What another process can be that says nothing of whether it lives. */
const ELSEWHERE: Record<string, object> = {
  host: { host: 'node-a.example' },
  boot: { started: 'another-boot/1' },
  'pid namespace': { namespace: 'pid:[1]' },
};

beforeEach(() => setLockTimes({ beat: 20, silence: 400, look: 20, patience: 200 }));
afterEach(() => setLockTimes());

describe('Lock', () => {
  it('is held by one until it is given back', async () => {
    const directory = temporaryFolder();
    const lock = await Lock.acquire(directory);
    expect(holderOf(directory)).toMatchObject({ pid: process.pid, liveness: 'alive' });
    const signOfLife = () => new Date(Date.now() - 3000).toISOString();
    const error = await rejectionOf(Lock.acquire(directory, { signOfLife }));
    expect(error.message).toBe(
      `${directory} is in use by process ${process.pid} on ${hostname()} (last sign of life 3 s ago).`,
    );
    expect(error).toMatchObject({ kind: 'busy', exitCode: 1 });
    lock.release();
    lock.release();
    expect(holderOf(directory)).toBeNull();
    await Lock.acquire(directory);
    // Nothing that a loser prepared is left behind.
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('given back twice does not take it from the next holder', async () => {
    const directory = temporaryFolder();
    const first = await Lock.acquire(directory);
    first.release();
    await Lock.acquire(directory);
    first.release();
    expect(holderOf(directory)).toMatchObject({ liveness: 'alive' });
  });

  it('of a dead process is stale at once', async () => {
    const directory = temporaryFolder();
    // No Linux has process ids of this size.
    plant(directory, { pid: 2 ** 30 });
    expect(holderOf(directory)?.liveness).toBe('dead');
    const lock = await Lock.acquire(directory, { wait: 'never' });
    expect(lock.predecessor).toBe('dead');
    expect(holderOf(directory)).toMatchObject({ pid: process.pid, liveness: 'alive' });
  });

  it.runIf(process.platform === 'linux')(
    'is not kept alive by a process id used again',
    async () => {
      const directory = temporaryFolder();
      const { started } = thisProcess();
      plant(directory, { started: `${started}0` });
      await Lock.acquire(directory);
      expect(holderOf(directory)?.started).toBe(started);
    },
  );

  it('is waited for where nobody keeps it for long', async () => {
    const directory = temporaryFolder();
    const first = await Lock.acquire(directory);
    const second = Lock.acquire(directory, { wait: 'free' });
    first.release();
    (await second).release();
    await Lock.acquire(directory);
    const error = await rejectionOf(Lock.acquire(directory, { wait: 'free' }));
    expect(error.kind).toBe('busy');
  });

  it('that is damaged or no lock at all is refused, not waited for', async () => {
    const directory = temporaryFolder();
    plant(directory, { pid: -1 });
    expect((await rejectionOf(Lock.acquire(directory))).message).toContain('is damaged: pid');
    const other = temporaryFolder();
    mkdirSync(join(other, 'lock'));
    writeFileSync(join(other, 'lock/readme.txt'), '');
    const error = await rejectionOf(Lock.acquire(other));
    expect(error.message).toContain('holds something that is not a lock');
    expect(readdirSync(other)).toEqual(['lock']);
  });

  it('leaves nothing behind where the disk refuses it', async () => {
    const directory = temporaryFolder();
    const { seen } = failFrom(Number.POSITIVE_INFINITY, 'EROFS');
    (await Lock.acquire(directory)).release();
    for (let n = 1; n <= seen.length; n++) {
      failFrom(n, 'EROFS');
      const error = await rejectionOf(Lock.acquire(directory));
      expect(error.message).toContain('the file system is read-only');
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  it('is no longer its own after another process took it', async () => {
    const directory = temporaryFolder();
    const first = await Lock.acquire(directory);
    first.confirm();
    rmSync(join(directory, 'lock'), { recursive: true });
    plant(directory, { host: 'node-b.example', pid: 7 });
    const error = errorOf(() => first.confirm());
    expect(error).toMatchObject({ kind: 'lost', exitCode: 75 });
    expect(error.message).toBe(
      `${directory} no longer belongs to this process: process 7 on node-b.example has taken it over.`,
    );
    first.release();
    expect(holderOf(directory)).toMatchObject({ host: 'node-b.example' });
  });
});

describe.runIf(process.platform === 'linux').each(Object.entries(ELSEWHERE))(
  'the lock of a process under another %s',
  (_, identity) => {
    it('is elsewhere, and never dead', () => {
      const gone = { ...thisProcess(), pid: 2 ** 30, ...identity };
      expect(livenessOf(gone)).toBe('elsewhere');
    });

    it('is left to it while it gives a sign of life', async () => {
      const directory = temporaryFolder();
      const path = plant(directory, { pid: 2 ** 30, ...identity });
      const beating = setInterval(() => appendFileSync(path, ' '), 20);
      const told: string[] = [];
      const error = await rejectionOf(
        Lock.acquire(directory, { onWait: (sentence) => told.push(sentence) }),
      );
      clearInterval(beating);
      expect(error.kind).toBe('busy');
      expect(told).toEqual([expect.stringContaining(`${directory} is held by process`)]);
      expect(holderOf(directory)?.liveness).toBe('elsewhere');
    });

    it('is taken over after its silence, and not without patience', async () => {
      const directory = temporaryFolder();
      plant(directory, { pid: 2 ** 30, ...identity });
      const error = await rejectionOf(Lock.acquire(directory, { wait: 'never' }));
      expect(error.hint).toContain(`remove ${join(directory, 'lock')}`);
      const lock = await Lock.acquire(directory);
      expect(lock.predecessor).toBe('elsewhere');
      expect(holderOf(directory)).toMatchObject({ pid: process.pid, inherited: true });
    });
  },
);

describe('a lock elsewhere', () => {
  it('of an earlier version is left to it where nothing would tell that it lives', async () => {
    const directory = temporaryFolder();
    plant(directory, { host: 'node-a.example', beats: undefined });
    expect((await rejectionOf(Lock.acquire(directory))).hint).toContain('remove');
    let beat = 0;
    const signOfLife = () => new Date(beat++).toISOString();
    expect((await rejectionOf(Lock.acquire(directory, { signOfLife }))).kind).toBe('busy');
    const silent = () => new Date(0).toISOString();
    await Lock.acquire(directory, { signOfLife: silent });
  });

  it('stops waiting at a signal, and leaves the lock as it is', async () => {
    const directory = temporaryFolder();
    plant(directory, { host: 'node-a.example' });
    const controller = new AbortController();
    const { signal } = controller;
    const onWait = () => controller.abort();
    const error = await rejectionOf(Lock.acquire(directory, { signal, onWait }));
    expect(error).toMatchObject({ kind: 'interrupted' });
    expect(holderOf(directory)).toMatchObject({ host: 'node-a.example' });
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('of an earlier start of this very job is gone', async () => {
    const directory = temporaryFolder();
    const job = { scheduler: 'slurm', cluster: 'c', id: '12_3' };
    plant(directory, { host: 'node-a.example', job: { ...job, restart: 0 } });
    vi.stubEnv('SLURM_CLUSTER_NAME', 'c');
    vi.stubEnv('SLURM_JOB_ID', '15');
    vi.stubEnv('SLURM_ARRAY_JOB_ID', '12');
    vi.stubEnv('SLURM_ARRAY_TASK_ID', '3');
    // Another process of the same start: it may live.
    const error = await rejectionOf(Lock.acquire(directory, { wait: 'never' }));
    expect(error.message).toContain('on node-a.example (job 12_3)');
    vi.stubEnv('SLURM_RESTART_COUNT', '1');
    await Lock.acquire(directory, { wait: 'never' });
    expect(holderOf(directory)?.job).toEqual({ ...job, restart: 1 });
    vi.unstubAllEnvs();
  });
});

const ROUNDS = process.env.RETHINK_GEN_TEST_KILLS === undefined ? 4 : 50;

describe('two processes', () => {
  let child: Awaited<ReturnType<typeof bundle>>;
  const started: ChildProcess[] = [];
  beforeAll(async () => {
    child = await bundle('tests/record/child.ts');
  });
  afterEach(() => {
    for (const contender of started.splice(0)) contender.kill('SIGKILL');
  });
  afterAll(() => child.remove());

  function contend(runDir: string) {
    const contender = spawn(process.execPath, [child.script, 'take', runDir]);
    started.push(contender);
    const answer = once(contender.stdout, 'data').then(([text]) => String(text).trim());
    return { contender, answer };
  }

  it('want one run directory, fresh or with a stale lock: exactly one wins', async () => {
    const made = RunDirectory.create(temporaryFolder(), 'race', '0123456789', { config: {} });
    made.close('interrupted');
    // The first round finds no lock, each later one that of the killed winner.
    for (let round = 0; round < ROUNDS; round++) {
      const all = Array.from({ length: 4 }, () => contend(made.path));
      for (const { contender } of all) contender.stdin.write('go\n');
      const answers = await Promise.all(all.map(({ answer }) => answer));
      const winners = all.filter((_, i) => answers[i] === 'won');
      expect(answers.filter((answer) => answer === 'won')).toHaveLength(1);
      const losers = answers.filter((answer) => answer !== 'won');
      const winner = winners[0]!.contender;
      for (const answer of losers) {
        expect(answer).toContain(`lost: ${made.path} is in use by process ${winner.pid}`);
      }
      expect(holderOf(made.path)).toMatchObject({ pid: winner.pid, liveness: 'alive' });
      await Promise.all(
        all.map(({ contender }) => {
          contender.kill('SIGKILL');
          return once(contender, 'exit');
        }),
      );
      expect(holderOf(made.path)?.liveness).toBe('dead');
    }
    const leftovers = readdirSync(made.path).filter((name) => name.startsWith('.lock'));
    expect(leftovers).toEqual([]);
    expect(readFileSync(join(made.path, 'config.json'), 'utf8')).toBe('{}\n');
  }, 600_000);
});
