import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TABLE_2 } from '../../src/paper.js';
import { figure2 } from '../../src/report/figures/comparisons.js';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import { table2 } from '../../src/report/tables/imagenet.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, writeRun } from './helpers.js';

async function groupsOf(...given: FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  return groupTrainings((await readRuns([root])).runs);
}

const WHOLE = { train: 1_281_167, test: 50_000, full_train: 1_281_167, full_test: 50_000 };
const v3 = {
  data: { name: 'imagetree', dir: '/images', size: 299 },
  model: { name: 'inception-v3' },
};
const regularized = { augment: 'imagenet', dropout: 0.2, weightDecay: 0.00004 };

describe('Table 2', () => {
  it('has four rows for each training, best so far in brackets, and judges only the whole of it', async () => {
    const run = {
      config: { ...v3, train: { stop: 'never' } },
      train: [...Array(63).fill(0.8), 0.99],
      tests: [...Array(63).fill(0.64), 0.6],
      data: { ...WHOLE, classes: 1000, origin: 'imported' },
    };
    const { rows } = table2(await groupsOf(run));
    expect(rows).toHaveLength(4 * TABLE_2.length);
    const measured = rows.filter(({ verdict }) => verdict !== 'not-run');
    // Labels, regularizers, what, paper, measured, difference, verdict.
    expect(measured.map(({ cells }) => cells.slice(0, 7))).toEqual([
      [
        'true',
        'no / no / no',
        'top-1 train',
        '99.53',
        '99.00',
        '−0.53',
        'not strictly comparable: within tolerance',
      ],
      [
        'true',
        'no / no / no',
        'top-5 train',
        '100.00 †',
        '99.50',
        '−0.50',
        'not strictly comparable: within tolerance †',
      ],
      [
        'true',
        'no / no / no',
        'top-1 test',
        '59.80 [63.16]',
        '60.00 [64.00]',
        '+0.20',
        'not strictly comparable: within tolerance',
      ],
      [
        'true',
        'no / no / no',
        'top-5 test',
        '80.38 [84.49 †]',
        '80.00 [82.00]',
        '−0.38',
        'not strictly comparable: within tolerance',
      ],
    ]);
  });

  it('takes what is scaled into its rows and compares none of it', async () => {
    const scaled = { model: { name: 'inception' }, data: { ...v3.data, size: 64 } };
    const data = { train: 2000, test: 500, full_train: 2000, full_test: 500, classes: 10 };
    const random = {
      ...scaled,
      corruption: 'random-labels',
      regularization: { weightDecay: 0.001 },
    };
    const groups = await groupsOf(
      { config: { ...v3, regularization: regularized }, train: [0.5], tests: [0.4], data },
      { config: random, train: [1], test: 0.1, data },
    );
    const measured = table2(groups).rows.filter(({ verdict }) => verdict !== 'not-run');
    expect(measured.map(({ cells }) => cells.slice(0, 8))).toEqual([
      ...[
        ['top-1 train', '92.18', '50.00'],
        ['top-5 train', '99.21 †', '75.00'],
        ['top-1 test', '77.84', '40.00 [40.00]'],
        ['top-5 test', '93.92', '70.00 [70.00]'],
      ].map((row) => [
        'true',
        'yes / yes / yes',
        ...row,
        '–',
        'scaled: not comparable',
        '10 classes, n = 2,000, 1 epoch',
      ]),
      // Of ten classes no top 5 is recorded: nothing is made up for it.
      ...[
        ['top-1 train', '87.81 †', '100.00'],
        ['top-1 test', '0.12 †', '10.00'],
      ].map((row) => [
        'random',
        'no / no / yes',
        ...row,
        '–',
        'scaled: not comparable',
        'Inception, 10 classes, n = 2,000, 64×64 pixels, weight decay 0.001, all fitted in 1 epoch',
      ]),
    ]);
  });
});

describe('Figure 2a', () => {
  it('shows training and test accuracy with and without regularizers, by step', async () => {
    const groups = await groupsOf(
      { config: v3, train: [0.5, 1], tests: [0.3, 0.2] },
      { config: { ...v3, regularization: regularized }, train: [0.4, 0.6], tests: [0.3, 0.5] },
      { config: { ...v3, corruption: 'random-labels' }, train: [0.1, 1], test: 0.1 },
      { config: { model: { name: 'inception' } } },
    );
    const [figure, ...others] = figure2(groups);
    expect(others).toEqual([]);
    expect(figure).toMatchObject({ part: '2a', title: 'Accuracy with and without regularizers' });
    expect(figure!.caption).toContain('Inception V3, an image tree');
    const all = 'augmentation + dropout 0.2 + weight decay 0.00004';
    expect(new Set(figure!.chart.series.map(({ name }) => name))).toEqual(
      new Set(['no regularizer: train', 'no regularizer: test', `${all}: train`, `${all}: test`]),
    );
    const line = (series: string) =>
      figure!.chart.points.filter((point) => point.series === series).map(({ x, y }) => [x, y]);
    expect(line('no regularizer: train')).toEqual([
      [10, 0.5],
      [20, 1],
    ]);
    expect(line(`${all}: test`)).toEqual([
      [10, 0.3],
      [20, 0.5],
    ]);
  });
});
