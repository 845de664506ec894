import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../src/disk/json.js';
import { readMetrics, readSteps } from '../../src/record/rows.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { findRuns, readResult } from '../../src/record/runs.js';
import { heartbeatAge, readStatus } from '../../src/record/status.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { epochRow, RESULT, trainInto } from './fake-run.js';
import { errorOf } from './helpers.js';

function finished(root: string, name: string): string {
  const directory = RunDirectory.create(root, name, '0123456789', { config: { name } });
  directory.writeResult(RESULT);
  trainInto(directory);
  return directory.path;
}

describe('findRuns', () => {
  it('finds run directories at any depth, each once, by path', () => {
    const root = temporaryFolder();
    const runs = [finished(join(root, 'sweep'), 'b'), finished(root, 'a')];
    mkdirSync(join(root, 'empty/.hidden'), { recursive: true });
    symlinkSync(root, join(root, 'empty/loop'));
    const found = findRuns([root, runs[0]!, join(root, 'a')]);
    expect(found.map(({ path }) => path)).toEqual([runs[1], runs[0]]);
    expect(found[0]).toMatchObject({ status: { state: 'finished', epoch: 2 }, result: RESULT });
  });

  it('finds runs that are half written or damaged, too', () => {
    const root = temporaryFolder();
    const half = RunDirectory.create(root, 'half', '0123456789', { config: {} });
    half.close('interrupted', 'SIGINT');
    const damaged = finished(root, 'damaged');
    writeFileSync(join(damaged, 'status.json'), '{"state":"won');
    writeFileSync(join(damaged, 'result.json'), '{}');
    const found = findRuns([root]);
    expect(found).toMatchObject([
      { path: damaged, status: null, result: null },
      { path: half.path, status: { state: 'interrupted', reason: 'SIGINT' }, result: null },
    ]);
  });

  it('names a folder that is not there', () => {
    const missing = join(temporaryFolder(), 'missing');
    const error = errorOf(() => findRuns([missing]));
    expect(error.kind).toBe('data');
    expect(error.message).toBe(`There is no folder ${missing}.`);
  });

  it('names what is not a folder', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(errorOf(() => findRuns([file])).message).toContain(`Could not read ${file}`);
  });

  // Permissions stop neither root nor Windows.
  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'names a folder that it may not read',
    () => {
      const folder = join(temporaryFolder(), 'secret');
      mkdirSync(folder, { mode: 0o000 });
      expect(errorOf(() => findRuns([folder])).message).toContain('permission denied');
      chmodSync(folder, 0o700);
    },
  );
});

describe('readResult', () => {
  it('gives back what was written, bit by bit', () => {
    expect(readResult(finished(temporaryFolder(), 'a'))).toEqual(RESULT);
  });

  it('keeps what a later version says beyond it, and is null before the end', () => {
    const folder = temporaryFolder();
    expect(readResult(folder)).toBeNull();
    writeFileSync(join(folder, 'result.json'), toJson({ ...RESULT, later: [1] }));
    expect(readResult(folder)).toEqual({ ...RESULT, later: [1] });
  });

  it.each([
    ['{', /is not valid JSON/],
    ['[]', /is damaged/],
    [toJson({ ...RESULT, epochs: -1 }), /damaged: epochs: /],
    [toJson({ ...RESULT, outcome: 'won' }), /damaged: outcome: /],
    [toJson({ ...RESULT, reached: [] }), /damaged: reached/],
    [toJson({ ...RESULT, last: { ...epochRow(1), epoch: '1' } }), /damaged: last\.epoch: /],
  ])('refuses %.60s', (text, message) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'result.json'), text);
    const error = errorOf(() => readResult(folder));
    expect(error.kind).toBe('data');
    expect(error.message).toContain(join(folder, 'result.json'));
    expect(error.message).toMatch(message);
  });
});

describe('readMetrics and readSteps', () => {
  it('give nothing for a run that has written nothing', () => {
    const folder = temporaryFolder();
    expect(readMetrics(folder)).toEqual([]);
    expect(readSteps(folder)).toEqual([]);
  });

  it('name file and line of a damaged row', () => {
    const path = finished(temporaryFolder(), 'a');
    const metrics = join(path, 'metrics.jsonl');
    writeFileSync(metrics, `${toJson(epochRow(1))}\n{"epoch":2}\n`);
    expect(errorOf(() => readMetrics(path)).message).toMatch(`${metrics}:2 is damaged: step: `);
    const steps = join(path, 'steps.csv');
    for (const row of ['1,1,0.1,0.5', '1,1,0.1,0.5,x', '1,1,0.1,0.5,', '1,1,0.1,0.5,1,1', '']) {
      writeFileSync(steps, `step,epoch,learning_rate,loss,accuracy\n${row}\n`);
      expect(errorOf(() => readSteps(path)).message).toContain(`${steps}:2 is damaged`);
    }
  });

  it('refuse a line without end before it fills the memory', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'metrics.jsonl'), Buffer.alloc(8 << 20, '1'));
    expect(errorOf(() => readMetrics(folder)).message).toContain(
      ':1 is damaged: the line is too long',
    );
  });
});

describe('readStatus', () => {
  it.each(['{}', 'null', '{"state":"won"}', '{"state":"running","pid":"1"}', ''])(
    'refuses %j',
    (text) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'status.json'), text);
      expect(errorOf(() => readStatus(folder)).kind).toBe('data');
    },
  );

  it.each([
    [1, '1 s ago'],
    [119, '119 s ago'],
    [120, '2 min ago'],
    [86_400, '24 h ago'],
    // Clocks of two hosts differ.
    [-5, '0 s ago'],
  ])('tells an age of %i seconds as %s', (seconds, words) => {
    const path = finished(temporaryFolder(), 'a');
    const status = readStatus(path);
    expect(heartbeatAge(status, Date.parse(status.heartbeat!) + seconds * 1000)).toBe(words);
  });
});
