import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { notRun } from '../../src/report/not-run.js';
import { makeReport } from '../../src/report/report.js';
import { resultsPage } from '../../src/report/results.js';
import { readRuns } from '../../src/report/runs.js';
import { paperTables } from '../../src/report/tables/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, wholeBudget, writeRun } from './helpers.js';

/** The page of made-up runs, without its figures. */
async function pageOf(...given: FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  const { runs, damaged } = await readRuns([root]);
  const pictures = { data: '', rows: [], classes: [], labels: [], png: Buffer.from('') };
  const report = makeReport({ runs, damaged, pictures, folder: root, made: new Date(0) });
  return resultsPage(report, [], 'results');
}

const imported = { origin: 'imported' };
const mlp = (config: object, run: Partial<FakeRun> = {}): FakeRun => ({
  config: { model: { name: 'mlp' }, train: { stop: 'never' }, ...config },
  train: wholeBudget(1),
  test: 0.505,
  data: imported,
  ...run,
});
const FAR = 'More than 1.5 points from the paper, or than half of its number: ';

describe('the page of results', () => {
  it('names the numbers to explain, of images encoded anew as well', async () => {
    const weightDecay = { weightDecay: 5e-4 };
    const { markdown, files } = await pageOf(
      mlp({}),
      mlp({ regularization: weightDecay }, { test: 0.55 }),
      mlp({ corruption: 'random-labels' }, { state: 'running', test: 0.9, train: [1] }),
      {
        ...mlp({ regularization: weightDecay, corruption: 'random-labels' }),
        config: {
          model: { name: 'alexnet' },
          corruption: 'random-labels',
          regularization: weightDecay,
        },
        train: [1, 1],
        outcome: 'fitted',
      },
    );
    expect(markdown).toContain(`${FAR}MLP 1×512, wd, true, test (+4.61).`);
    expect(markdown).toContain(`${FAR}AlexNet, wd, random, train (converged, unlike the paper).`);
    const row = '| MLP 1×512 | wd | true | test | 50.39 | 55.00 | +4.61 |';
    expect(markdown).toContain(
      `${row} not strictly comparable: off | images were encoded anew | 50,000 |`,
    );
    expect(files.get('table-1.csv')).toContain(
      '"MLP 1×512","wd","true","test","50.39","55.00","+4.61","not strictly comparable: off",',
    );
  });

  it('has none to explain where there is none, and lists what was not run, folded', async () => {
    const { markdown } = await pageOf(mlp({}));
    expect(markdown).toContain(`${FAR}none.`);
    expect(markdown).toContain(
      'Table 1: fitting CIFAR-10: 18 of 19, by model Inception (5), Inception w/o BatchNorm (3), AlexNet (5), MLP 3×512 (3), MLP 1×512 (2). The whole table: `rethink-gen run paper/table1`\n\n<details><summary>',
    );
    expect(markdown).toContain(
      '- MLP 1×512, wd, true: `rethink-gen run paper/table1 \'sweep={trials: [{model.name: "mlp", regularization.weightDecay: 0.0005}]}\' seed=0 sweep.seeds=3`\n',
    );
    const scaled = await pageOf(mlp({}, { data: { train: 2000 } }));
    expect(scaled.markdown).toContain(`${FAR}nothing comparable has been run to its end.`);
  });

  it('tells machine, engine, precision and threads, of a run that goes on as well', async () => {
    const engine = { name: 'tensorflow', version: '2', device: 'cpu', precision: 'bfloat16' };
    const environment = {
      cpu: { model: 'A <b>processor</b>', cores: 8 },
      engine: { ...engine, mode: 'compiled', threads: 2 },
    };
    const { markdown } = await pageOf(mlp({}, { state: 'running', environment }));
    expect(markdown).toContain(
      'tensorflow 2, cpu, bfloat16, compiled, 2 threads; 8 × A \\<b\\>processor\\</b\\>;',
    );
    expect(markdown).toContain('| engine | precision | threads | runs |');
    expect(markdown).toContain('| tensorflow 2 | bfloat16 | 2 | 1 |');
  });
});

/** The configs that a command of `rethink-gen run` stands for, as a shell reads it. */
async function configsOf(command: string) {
  const words = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
  const [name, ...overrides] = words.slice(2);
  return (await loadExperiment(name!, { overrides })).trials.map(({ config }) => config);
}

describe('what was not run', () => {
  it.each(paperTables([], []).map((table) => [table.id, table] as const))(
    'has commands that give what is asked for: %s',
    async (_id, table) => {
      const { count, missing, commands } = await notRun(table);
      expect(missing).toHaveLength(count);
      const whole = (await Promise.all(commands.map(configsOf))).flat();
      for (const { heads, commands: own } of missing) {
        const row = table.rows.find(({ cells }) =>
          heads.every((head, i) => head.endsWith(cells[i]!)),
        );
        const configs = (await Promise.all(own.map(configsOf))).flat();
        expect(configs.length, heads.join()).toBeGreaterThan(0);
        expect(configs.every((config) => row!.asks!(config))).toBe(true);
        expect(whole.filter((config) => row!.asks!(config))).toHaveLength(configs.length);
      }
    },
  );
});
