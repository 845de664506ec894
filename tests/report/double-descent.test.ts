import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLabeledLeft } from '../../src/report/charts/chart.js';
import { doubleDescent } from '../../src/report/figures/double-descent.js';
import { drawFigures, type FigurePlan, planFigures } from '../../src/report/figures/index.js';
import { interpolationThreshold } from '../../src/report/figures/threshold.js';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, writeRun } from './helpers.js';

async function groupsOf(given: readonly FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  return groupTrainings((await readRuns([root])).runs);
}

const flips = (fraction: number) => ({ corruption: { kind: 'flip-labels', fraction } });
const mlp = (...hidden: number[]) => ({ model: { name: 'mlp', hidden } });

describe('interpolationThreshold', () => {
  it.each([
    // Halfway from 98 to 100 %: halfway from 4 to 16 on a logarithmic axis.
    [
      'from',
      [
        [4, 0.98],
        [16, 1],
      ],
      8,
    ],
    [
      'up to',
      [
        [1000, 1],
        [4000, 0.98],
      ],
      2000,
    ],
    // A quarter of the way.
    [
      'from',
      [
        [1, 0.5],
        [10, 0.98],
        [160, 1.02],
      ],
      20,
    ],
    [
      'from',
      [
        [2, 0.5],
        [8, 0.99],
      ],
      8,
    ],
    [
      'up to',
      [
        [100, 0.99],
        [400, 0.5],
      ],
      100,
    ],
    // The first crossing counts.
    [
      'from',
      [
        [1, 0.97],
        [3, 0.99],
        [4, 0.5],
        [8, 1],
      ],
      3,
    ],
    [
      'up to',
      [
        [1, 1],
        [100, 0.98],
        [200, 1],
        [400, 0.5],
      ],
      10,
    ],
    // On one side alone.
    ['from', [], null],
    [
      'from',
      [
        [4, 0.5],
        [8, 0.98],
      ],
      null,
    ],
    [
      'from',
      [
        [4, 0.99],
        [8, 1],
      ],
      null,
    ],
    [
      'up to',
      [
        [100, 0.98],
        [200, 0.5],
      ],
      null,
    ],
    [
      'up to',
      [
        [100, 1],
        [200, 1],
      ],
      null,
    ],
    // Wide networks that fail to train are no threshold.
    [
      'from',
      [
        [4, 1],
        [8, 0.5],
      ],
      null,
    ],
  ] as const)('is where 99 %% is crossed: %s %j → %j', (way, places, expected) => {
    const fits = places.map(([x, accuracy]) => ({ x, accuracy }));
    const found = interpolationThreshold(fits, way);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(expected, 8);
  });
});

describe('rules of thresholds', () => {
  it.each([
    // Alone: where there is room.
    [0.4, 0, 1, false],
    [0.6, 0, 1, true],
    // Of two near each other, each away from the other; none over the edge.
    [0.5, 0, 2, true],
    [0.52, 1, 2, false],
    [0.1, 0, 2, false],
    [0.9, 1, 2, true],
  ])('at %d, no. %i of %i, is labeled on its left: %s', (at, place, count, left) => {
    expect(isLabeledLeft(at, place, count)).toBe(left);
  });
});

describe('error by size', () => {
  it('has both errors of each corruption over the widths, the range of seeds, and thresholds', async () => {
    const groups = await groupsOf(
      [16, 4, 64].flatMap((width) =>
        [0, 1].flatMap((seed) => [
          {
            config: { ...mlp(width), ...flips(0.2), seed },
            train: [{ 4: 0.96, 16: 0.98, 64: 1 }[width]!],
            test: 0.5 + seed / 10,
            parameters: 100 * width,
          },
          { config: { ...mlp(width), seed }, train: [1], test: 0.75, parameters: 100 * width },
        ]),
      ),
    );
    const [test, train, ...others] = doubleDescent(groups);
    expect(others).toEqual([]);
    const noisy = 'flipped labels, p = 0.2';
    for (const { chart, caption } of [test!, train!]) {
      expect(chart.x).toMatchObject({ title: 'width of the hidden layers', log: true });
      expect(chart.conditions).toEqual(['true labels', noisy]);
      expect(chart.marks).toHaveLength(1);
      expect(chart.marks![0]).toMatchObject({ series: noisy, label: 'interpolation threshold' });
      expect(chart.marks![0]!.x).toBeCloseTo(32);
      expect(caption).toContain('Mean of 2 seeds;');
      expect(caption).toContain(
        `(the width of the hidden layers at which the mean training accuracy on the given labels crosses 99 %): true labels: not crossed here; ${noisy}: about 32.`,
      );
      expect(caption).toContain('The networks have 400 to 6,400 parameters.');
    }
    expect(test!.title).toBe('Test error by size of the network, MLP 1×4 to MLP 1×64');
    expect(train!.title).toBe('Training error by size of the network, MLP 1×4 to MLP 1×64');
    const of = (plan: FigurePlan) => plan.chart.points.filter(({ series }) => series === noisy);
    expect(of(train!).map(({ x }) => x)).toEqual([4, 16, 64]);
    expect(of(train!)[0]!.y).toBeCloseTo(0.04);
    expect(of(test!)[2]).toMatchObject({ low: 0.4, high: 0.5 });
    expect(of(test!)[2]!.y).toBeCloseTo(0.45);
    // A peak of a few percent is seen.
    expect(test!.chart.y.domain).toEqual([0.2, 0.55]);
    expect(train!.chart.y.domain).toEqual([0, 0.1]);
  });

  it.each([
    ['resnet18', 'width', 'width k', [4, 8, 64]],
    ['cnn5', 'width', 'width k', [1, 2, 3]],
    ['wide-resnet', 'widen', 'widening factor', [1, 2, 10]],
    ['wide-resnet', 'depth', 'depth', [10, 16, 22]],
  ])('is drawn of %s over %s', async (name, key, axis, sizes) => {
    const groups = await groupsOf(
      sizes.map((size) => ({ config: { model: { name, [key]: size } } })),
    );
    const plans = doubleDescent(groups);
    expect(plans.map(({ chart }) => chart.x.title)).toEqual([axis, axis]);
    expect(new Set(plans[0]!.chart.points.map(({ x }) => x))).toEqual(new Set(sizes));
  });

  it('sets no networks side by side that differ in more, nor two alone', async () => {
    const groups = await groupsOf([
      { config: mlp(4) },
      { config: mlp(8) },
      // Another depth, uneven layers, another rate, no hidden layer.
      { config: mlp(16, 16) },
      { config: mlp(16, 32) },
      { config: { ...mlp(32), train: { learningRate: 0.5 } } },
      { config: mlp() },
    ]);
    expect(doubleDescent(groups)).toEqual([]);
  });

  it('leaves out runs that have not ended, and says so', async () => {
    const groups = await groupsOf([
      ...[4, 16, 64].map((width) => ({ config: mlp(width), train: [1] })),
      { config: { ...mlp(16), seed: 1 }, train: [0.1], state: 'running' as const },
      { config: mlp(256), train: [0.1], state: 'interrupted' as const },
    ]);
    const [figure] = doubleDescent(groups);
    const { points } = figure!.chart;
    expect(points.map(({ x, low, high }) => [x, low, high])).toEqual([
      [4, 0.5, 0.5],
      [16, 0.5, 0.5],
      [64, 0.5, 0.5],
    ]);
    expect(figure!.caption).toContain('after the last epoch (2 runs left out that had not ended).');
  });

  it('gives every corruption its color and its rule, and more than can be told apart a panel', async () => {
    const shares = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3];
    const groups = await groupsOf(
      shares.flatMap((p) =>
        [4, 16, 64].map((width, i) => ({
          config: { ...mlp(width), ...flips(p) },
          train: [[0.5, 0.98, 1][i]!],
        })),
      ),
    );
    const plans = planFigures(groups).filter(({ part }) => part === 'descent');
    expect(plans).toHaveLength(2);
    const { chart, title } = plans[0]!;
    expect(title).toMatch(/^Double descent: Test error by size/);
    expect(chart.panels).toEqual(chart.conditions);
    expect(chart.marks!.map(({ label }) => label)).toEqual(
      chart.conditions.map((condition) => `threshold, ${condition}`),
    );
    const [drawn] = await drawFigures(plans);
    for (const { label } of chart.marks!) expect(drawn!.svg).toContain(label);
  });

  it('keeps learning curves of many sizes as panels of one figure, by size', async () => {
    const widths = [2, 4, 8, 16, 32, 64, 128];
    const groups = await groupsOf(
      widths.toReversed().map((width) => ({ config: { ...mlp(width), ...flips(0.2) } })),
    );
    const curves = planFigures(groups).filter(({ part }) => part === 'curves');
    expect(curves.map(({ title }) => title)).toEqual([
      'Learning curves: Training and test accuracy, MLP 1×2 to MLP 1×128, 7 settings',
    ]);
    expect(curves[0]!.chart.panels).toEqual(widths.map((width) => `hidden [${width}]`));
    expect(curves[0]!.caption).toMatch(/^CIFAR-10, 50,000 training images\. Tr/);
  });
});

describe('error by number of examples', () => {
  it('is fitted up to the threshold', async () => {
    const groups = await groupsOf(
      [4000, 250, 1000].map((limit) => ({
        config: { ...mlp(8), ...flips(0.2), data: { limit } },
        train: [{ 250: 1, 1000: 1, 4000: 0.98 }[limit]!],
        data: { train: limit },
      })),
    );
    const [figure] = doubleDescent(groups);
    expect(figure!.chart.x.title).toBe('training examples');
    expect(figure!.chart.marks![0]!.x).toBeCloseTo(2000);
    expect(figure!.caption).toMatch(/^MLP 1×8, CIFAR-10, no regularizer\./);
  });
});

describe('error by epoch', () => {
  const long = (config: object, fitted: number, epochs = 120) => ({
    config: { ...mlp(8), ...config, train: { epochs, stop: 'never' } },
    train: Array.from({ length: epochs }, (_, i) => (i + 1 < fitted ? 0.5 : 1)),
  });

  it('leaves a whole budget of the paper its learning curves', async () => {
    const plans = planFigures(await groupsOf([long({}, 10, 100), long(flips(0.2), 40, 100)]));
    expect(plans.map(({ title }) => title)).toEqual([
      'Learning curves: Training and test accuracy, MLP 1×8',
    ]);
  });

  it('takes the place of learning curves that go on long after everything was fitted', async () => {
    const groups = await groupsOf([long({}, 10), long(flips(0.2), 40)]);
    const plans = planFigures(groups);
    expect(plans.map(({ title }) => title)).toEqual([
      'Double descent: Test error by epoch, MLP 1×8',
      'Double descent: Training error by epoch, MLP 1×8',
    ]);
    const { chart } = plans[1]!;
    expect(chart.x).toMatchObject({ title: 'epoch', log: true });
    expect(chart.marks!.map(({ x }) => Math.round(x))).toEqual([10, 40]);
    const train = chart.points.filter(({ series }) => series === 'true labels');
    expect([train[0]!.y, train.at(-1)!.y]).toEqual([0.5, 0]);
  });

  it.each([
    ['end soon after', long({}, 70)],
    ['are short', long({}, 10, 60)],
    ['never fit', long({}, 1000)],
  ])('leaves those that %s as they are', async (_, run) => {
    const plans = planFigures(await groupsOf([run]));
    expect(plans.map(({ part }) => part)).toEqual(['curves']);
  });
});
