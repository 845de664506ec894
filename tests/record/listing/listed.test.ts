import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { atOnce } from '../../../src/progress.js';
import { listRuns } from '../../../src/record/listing/listed.js';
import { runsOfSweeps } from '../../../src/record/listing/sweeps.js';
import { parseWhere } from '../../../src/record/listing/where.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { namedRun } from './helpers.js';

const list = (root: string) => atOnce(listRuns([root]));

describe('a listed run', () => {
  it('has its last epoch, ended or not', async () => {
    const root = temporaryFolder();
    await namedRun(root, 'a', '00000001', { train: [0.5, 0.75], test: 0.25 });
    await namedRun(root, 'b', '00000002', { train: [0.5, 0.625, 1], test: 0.5, state: 'running' });
    await namedRun(root, 'c', '00000003', { train: [], state: 'failed' });
    const { runs } = list(root);
    expect(runs).toMatchObject(
      [
        {
          name: 'a',
          id: '000000',
          state: 'finished',
          epoch: 2,
          seconds: 1,
          last: { train_accuracy: 0.75 },
        },
        { name: 'b', state: 'running', epoch: 3, seconds: 3, last: { train_accuracy: 1 } },
        { name: 'c', state: 'failed', epoch: 0, seconds: null, last: null },
      ].map((run, i) => ({
        ...run,
        id: `0000000${i + 1}`,
        started: '2026-11-24T10:15:30Z',
        problem: null,
      })),
    );
  });

  it('that says nothing any more was interrupted', async () => {
    const root = temporaryFolder();
    await namedRun(root, 'a', '00000001', {
      state: 'running',
      heartbeat: new Date(Date.now() - 3_600_000),
    });
    expect(list(root).runs[0]).toMatchObject({
      state: 'interrupted',
      detail: 'killed; last sign of life 60 min ago',
    });
  });

  it('is listed as far as it can be read', async () => {
    const root = temporaryFolder();
    const path = await namedRun(root, 'a', '00000001');
    for (const [file, content] of [
      ['config.json', '{"name":'],
      ['status.json', '[]'],
      ['result.json', '{}'],
      ['metrics.jsonl', 'not a row\n'],
    ] as const) {
      writeFileSync(join(path, file), content);
      const { runs } = list(root);
      expect(runs, file).toHaveLength(1);
      expect(runs[0]!.name).toBe('a');
    }
    expect(list(root).runs[0]).toMatchObject({ state: 'unknown', last: null, config: new Map() });
    expect(list(root).runs[0]!.problem).toMatch(/config\.json is damaged/);
    rmSync(join(path, 'config.json'));
    symlinkSync('/etc/hostname', join(path, 'config.json'));
    expect(list(root).runs[0]!.problem).toMatch(/is a symbolic link/);
  });
});

describe('a listed sweep', () => {
  it('has the runs of its trials, wherever they are called, and those that are none stay', async () => {
    const root = temporaryFolder();
    const done = await namedRun(root, 's', '00000001', { time: '20261124T101530Z' });
    const again = await namedRun(root, 's', '00000001', {
      time: '20261125T101530Z',
      state: 'interrupted',
    });
    const elsewhere = await namedRun(root, 'other', '00000002', { state: 'interrupted' });
    const alone = await namedRun(root, 's', 'ffffffff');
    const trial = (hash: string, name: string) => ({
      id: hash,
      config_hash: hash.padEnd(64, '0'),
      label: `seed=${hash}`,
      overrides: { seed: 1 },
      config: { name },
    });
    const trials = [trial('00000001', 's'), trial('00000002', 'other'), trial('00000003', 's')];
    writeFileSync(join(root, 's/sweep.json'), JSON.stringify({ name: 's', trials }));
    mkdirSync(join(root, 'damaged'));
    writeFileSync(join(root, 'damaged/sweep.json'), '{');
    const { runs, sweeps } = list(root);
    const found = runsOfSweeps(sweeps, runs);
    expect(
      found.sweeps.map(({ name, trials, runs }) => [
        name,
        trials.length,
        runs.map((run) => run?.path),
      ]),
    ).toEqual([
      ['damaged', 0, []],
      ['s', 3, [done, elsewhere, undefined]],
    ]);
    expect(found.sweeps[0]!.problem).toMatch(/sweep\.json is damaged/);
    expect(found.others.map(({ path }) => path)).toEqual([alone, again]);
  });
});

describe('--where', () => {
  it('chooses by columns, by keys of the config, and by both', async () => {
    const root = temporaryFolder();
    await namedRun(root, 'a', '00000001', {
      config: { model: { name: 'mlp' } },
      test: 0.75,
    });
    await namedRun(root, 'b', '00000002', { config: { corruption: 'random-labels' }, test: 0.25 });
    await namedRun(root, 'c', '00000003', {
      config: {
        corruption: ['shuffled-pixels', 'random-labels'],
        data: { name: 'cifar10', limit: 100 },
      },
      state: 'interrupted',
    });
    const { runs } = list(root);
    const chosen = (...where: string[]) =>
      runs
        .filter(parseWhere(where))
        .map(({ name }) => name)
        .join('');
    expect(chosen()).toBe('abc');
    expect(chosen('model.name=mlp')).toBe('a');
    expect(chosen('model=mlp')).toBe('a');
    expect(chosen('model.name!=mlp')).toBe('bc');
    expect(chosen('corruption.kind=random-labels')).toBe('bc');
    expect(chosen('corruption.kind=none')).toBe('a');
    expect(chosen('corruption.0.kind=shuffled-pixels')).toBe('c');
    expect(chosen('state=finished')).toBe('ab');
    expect(chosen('test_accuracy>=0.5')).toBe('ac');
    expect(chosen('test>=50%', 'state=finished')).toBe('a');
    expect(chosen('gap<0.5')).toBe('a');
    expect(chosen('data.limit=')).toBe('ab');
    expect(chosen('data.limit>50')).toBe('c');
    expect(chosen('started>=2026-11-24', 'started<2026-11-25')).toBe('abc');
    expect(chosen('outcome=finished')).toBe('ab');
    expect(chosen('regularization.augment=none')).toBe('abc');
    expect(chosen('id=00000002')).toBe('b');
    expect(chosen('name~B')).toBe('b');
  });

  it.each([
    ['model.nam=mlp', 'Did you mean model.name?'],
    ['tset_accuracy>0.5', 'Did you mean test_accuracy?'],
    ['learningRate=0.1', 'Did you mean learning_rate?'],
    ['weightDecay=0.1', 'Did you mean regularization.weightDecay?'],
    ['sweep.seed=1', undefined],
    ['__proto__=1', undefined],
    ['state=finnished', 'Did you mean state=finished?'],
    ['model.name=mpl', 'Did you mean model.name=mlp?'],
    ['epoch=many', "For example: --where 'epoch>=10'."],
  ])('%s is a mistake', (text, hint) => {
    try {
      parseWhere([text]);
    } catch (error) {
      expect(error).toMatchObject({ kind: 'usage', ...(hint && { hint }) });
      expect((error as Error).message).toContain(text);
      return;
    }
    throw new Error('it was taken');
  });
});
