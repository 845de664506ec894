import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TABLE_1, TABLE_2, TABLE_3, TABLE_4 } from '../../src/paper.js';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import {
  isMeasured,
  paperTables,
  type Row,
  tableCsv,
  tableMarkdown,
} from '../../src/report/tables/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, wholeBudget, writeRun } from './helpers.js';

const VERDICT = -6;

async function tablesOf(...given: FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  const { runs } = await readRuns([root]);
  const [one, two, three, four] = paperTables(groupTrainings(runs), runs);
  return { one: one!, two: two!, three: three!, four: four! };
}

function rowOf(rows: Row[], ...cells: string[]): string[] {
  return rows.find((row) => cells.every((cell, i) => row.cells[i] === cell))!.cells;
}

const inception = { train: { stop: 'never' } };

describe("the paper's numbers", () => {
  it('are all there', () => {
    expect(TABLE_1).toHaveLength(19);
    expect(TABLE_1.map(({ test }) => test!.value)).toEqual([
      89.05, 89.31, 86.03, 85.75, 9.78, 83, 82, 10.12, 81.22, 79.66, 77.36, 76.07, 9.86, 53.35,
      52.39, 10.48, 50.39, 50.51, 10.61,
    ]);
    const unconfirmed = TABLE_2.flatMap(({ train, test, best = [] }) => [
      ...train,
      ...test,
      ...best,
    ]);
    expect(unconfirmed.filter((number) => number.unconfirmed)).toHaveLength(17);
    expect(TABLE_3.map(({ error }) => error.value)).toEqual([1.2, 1.2, 0.6, 0.6, 46, 17, 15]);
    expect(TABLE_4.map(({ train }) => train?.value)).toEqual([
      100,
      undefined,
      100,
      99.21,
      99.93,
      99.28,
    ]);
  });
});

describe('Table 1', () => {
  it('shows of scaled runs the one on the most images, and none beside a full one', async () => {
    const on = (limit: number, test: number, stop: unknown = 'never') => {
      return { config: { train: { stop }, data: { limit } }, test };
    };
    const full = { config: inception, train: wholeBudget(1), test: 0.85 };
    const shown = async (...runs: FakeRun[]) =>
      (await tablesOf(...runs)).one.rows
        .filter(({ verdict, cells }) => verdict !== 'not-run' && cells[3] === 'test')
        .map(({ cells }) => cells[5]);
    expect(await shown(on(500, 0.3), on(2000, 0.6), on(1000, 0.5))).toEqual(['60.00']);
    expect(await shown(on(500, 0.3), full)).toEqual(['85.00']);
    const stopped = on(2000, 0.6, { accuracy: 0.95, patience: 1 });
    expect(await shown(on(500, 0.3), stopped)).toEqual(['30.00']);
    expect(await shown(stopped)).toEqual(['60.00']);
  });

  it('judges runs of the size and the settings of the paper', async () => {
    const seeds = [
      { config: { ...inception, seed: 0 }, train: wholeBudget(1), test: 0.85 },
      { config: { ...inception, seed: 1 }, train: wholeBudget(1), test: 0.86 },
    ];
    const random = {
      config: { ...inception, corruption: 'random-labels' },
      train: wholeBudget(1),
      test: 0.2,
    };
    const { one } = await tablesOf(...seeds, random);
    const clean = rowOf(one.rows, 'Inception', 'none', 'true', 'test');
    expect(clean.slice(4, 8)).toEqual([
      '85.75',
      '85.50 (85.00–86.00)',
      '−0.25',
      'within tolerance',
    ]);
    expect(clean.at(-1)).toContain(
      '2 seeds; 50,000 + 10,000 images (official); 64 epochs; wasm 4, cpu, float32',
    );
    expect(rowOf(one.rows, 'Inception', 'none', 'random', 'test').slice(4, 8)).toEqual([
      '9.78',
      '20.00',
      '+10.22',
      'off',
    ]);
    expect(rowOf(one.rows, 'AlexNet', 'none', 'true', 'test').at(VERDICT)).toBe('not run');
  });

  it.each([
    ['fewer images', { data: { train: 2000 } }, 'scaled: not comparable', 'n = 2,000'],
    ['fewer epochs', { train: [0.5, 1] }, 'scaled: not comparable', '2 epochs'],
    [
      'another rate',
      { config: { train: { learningRate: 0.2, stop: 'never' } } },
      'scaled: not comparable',
      'learning rate 0.2',
    ],
    [
      'imported images',
      { data: { origin: 'imported' } },
      'not strictly comparable: within tolerance',
      'images were encoded anew',
    ],
    ['an end to come', { state: 'running' as const }, 'running', ''],
    ['a fit that never came', { train: wholeBudget(0.6) }, 'did not converge', ''],
    ['neither', { train: [0.6] }, 'did not converge; scaled: not comparable', '1 epoch'],
  ])('says of %s what it is worth', async (_what, run, verdict, because) => {
    const { one } = await tablesOf({
      config: inception,
      train: wholeBudget(1),
      test: 0.86,
      ...run,
    });
    const cells = rowOf(one.rows, 'Inception', 'none', 'true', 'test');
    expect(cells.slice(VERDICT, VERDICT + 2)).toEqual([verdict, because]);
  });

  it('leaves out runs on other data and with a corrected loss', async () => {
    const { one } = await tablesOf(
      { config: { ...inception, data: { name: 'synthetic' } } },
      {
        config: {
          ...inception,
          corruption: 'random-labels',
          loss: { correction: 'forward', transition: 'estimated' },
        },
      },
    );
    expect(isMeasured(one)).toBe(false);
  });
});

describe('Table 4', () => {
  it('takes AlexNet not converging for the result that it is', async () => {
    const config = {
      model: { name: 'alexnet' },
      corruption: 'random-labels',
      regularization: { weightDecay: 5e-4 },
      train: { stop: 'never' },
    };
    const failing = await tablesOf({ config, train: wholeBudget(0.11) });
    const cells = rowOf(failing.four.rows, 'AlexNet', 'wd', 'random', 'train');
    expect(cells.slice(4, 8)).toEqual([
      'fails to converge',
      '11.00',
      '–',
      'did not converge, as in the paper',
    ]);
    const fitting = await tablesOf({ config, train: wholeBudget(1) });
    expect(rowOf(fitting.four.rows, 'AlexNet', 'wd', 'random', 'train').at(VERDICT)).toBe(
      'converged, unlike the paper',
    );
  });
});

describe('tables as files', () => {
  const table = {
    id: 't',
    title: 'T',
    note: 'N',
    columns: ['a', 'measured'],
    rows: [{ cells: ['x, "y"', '|<b>*'] }],
  };

  it('quote what their formats need quoted', () => {
    expect(tableCsv(table)).toBe('a,measured\n"x, ""y""",|<b>*\n');
    expect(tableMarkdown(table)).toBe(
      '**T**\n\n| a | measured |\n| --- | --: |\n| x, "y" | \\|\\<b\\>\\* |\n\nN\n',
    );
  });
});
