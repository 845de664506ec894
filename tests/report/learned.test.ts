import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFirstLearned, writeExampleTable } from '../../src/record/example-table.js';
import { writeExampleLabels } from '../../src/record/examples.js';
import { PageExamplesReader } from '../../src/report/examples/index.js';
import { halfLearned } from '../../src/report/examples/learned.js';
import { planFigures } from '../../src/report/figures/index.js';
import { groupTrainings } from '../../src/report/groups.js';
import { writeReport } from '../../src/report/index.js';
import { readRuns } from '../../src/report/runs.js';
import { scoreExamples } from '../../src/results/examples.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeRun } from './helpers.js';

/** An example: whether its label is changed, and the epoch from which on it is predicted as given; 0: never. */
type Example = [changed: 0 | 1, learned: number];

const EPOCHS = 6;

/** A run that ended with recorded examples of these courses. */
async function writeRecorded(directory: string, config: object, examples: readonly Example[]) {
  await writeRun(directory, { config: { ...config }, train: Array(EPOCHS).fill(0.9) });
  const count = examples.length;
  const labels = {
    index: Uint32Array.from(examples.keys()),
    true_label: new Int32Array(count),
    given_label: Int32Array.from(examples, ([changed]) => changed),
    drawn: Uint8Array.from(examples, ([changed]) => changed),
    changed: Uint8Array.from(examples, ([changed]) => changed),
    classes: ['a', 'b', 'c'],
    source: count,
  };
  const epochs = Array.from({ length: EPOCHS }, (_, i) => ({
    epoch: i + 1,
    loss: new Float32Array(count).fill(1),
    margin: new Float32Array(count),
    prediction: examples.map(([changed, learned]) =>
      learned > 0 && learned <= i + 1 ? changed : 2,
    ),
  }));
  writeExampleLabels(directory, labels);
  await writeExampleTable(directory, labels, scoreExamples(labels, epochs));
}

describe('halfLearned', () => {
  it.each([
    // The second of three; the first of two.
    ['some of each', [1, 1, 1, 0, 0], [4, 0, 2, 1, 3], 0.6, { changed: 4, unchanged: 1 }],
    ['half are never learned', [1, 1], [0, 5], 1, { changed: 5 }],
    ['more than half are never learned', [0, 0, 0], [0, 5, 0], 0, { unchanged: null }],
    ['none', [], [], 0, {}],
  ])('counts by hand: %s', (_, changed, first, share, epoch) => {
    const found = halfLearned({
      changed: Uint8Array.from(changed),
      first_learned: Int32Array.from(first),
    });
    expect(found).toEqual({ share, epoch });
  });
});

describe('order of learning by share of changed labels', () => {
  const noisy = (fraction: number, seed: number) => ({
    model: { name: 'mlp' },
    corruption: { kind: 'flip-labels', fraction },
    seed,
  });

  async function sweep(): Promise<string> {
    const root = temporaryFolder();
    // biome-ignore format: a run a line
    const courses: [fraction: number, seed: number, Example[]][] = [
      [0, 0, [[0, 1], [0, 1], [0, 3], [0, 4]]],
      [0.5, 0, [[0, 1], [0, 2], [1, 4], [1, 5]]],
      [0.5, 1, [[0, 3], [0, 6], [1, 6], [1, 6]]],
      [0.75, 0, [[0, 2], [1, 0], [1, 0], [1, 3]]],
    ];
    for (const [fraction, seed, examples] of courses) {
      await writeRecorded(join(root, `${fraction}-${seed}`), noisy(fraction, seed), examples);
    }
    return root;
  }

  it('is one figure of all runs, with the range of seeds and bounds', async () => {
    const { runs } = await readRuns([await sweep()]);
    const examples = await new PageExamplesReader(undefined).read(runs);
    expect(examples.notes).toEqual([]);
    const plans = planFigures(groupTrainings(runs), examples);
    const [figure, ...others] = plans.filter(({ title }) => title.includes('by share of changed'));
    expect(others).toEqual([]);
    expect(figure!.title).toBe('Examples: Order of learning by share of changed labels, MLP 1×512');
    const { points, atLeast } = figure!.chart;
    const told = points.map(({ series, x, y, low, high }) => [series, x, y, low, high]);
    expect(told).toEqual([
      ['changed label', 0.5, 5, 4, 6],
      ['label as it was', 0, 1, 1, 1],
      ['label as it was', 0.5, 2, 1, 3],
      ['label as it was', 0.75, 2, 2, 2],
    ]);
    expect(atLeast).toMatchObject([{ series: 'changed label', x: 0.75, y: EPOCHS }]);
    expect(figure!.caption).toContain('Hollow triangles');
  });

  it('needs another share', async () => {
    const root = temporaryFolder();
    await writeRecorded(join(root, 'one'), noisy(0.5, 0), [[1, 2]]);
    const { runs } = await readRuns([root]);
    const examples = await new PageExamplesReader(undefined).read(runs);
    expect(examples.learned).toEqual([]);
  });

  it('leaves out what is damaged, and says so on the page', async () => {
    const root = await sweep();
    const damaged = join(root, '0.5-1', 'examples.parquet');
    writeFileSync(damaged, readFileSync(damaged).subarray(0, 100));
    await expect(readFirstLearned(join(root, '0.5-1'))).rejects.toMatchObject({ kind: 'data' });
    expect(await readFirstLearned(temporaryFolder())).toBeNull();
    const { runs } = await readRuns([root]);
    const { learned, notes } = await new PageExamplesReader(undefined).read(runs);
    expect(learned).toHaveLength(3);
    expect(notes).toEqual([expect.stringContaining(`${damaged} is damaged, or no Parquet file`)]);
    const { page, figures } = await writeReport([root], {
      out: join(temporaryFolder(), 'page.html'),
    });
    expect(readFileSync(page, 'utf8')).toContain('examples.parquet is damaged, or no Parquet file');
    expect(figures.some((id) => id.startsWith('examples-order'))).toBe(true);
  });
});
