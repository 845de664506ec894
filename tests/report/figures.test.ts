import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { figure1b, figure1c } from '../../src/report/figures/against-p.js';
import { figure2, lossCorrection } from '../../src/report/figures/comparisons.js';
import { drawFigures, planFigures } from '../../src/report/figures/index.js';
import { figure1a } from '../../src/report/figures/loss.js';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, writeRun } from './helpers.js';

async function groupsOf(...given: FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  return groupTrainings((await readRuns([root])).runs);
}

const mlp = { model: { name: 'mlp' } };
const partial = (fraction: number) => ({
  ...mlp,
  corruption: { kind: 'partial-labels', fraction },
});
const random = { ...mlp, corruption: 'random-labels' };

describe('Figure 1a', () => {
  it('averages the losses of bins, then of the seeds that trained that long', async () => {
    const long = Array.from({ length: 240 }, () => 2);
    const groups = await groupsOf(
      { config: { ...mlp, seed: 0 }, losses: long },
      { config: { ...mlp, seed: 1 }, losses: [1, 0] },
      { config: random, losses: long },
    );
    const [figure, ...others] = figure1a(groups);
    expect(others).toEqual([]);
    const { conditions, points, x } = figure!.chart;
    expect(conditions).toEqual(['true labels', 'random labels']);
    expect(x.domain).toEqual([0, 240]);
    const clean = points.filter((point) => point.series === 'true labels');
    expect(clean[0]).toMatchObject({ x: 1, y: 1.25, low: 0.5, high: 2 });
    expect(clean[1]).toMatchObject({ y: 2, low: 2, high: 2 });
  });

  it('needs two kinds of data, and step losses', async () => {
    expect(figure1a(await groupsOf({ config: mlp, losses: [1] }))).toEqual([]);
    expect(figure1a(await groupsOf({ config: mlp, losses: [1] }, { config: random }))).toEqual([]);
  });
});

describe('Figure 1b', () => {
  it('relates the first evaluation at 95 % to that of true labels, with its resolution', async () => {
    const groups = await groupsOf(
      { config: { ...mlp, seed: 0 }, train: [0.5, 0.96, 1] },
      { config: { ...mlp, seed: 1 }, train: [0.5, 0.5, 0.5, 1] },
      { config: partial(0.5), train: [0.1, 0.2, 0.3, 0.4, 0.5, 0.949, 0.95] },
    );
    const { points, atLeast, series } = figure1b(groups)[0]!.chart;
    expect(series).toEqual([{ name: 'MLP 1×512', condition: 'MLP 1×512', split: 'train' }]);
    expect(points).toHaveLength(2);
    expect(points[0]).toMatchObject({ x: 0, y: 1, low: 10 / 30, high: 40 / 30 });
    expect(points[1]).toMatchObject({ x: 0.5, y: 70 / 30, low: 60 / 30, high: 70 / 30 });
    expect(atLeast).toEqual([]);
  });

  it('marks what did not converge with its lower bound', async () => {
    const groups = await groupsOf(
      { config: mlp, train: [1] },
      { config: random, train: [0.1, 0.2, 0.3] },
    );
    const { points, atLeast } = figure1b(groups)[0]!.chart;
    expect(points.map(({ x }) => x)).toEqual([0]);
    expect(atLeast).toMatchObject([{ x: 1, y: 3 }]);
  });
});

describe('Figure 1c', () => {
  it('leaves out what stopped before everything was fitted', async () => {
    const early = { train: { stop: { accuracy: 0.95, patience: 1 } } };
    const groups = await groupsOf(
      { config: { ...mlp, ...early }, test: 0.5 },
      { config: { ...random, ...early }, test: 0.1 },
    );
    expect(figure1b(groups)).toHaveLength(1);
    expect(figure1c(groups)).toEqual([]);
  });

  it('has a line for each network, in the order of the paper, and chance', async () => {
    const groups = await groupsOf(
      { config: mlp, test: 0.5 },
      { config: random, test: 0.1 },
      { config: { model: { name: 'alexnet' } }, test: 0.75 },
      { config: { model: { name: 'alexnet' }, ...{ corruption: 'random-labels' } }, test: 0.1 },
    );
    const [figure, ...others] = figure1c(groups);
    expect(others).toEqual([]);
    expect(figure!.chart.conditions).toEqual(['AlexNet', 'MLP 1×512']);
    expect(figure!.chart.series.map(({ split }) => split)).toEqual(['test', 'test']);
    expect(figure!.chart.level).toEqual({ y: 0.9, label: 'guessing' });
    expect(figure!.chart.points.map(({ y }) => y)).toEqual([0.25, 0.9, 0.5, 0.9]);
  });
});

describe('comparisons', () => {
  it('set Inceptions with and without BatchNorm, and losses, side by side', async () => {
    const noisy = { ...mlp, corruption: { kind: 'flip-labels', fraction: 0.4 } };
    const groups = await groupsOf(
      { config: {} },
      { config: { model: { name: 'inception', batchNorm: false } } },
      { config: noisy },
      { config: { ...noisy, loss: { correction: 'forward' } } },
    );
    expect(figure2(groups).map(({ part, chart }) => [part, chart.conditions])).toEqual([
      ['2b', ['Inception', 'Inception w/o BatchNorm']],
    ]);
    expect(lossCorrection(groups).map(({ chart }) => chart.conditions)).toEqual([
      ['plain loss', 'forward-corrected loss, T known'],
    ]);
  });
});

describe('learning curves', () => {
  it.each([
    [3, ['Training and test accuracy']],
    [6, ['Training accuracy', 'Test accuracy']],
    [8, ['Training and test accuracy']],
  ])('of %i conditions leave none of them out', async (count, titles) => {
    const shares = Array.from({ length: count }, (_, i) => (i + 1) / 10);
    const groups = await groupsOf(...shares.map((p) => ({ config: partial(p) })));
    const plans = planFigures(groups).filter(({ part }) => part === 'curves');
    expect(plans.map(({ title }) => title)).toEqual(
      titles.map((title) => `Learning curves: ${title}, MLP 1×512`),
    );
    for (const { chart, caption } of plans) {
      expect(chart.conditions).toEqual(shares.map((p) => `labels, p = ${p}`));
      expect(chart.panels).toEqual(count > 6 ? chart.conditions : undefined);
      expect(caption).toContain('p: share of labels drawn at random.');
    }
    const lines = plans.flatMap(({ chart }) => chart.series);
    expect(lines.filter(({ split }) => split === 'train')).toHaveLength(count);
    expect(lines.filter(({ split }) => split === 'test')).toHaveLength(count);
  });

  it('of many settings of a network are panels of one figure', async () => {
    const rates = [0.0001, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07];
    const groups = await groupsOf(
      ...rates.flatMap((learningRate) =>
        [0, 1].map((p) => ({ config: { ...partial(p), train: { learningRate } } })),
      ),
    );
    const plans = planFigures(groups).filter(({ part }) => part === 'curves');
    expect(plans.map(({ title }) => title)).toEqual([
      'Learning curves: Training and test accuracy, MLP 1×512, 7 settings',
    ]);
    const { chart } = plans[0]!;
    expect(chart.panels).toEqual(rates.map((rate) => `learningRate ${rate}`));
    expect(chart.conditions).toEqual(['true labels', 'random labels']);
    expect(chart.series).toHaveLength(7 * 2 * 2);
    expect(new Set(chart.series.map(({ name }) => name)).size).toBe(7 * 2 * 2);
    const [drawn] = await drawFigures(plans);
    for (const rate of rates) expect(drawn!.svg).toContain(`learningRate ${rate}`);
  });

  it('in panels of one condition each say which it is', async () => {
    const rates = [0.0001, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07];
    const drawn = async (p: (place: number) => number) => {
      const groups = await groupsOf(
        ...rates.map((learningRate, i) => ({
          config: { ...partial(p(i)), train: { learningRate } },
        })),
      );
      const plans = planFigures(groups).filter(({ part }) => part === 'curves');
      const [figure] = await drawFigures(plans);
      return { chart: plans[0]!.chart, svg: figure!.svg };
    };
    const mixed = await drawn((i) => (i === 3 ? 1 : 0));
    expect(mixed.chart.conditions).toEqual(['true labels', 'random labels']);
    expect(new Set(mixed.chart.colors).size).toBe(2);
    expect(mixed.svg).toContain('>random labels<');
    expect(mixed.svg).toContain('>true labels<');
    const alike = await drawn(() => 1);
    expect(alike.svg).toContain('>random labels<');
  });

  it('are drawn for a single run that still goes on', async () => {
    const groups = await groupsOf({ config: mlp, state: 'running' });
    const [figure] = await drawFigures(planFigures(groups));
    expect(figure!.caption).toContain('Shown as far as they are: 1 running.');
    expect(figure!.svg).toMatch(/^<svg role="img" aria-label="Learning curves: Training and test/);
  });
});

describe('planFigures', () => {
  it('shows the richest of figures with the same lines, and counts the others', async () => {
    const shorter = (config: object) => ({ ...config, train: { epochs: 7 } });
    const groups = await groupsOf(
      ...[0, 0.5, 1].map((p) => ({ config: partial(p) })),
      ...[0, 1].map((p) => ({ config: shorter(partial(p)) })),
    );
    const figures = planFigures(groups).filter(({ part }) => part === '1c');
    expect(figures).toHaveLength(1);
    expect(figures[0]!.chart.points).toHaveLength(3);
    expect(figures[0]!.caption).toContain('Another group of runs shows no more of it');
  });

  it('gives figures of configs with the same caption names and titles of their own', async () => {
    const groups = await groupsOf(
      { config: mlp },
      { config: { ...mlp, train: { momentum: 0.5 } } },
      { config: { ...mlp, regularization: { weightDecay: 0.1 } } },
    );
    const plans = planFigures(groups);
    expect(plans.map(({ id }) => id)).toEqual([
      'curves-mlp-1x512-cifar-10-50000',
      'curves-mlp-1x512-cifar-10-50000-2',
      'curves-mlp-1x512-cifar-10-50000-weight-decay-0-1',
    ]);
    const title = 'Learning curves: Training and test accuracy, MLP 1×512';
    expect(plans.map((plan) => plan.title)).toEqual([
      `${title}, no regularizer, momentum 0.9`,
      `${title}, no regularizer, momentum 0.5`,
      `${title}, weight decay 0.1`,
    ]);
  });

  it('gives a condition the same color in every figure, and those of a figure different ones', async () => {
    const some = (shares: number[], config: object) =>
      shares.map((p) => ({ config: { ...partial(p), ...config }, losses: [2, 1] }));
    const groups = await groupsOf(
      ...some([0, 0.1, 0.2, 0.3, 0.4], {}),
      ...some([0.3, 0.4, 0.5, 0.6, 0.7, 1], { train: { momentum: 0.5 } }),
      ...some([0, 1], { train: { momentum: 0.1 } }),
    );
    const colors = new Map<string, number>();
    for (const { chart } of planFigures(groups)) {
      expect(new Set(chart.colors).size).toBe(chart.conditions.length);
      chart.conditions.forEach((condition, i) => {
        const key = `${chart.means}: ${condition}`;
        expect(chart.colors![i]).toBe(colors.get(key) ?? chart.colors![i]);
        colors.set(key, chart.colors![i]!);
      });
    }
    expect(colors.size).toBeGreaterThan(8);
  });
});
