import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeRun } from './helpers.js';

describe('readRuns', () => {
  it('tells running runs from those whose process is gone', async () => {
    const root = temporaryFolder();
    await writeRun(join(root, 'a'), { state: 'running' });
    await writeRun(join(root, 'b'), { state: 'running', heartbeat: new Date(Date.now() - 3.6e6) });
    await writeRun(join(root, 'c'));
    const { runs } = await readRuns([root]);
    expect(runs.map(({ state }) => state)).toEqual(['running', 'interrupted', 'finished']);
    expect(runs[0]!.detail).toBe('in epoch 3');
    expect(runs[1]!.detail).toContain('60 min ago');
    expect(runs[1]!.metrics).toHaveLength(2);
  });

  it('lists what is damaged and reads the rest', async () => {
    const root = temporaryFolder();
    await writeRun(join(root, 'a'));
    writeFileSync(join(root, 'a', 'result.json'), '{"name":');
    await writeRun(join(root, 'b'));
    writeFileSync(join(root, 'b', 'config.json'), '{');
    mkdirSync(join(root, 'c'));
    writeFileSync(join(root, 'c', 'status.json'), 'null');
    const { runs, damaged } = await readRuns([root]);
    expect(runs).toHaveLength(1);
    expect(runs[0]!.result).toBeNull();
    expect(runs[0]!.problems).toEqual([expect.stringContaining('result.json is damaged')]);
    expect(damaged.map(({ path }) => path)).toEqual([join(root, 'b'), join(root, 'c')]);
  });

  it('says where there is nothing to report', async () => {
    const root = temporaryFolder();
    await expect(readRuns([root])).rejects.toMatchObject({
      kind: 'data',
      message: expect.stringContaining(root),
    });
    await expect(readRuns([join(root, 'no')])).rejects.toMatchObject({ kind: 'data' });
  });
});

describe('groupTrainings', () => {
  it('puts seeds together, and nothing else', async () => {
    const root = temporaryFolder();
    const noisy = { corruption: { kind: 'partial-labels', fraction: 0.5 } };
    const configs = [
      { ...noisy, seed: 0 },
      { ...noisy, seed: 1, name: 'another', record: { tensorboard: false } },
      { ...noisy, seed: 0, loss: { correction: 'forward' } },
      { ...noisy, seed: 0, train: { epochs: 7 } },
      { seed: 0 },
    ];
    for (const [i, config] of configs.entries()) await writeRun(join(root, `${i}`), { config });
    const groups = groupTrainings((await readRuns([root])).runs);
    expect(groups.map(({ runs }) => runs.map(({ config }) => config.seed))).toEqual([
      [0, 1],
      [0],
      [0],
      [0],
    ]);
  });

  it('counts a run that was made twice once, as far as it has come', async () => {
    const root = temporaryFolder();
    await writeRun(join(root, 'a'), { state: 'interrupted', train: [0.1, 0.2, 0.3] });
    await writeRun(join(root, 'b'), { train: [0.4] });
    const [group, ...others] = groupTrainings((await readRuns([root])).runs);
    expect(others).toEqual([]);
    expect(group!.runs.map(({ state }) => state)).toEqual(['finished']);
  });
});
