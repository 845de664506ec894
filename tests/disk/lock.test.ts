import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holderOf, Lock } from '../../src/disk/lock.js';
import { livenessOf, thisProcess } from '../../src/disk/process-identity.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { bundle } from '../helpers/child.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { errorOf, failFrom } from '../record/helpers.js';

const noHeartbeat = () => null;

/** The lock of a process with some other identity. */
function plant(directory: string, identity: object): void {
  mkdirSync(join(directory, 'lock'));
  const file = '00000000-0000-4000-8000-000000000000.json';
  writeFileSync(join(directory, 'lock', file), JSON.stringify({ ...thisProcess(), ...identity }));
}

describe('Lock', () => {
  it('is held by one until it is given back', () => {
    const directory = temporaryFolder();
    const lock = Lock.acquire(directory, noHeartbeat);
    expect(holderOf(directory)).toMatchObject({ pid: process.pid, liveness: 'alive' });
    const error = errorOf(() => Lock.acquire(directory, () => '3 s ago'));
    expect(error.message).toBe(
      `${directory} is in use by process ${process.pid} on ${hostname()} (last sign of life 3 s ago).`,
    );
    expect(error.exitCode).toBe(1);
    lock.release();
    lock.release();
    expect(holderOf(directory)).toBeNull();
    Lock.acquire(directory, noHeartbeat);
    // Nothing that a loser prepared is left behind.
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('given back twice does not take it from the next holder', () => {
    const directory = temporaryFolder();
    const first = Lock.acquire(directory, noHeartbeat);
    first.release();
    Lock.acquire(directory, noHeartbeat);
    first.release();
    expect(holderOf(directory)).toMatchObject({ liveness: 'alive' });
  });

  it('of a dead process is stale at once', () => {
    const directory = temporaryFolder();
    // No Linux has process ids of this size.
    plant(directory, { pid: 2 ** 30 });
    expect(holderOf(directory)?.liveness).toBe('dead');
    Lock.acquire(directory, noHeartbeat);
    expect(holderOf(directory)).toMatchObject({ pid: process.pid, liveness: 'alive' });
  });

  it.runIf(process.platform === 'linux')('is not kept alive by a process id used again', () => {
    const directory = temporaryFolder();
    const { started } = thisProcess();
    plant(directory, { started: `${started}0` });
    Lock.acquire(directory, noHeartbeat);
    expect(holderOf(directory)?.started).toBe(started);
  });

  it('of another host is respected, and says how to get rid of it', () => {
    const directory = temporaryFolder();
    plant(directory, { host: 'elsewhere.example' });
    const error = errorOf(() => Lock.acquire(directory, () => '5 h ago'));
    expect(error.message).toContain('on elsewhere.example (last sign of life 5 h ago)');
    expect(error.hint).toContain(`remove ${join(directory, 'lock')}`);
  });

  it.runIf(process.platform === 'linux')('of another container is respected until a reboot', () => {
    const elsewhere = { ...thisProcess(), namespace: 'pid:[1]' };
    expect(livenessOf(elsewhere)).toBe('elsewhere');
    expect(livenessOf({ ...elsewhere, started: 'another-boot/1' })).toBe('dead');
  });

  it('that is damaged or no lock at all is refused, not waited for', () => {
    const directory = temporaryFolder();
    plant(directory, { pid: -1 });
    expect(errorOf(() => Lock.acquire(directory, noHeartbeat)).message).toContain(
      'is damaged: pid',
    );
    const other = temporaryFolder();
    mkdirSync(join(other, 'lock'));
    writeFileSync(join(other, 'lock/readme.txt'), '');
    const error = errorOf(() => Lock.acquire(other, noHeartbeat));
    expect(error.message).toContain('holds something that is not a lock');
    expect(readdirSync(other)).toEqual(['lock']);
  });

  it('leaves nothing behind where the disk refuses it', () => {
    const directory = temporaryFolder();
    const { seen } = failFrom(Number.POSITIVE_INFINITY, 'EROFS');
    Lock.acquire(directory, noHeartbeat).release();
    for (let n = 1; n <= seen.length; n++) {
      failFrom(n, 'EROFS');
      const error = errorOf(() => Lock.acquire(directory, noHeartbeat));
      expect(error.message).toContain('the file system is read-only');
      expect(readdirSync(directory)).toEqual([]);
    }
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
    const leftovers = readdirSync(made.path).filter((name) => name.startsWith('.lock-'));
    expect(leftovers).toEqual([]);
    expect(readFileSync(join(made.path, 'config.json'), 'utf8')).toBe('{}\n');
  }, 600_000);
});
