import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holderOf, setLockTimes } from '../../src/disk/lock.js';
import { readMetrics } from '../../src/record/rows.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { readStatus } from '../../src/record/status.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import {
  checkpointAt,
  EPOCHS,
  epochRow,
  META,
  RESULT,
  recorderOf,
  stepRow,
  trainInto,
} from './fake-run.js';
import { errorOf, rejectionOf } from './helpers.js';

/** Machines that the holder of a run may be on. */
const ELSEWHERE: Record<string, object> = {
  'another host': { host: 'node-a.example' },
  'a host of the same name': { started: 'another-boot/1' },
  'another container': { namespace: 'pid:[1]' },
};

beforeEach(() => setLockTimes({ beat: 3_600_000, silence: 400, look: 20 }));
afterEach(() => setLockTimes());

/** A run in its second epoch, with a checkpoint of the first, whose process is made one of another machine. */
function begun(identity: object) {
  const directory = RunDirectory.create(temporaryFolder(), 'name', META.configHash, {
    config: { seed: 1 },
  });
  const recorder = recorderOf(directory);
  recorder.steps([1, 2, 3].map(stepRow));
  recorder.epoch(epochRow(1));
  recorder.checkpoint(checkpointAt(1), true);
  const lock = join(directory.path, 'lock');
  const file = join(lock, readdirSync(lock)[0]!);
  const holder = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...holder, pid: 2 ** 30, ...identity }));
  return { directory, recorder, file };
}

const epochsOf = (path: string) => readMetrics(path).map(({ epoch }) => epoch);
const WHOLE = Array.from({ length: EPOCHS }, (_, i) => i + 1);

describe.runIf(process.platform === 'linux').each(Object.entries(ELSEWHERE))(
  'a run of %s',
  (_, identity) => {
    it('is left to it while it lives', async () => {
      const { directory, file } = begun(identity);
      const beating = setInterval(() => appendFileSync(file, ' '), 20);
      const error = await rejectionOf(RunDirectory.open(directory.path));
      clearInterval(beating);
      expect(error).toMatchObject({ kind: 'busy', exitCode: 1 });
      expect(holderOf(directory.path)?.liveness).toBe('elsewhere');
    });

    it('goes on here when that is silent', async () => {
      const { directory } = begun(identity);
      const told: string[] = [];
      const onWait = (sentence: string) => told.push(sentence);
      const again = await RunDirectory.open(directory.path, { onWait });
      expect(told[0]).toMatch(/ is held by process .*, last sign of life \d+ s ago; waiting up to/);
      expect(trainInto(again)).toEqual([]);
      expect(epochsOf(directory.path)).toEqual(WHOLE);
    });

    it('and that then wakes up writes nothing more', async () => {
      const { directory, recorder } = begun(identity);
      // It was stopped in the middle: files open, a row about to be written.
      const table = openSync(join(directory.path, 'metrics.csv'), 'a');
      const rows = openSync(join(directory.path, 'metrics.jsonl'), 'a');
      const again = await RunDirectory.open(directory.path);
      writeSync(table, '30,90\n');
      writeSync(rows, '{"epoch":30}\n');
      for (const fd of [table, rows]) closeSync(fd);
      const refused = { kind: 'lost', exitCode: 75 };
      expect(errorOf(() => recorder.epoch(epochRow(2)))).toMatchObject(refused);
      expect(errorOf(() => recorder.checkpoint(checkpointAt(2), true))).toMatchObject(refused);
      expect(errorOf(() => directory.writeResult(RESULT))).toMatchObject(refused);
      directory.close('failed', 'lost');
      expect(readStatus(directory.path).state).toBe('running');
      expect(holderOf(directory.path)).toMatchObject({ pid: process.pid, liveness: 'alive' });
      expect(trainInto(again)).toEqual([]);
      expect(epochsOf(directory.path)).toEqual(WHOLE);
      const csv = readFileSync(join(directory.path, 'metrics.csv'), 'utf8').trim().split('\n');
      expect(csv.slice(1).map((line) => Number(line.split(',')[0]))).toEqual(WHOLE);
    });
  },
);
