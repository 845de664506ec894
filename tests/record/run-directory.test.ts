import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { holderOf } from '../../src/disk/lock.js';
import { checkpointPath, loadCheckpoint } from '../../src/record/checkpoint.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { readStatus } from '../../src/record/status.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { checkpointAt, EPOCHS, epochRow, META, RESULT, stepRow, trainInto } from './fake-run.js';
import { DISK_ERRORS, errorOf, failFrom, rejectionOf } from './helpers.js';

const now = new Date('2026-11-24T10:15:30.987Z');
const HASH = '0123456789abcdef';
const OPTIONS = {
  meta: META,
  steps: true,
  corruptedTestAccuracy: false,
  top5: false,
  tensorboard: false,
};

const create = (root = temporaryFolder(), config: object = { seed: 1 }) =>
  RunDirectory.create(root, 'name', HASH, { config, now });
const read = (directory: RunDirectory, file: string) =>
  readFileSync(join(directory.path, file), 'utf8');

afterEach(() => {
  vi.useRealTimers();
});

describe('RunDirectory.create', () => {
  it('makes a directory named by time and hash that is a run at once', () => {
    const root = temporaryFolder();
    const source = { text: 'seed: 1 # mine\n', extension: '.yaml' as const };
    const directory = RunDirectory.create(root, 'name', HASH, { config: { seed: 1 }, source, now });
    expect(directory.path).toBe(join(root, 'name/20261124T101530Z-01234567'));
    expect(read(directory, 'config.json')).toBe('{\n  "seed": 1\n}\n');
    expect(read(directory, 'config.source.yaml')).toBe(source.text);
    expect(readStatus(directory.path)).toMatchObject({ state: 'running', epoch: 0, step: 0 });
    expect(holderOf(directory.path)).toMatchObject({ pid: process.pid, liveness: 'alive' });
    expect(readdirSync(join(root, 'name'))).toEqual(['20261124T101530Z-01234567']);
    directory.close('finished');
  });

  it('never writes over another run', () => {
    const root = temporaryFolder();
    const runs = [1, 2, 3].map((seed) => create(root, { seed }));
    expect(runs.map(({ path }) => path.slice(-10))).toEqual([
      'Z-01234567',
      '01234567-2',
      '01234567-3',
    ]);
    expect(runs.map((run) => JSON.parse(read(run, 'config.json')).seed)).toEqual([1, 2, 3]);
    for (const run of runs) run.close('finished');
  });

  it.each(['', '.', '..', '../up', 'a/b', '.hidden', 'a\\b', 'a\n'])(
    'refuses the name %j',
    (name) => {
      const root = temporaryFolder();
      const error = errorOf(() => RunDirectory.create(root, name, HASH, { config: {} }));
      expect(error.kind).toBe('usage');
      expect(readdirSync(root)).toEqual([]);
    },
  );

  it('names a root that cannot be', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(errorOf(() => create(file)).message).toContain(`Could not create ${join(file, 'name')}`);
  });

  it('on a disk that fails at any boundary leaves no run that could not be resumed', async () => {
    const { seen } = failFrom(Number.POSITIVE_INFINITY, 'ENOSPC');
    create().close('finished');
    const boundaries = seen.length;
    for (let n = 1; n < boundaries; n++) {
      const root = temporaryFolder();
      failFrom(n, 'ENOSPC');
      let made: RunDirectory | undefined;
      try {
        made = create(root);
      } catch {
        const left = existsSync(join(root, 'name')) ? readdirSync(join(root, 'name')) : [];
        failFrom(Number.POSITIVE_INFINITY, 'ENOSPC');
        expect(left.filter((name) => name.startsWith('.'))).toEqual([]);
        for (const name of left) {
          (await RunDirectory.open(join(root, 'name', name))).close('finished');
        }
      }
      // The last boundaries belong to the closing.
      made?.close('failed');
    }
  });
});

describe('RunDirectory.open', () => {
  it('refuses what is no run directory, and one that is in use', async () => {
    const folder = temporaryFolder();
    expect(await rejectionOf(RunDirectory.open(folder))).toMatchObject({ kind: 'data' });
    const directory = create();
    expect((await rejectionOf(RunDirectory.open(directory.path))).message).toMatch(
      /is in use by process \d+ on .* \(last sign of life 0 s ago\)\.$/,
    );
    directory.close('interrupted', 'SIGINT');
    (await RunDirectory.open(directory.path)).close('finished');
  });

  it('removes what a killed process left, and nothing else', async () => {
    const directory = create();
    directory.close('interrupted');
    const leftover = (name: string) => join(directory.path, name);
    writeFileSync(leftover('.status.json.99.tmp'), '{');
    writeFileSync(leftover('checkpoints/.last.safetensors.99.tmp'), 'half');
    writeFileSync(leftover('notes.tmp'), 'mine');
    for (const name of ['.lock-old', '.lock-young']) mkdirSync(leftover(name));
    utimesSync(leftover('.lock-old'), 0, 0);
    const before = readdirSync(directory.path);
    (await RunDirectory.open(directory.path)).close('finished');
    expect(before).toContain('.lock-old');
    expect(readdirSync(directory.path).sort()).toEqual([
      '.lock-young',
      'checkpoints',
      'config.json',
      'notes.tmp',
      'origin.json',
      'status.json',
    ]);
    expect(readdirSync(join(directory.path, 'checkpoints'))).toEqual([]);
  });

  it('goes on where a damaged status.json said nothing', async () => {
    const directory = create();
    directory.close('interrupted');
    writeFileSync(join(directory.path, 'status.json'), '{"state":');
    const again = await RunDirectory.open(directory.path);
    expect(readStatus(again.path).state).toBe('running');
    again.close('finished');
  });
});

describe('a run', () => {
  it('ends with all its files, and in order', () => {
    const directory = create();
    directory.write('environment', { node: 'v' });
    directory.write('corruption', { rate: 0.5 });
    directory.writeResult(RESULT);
    expect(trainInto(directory)).toEqual([]);
    expect(JSON.parse(read(directory, 'environment.json'))).toEqual({ node: 'v' });
    expect(JSON.parse(read(directory, 'corruption.json'))).toEqual({ rate: 0.5 });
    expect(JSON.parse(read(directory, 'result.json')).last.train_loss).toBe('NaN');
    const status = readStatus(directory.path);
    expect(status).toMatchObject({ state: 'finished', reason: null, epoch: EPOCHS, step: 6 });
    expect(holderOf(directory.path)).toBeNull();
    for (const kind of ['last', 'best'] as const) {
      const path = checkpointPath(join(directory.path, 'checkpoints'), kind);
      expect(loadCheckpoint(path).checkpoint).toEqual(checkpointAt(EPOCHS));
    }
  });

  it('has its rows on the disk before the checkpoint that counts on them', () => {
    const directory = create();
    const recorder = directory.recorder(OPTIONS);
    const { seen } = failFrom(Number.POSITIVE_INFINITY, 'EIO');
    recorder.steps([stepRow(1)]);
    recorder.epoch(epochRow(1));
    recorder.checkpoint(checkpointAt(1), true);
    const at = (operation: string, name: string) =>
      seen.findIndex((b) => b.operation === operation && b.path.endsWith(name));
    const synced = ['steps.csv', 'metrics.csv', 'metrics.jsonl'].map((name) => at('sync', name));
    expect(Math.min(...synced)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...synced)).toBeLessThan(at('rename', 'best.safetensors'));
    expect(at('rename', 'best.safetensors')).toBeLessThan(at('rename', 'last.safetensors'));
    directory.close('finished');
  });

  describe.each(DISK_ERRORS)('%s', (code, words) => {
    it('at each boundary ends it with a clear error, and it can be resumed', {
      timeout: 120_000,
    }, async () => {
      const whole = create();
      const { seen } = failFrom(Number.POSITIVE_INFINITY, code);
      trainInto(whole);
      const boundaries = seen.length;
      for (let n = 1; n <= boundaries; n += 3) {
        failFrom(Number.POSITIVE_INFINITY, code);
        const directory = create();
        failFrom(n, code);
        const error = errorOf(() => trainInto(directory));
        expect(error.message).toMatch(/^Could not (write|cut|lock|create|unlock) \//);
        expect(error.message).toContain(words);
        expect(error.exitCode).toBe(1);
        directory.close('failed', error.message);
        failFrom(Number.POSITIVE_INFINITY, code);
        const again = await RunDirectory.open(directory.path);
        expect(trainInto(again)).toEqual([]);
        for (const file of ['metrics.csv', 'metrics.jsonl', 'steps.csv']) {
          expect(read(again, file)).toBe(read(whole, file));
        }
      }
    });
  });

  it('that fails says so, and the disk that failed it does not hide why', () => {
    const [directory, other] = [create(), create()];
    failFrom(1, 'ENOSPC');
    directory.close('failed', 'no space left');
    expect(holderOf(directory.path)).toBeNull();
    expect(errorOf(() => other.close('finished')).message).toContain('no space left');
    expect(holderOf(other.path)).toBeNull();
  });

  it('keeps the first word on how it ended', () => {
    const directory = create();
    directory.close('interrupted', 'SIGTERM');
    directory.close('failed', 'later');
    expect(readStatus(directory.path)).toMatchObject({ state: 'interrupted', reason: 'SIGTERM' });
    expect(() => directory.recorder(OPTIONS)).toThrow('is closed');
  });

  it('shows signs of life, and a disk that refuses one does not end it', () => {
    vi.useFakeTimers({ now });
    const directory = create();
    directory.recorder(OPTIONS).steps([stepRow(5)]);
    vi.advanceTimersByTime(25_000);
    expect(readStatus(directory.path)).toMatchObject({
      state: 'running',
      heartbeat: new Date(now.getTime() + 20_000).toISOString(),
      pid: process.pid,
      epoch: 1,
      step: 5,
    });
    failFrom(1, 'ENOSPC');
    vi.advanceTimersByTime(25_000);
    failFrom(Number.POSITIVE_INFINITY, 'ENOSPC');
    vi.advanceTimersByTime(10_000);
    expect(readStatus(directory.path).heartbeat).toBe(
      new Date(now.getTime() + 60_000).toISOString(),
    );
    // A server of files that serves hundreds of runs has better things to do.
    const { seen } = failFrom(Number.POSITIVE_INFINITY, 'EIO');
    vi.advanceTimersByTime(10_000);
    expect(seen.map(({ operation }) => operation)).toEqual(['create', 'write', 'rename']);
    directory.close('finished');
    vi.advanceTimersByTime(60_000);
    expect(readStatus(directory.path).state).toBe('finished');
  });
});

describe('RunDirectory.open', () => {
  it.each(['checkpoints', 'tensorboard', 'lock'])(
    'does not write through a link called %s',
    async (name) => {
      const { path } = create();
      const elsewhere = temporaryFolder();
      writeFileSync(join(elsewhere, '.precious.1.tmp'), '');
      if (existsSync(join(path, name))) renameSync(join(path, name), join(path, 'gone'));
      symlinkSync(elsewhere, join(path, name));
      const error = await rejectionOf(RunDirectory.open(path));
      expect(error.kind).toBe('data');
      expect(error.message).toBe(
        `${join(path, name)} is a symbolic link, and a run neither reads nor writes through one.`,
      );
      expect(readdirSync(elsewhere)).toEqual(['.precious.1.tmp']);
    },
  );
});
