import { corruptedShare } from '../../config/corruptions.js';
import { dataLabel } from '../../config/datasets.js';
import { canonicalJson } from '../../config/hash.js';
import { MODELS } from '../../config/models.js';
import type { LineChart, Meaning, Split } from '../charts/chart.js';
import { MOST_CONDITIONS } from '../charts/theme.js';
import { modelLabel } from '../describe.js';
import { families, type Group, groupBy } from '../groups.js';
import { bySettings, tellApart } from '../tell-apart.js';
import {
  conditionsIn,
  type FigurePlan,
  legendNotes,
  modelRange,
  numbered,
  planOf,
  pointAt,
  shortLabel,
  started,
  trainCount,
} from './common.js';
import { crossingsOf, type ErrorLine, errorFigures } from './errors.js';

const BOTH = 'Training and test accuracy';
const AGAINST =
  'Training accuracy is against the labels trained on, test accuracy against true labels.';
const ACCURACY: Record<Split, string> = { train: 'Training accuracy', test: 'Test accuracy' };

/** Above this many conditions, training and test accuracy get a figure each. */
const MOST_TOGETHER = 3;

/** What goes no further than the default budget has an end of its own, and no time for a second descent. */
const USUAL_EPOCHS = 100;

/** Of one network with other settings; more of them are panels of one figure. */
const MOST_FIGURES = 6;

/**
 * What the figures of some conditions show: both accuracies at once where that can be read, each in a figure of its own, or,
 * where there are more conditions than can be told apart, both again in panels.
 */
export function splitsFor(conditions: number): Split[][] {
  return conditions > MOST_TOGETHER && conditions <= MOST_CONDITIONS
    ? [['train'], ['test']]
    : [['train', 'test']];
}

/** Training and test accuracy by epoch, for every network. */
export function learningCurves(groups: readonly Group[]): FigurePlan[] {
  const shown = families(groups, ['corruption'])
    .map((family) => started(family).toSorted((a, b) => order(a) - order(b)))
    .filter((family) => family.length > 0);
  const alike = groupBy(shown, ([first]) => aboutNetwork(first!));
  return [...alike.values()].flatMap((those) =>
    those.length > MOST_FIGURES ? [panels(those)] : those.flatMap(figuresOf),
  );
}

/** A network whatever its sizes, and a data set however many of it are trained on: a sweep over either is one figure. */
function aboutNetwork({ config: { model, data } }: Group): string {
  const { sizes } = MODELS[model.name];
  const shape = Object.entries(model).map(([key, value]) => [
    key,
    key in sizes ? [value].flat().length : value,
  ]);
  return canonicalJson([Object.fromEntries(shape), dataLabel(data.name)]);
}

function figuresOf(family: Group[]): FigurePlan[] {
  const lines = errorLines(family);
  if (mayDescendTwice(family, lines)) {
    const by = `epoch, ${modelLabel(family[0]!.config.model)}`;
    const axis = { title: 'epoch', format: ',d' };
    return errorFigures(family, lines, {
      name: 'descent-epochs',
      by,
      axis,
      way: 'from',
      ranges: 'band',
    });
  }
  return splitsFor(family.length).map((splits) => curves(family, splits));
}

/** Errors by epoch. */
function errorLines(family: readonly Group[]): ErrorLine[] {
  const of = (split: Split) => {
    const { points } = accuracyChart(family, 'epoch', [split], 'corruption', shortLabel);
    const errors = points.map(({ y, low, high, ...point }) => ({
      ...point,
      y: 1 - y,
      low: 1 - high,
      high: 1 - low,
    }));
    return groupBy(errors, ({ series }) => series);
  };
  const [train, test] = [of('train'), of('test')];
  return [...train].map(([condition, points]) => ({
    condition,
    points: { train: points, test: test.get(condition) ?? [] },
  }));
}

/**
 * Whether trainings went on for at least as long again as it took to interpolate their training sets, and long enough for a
 * second descent (Nakkiran 2020, section 6): their errors stand on a logarithmic axis.
 */
function mayDescendTwice(family: readonly Group[], lines: readonly ErrorLine[]): boolean {
  if (family.some(({ config }) => config.train.stop !== null)) return false;
  const end = Math.max(...lines.flatMap(({ points }) => points.train.map(({ x }) => x)));
  const crossed = crossingsOf(lines, 'from').map(({ threshold }) => threshold ?? end);
  return end > USUAL_EPOCHS && crossed.some((threshold) => threshold <= end / 2);
}

function order({ config }: Group): number {
  return corruptedShare(config.corruption) ?? 2;
}

function curves(groups: Group[], splits: Split[]): FigurePlan {
  const [only] = splits.length === 1 ? splits : [];
  const chart = accuracyChart(groups, 'epoch', splits, 'corruption', shortLabel);
  return planOf(groups, {
    part: 'curves',
    name: only ? `curves-${only}` : 'curves',
    title: `${only ? ACCURACY[only] : BOTH}, ${modelLabel(groups[0]!.config.model)}`,
    before: [AGAINST, ...legendNotes(groups)],
    chart,
  });
}

/** Families of one network, each with settings of its own, as panels of one figure. */
function panels(given: readonly Group[][]): FigurePlan {
  const compare = bySettings(given.map(([first]) => first!.config));
  const those = given.toSorted(([a], [b]) => compare(a!.config, b!.config));
  const names = numbered(tellApart(those.map(([first]) => first!.config)));
  const charts = those.map((family, i) => {
    const panel = names[i]!;
    const chart = accuracyChart(family, 'epoch', ['train', 'test'], 'corruption', shortLabel);
    const named = (name: string) => `${panel}: ${name}`;
    return {
      ...chart,
      series: chart.series.map((line) => ({ ...line, panel, name: named(line.name) })),
      points: chart.points.map((point) => ({ ...point, series: named(point.series) })),
    };
  });
  const groups = those.flat();
  const series = charts.flatMap((chart) => chart.series);
  return planOf(groups, {
    part: 'curves',
    name: 'curves-panels',
    title: `${BOTH}, ${modelRange(groups)}, ${those.length} settings`,
    differs: {
      model: new Set(groups.map(({ config }) => modelLabel(config.model))).size > 1,
      samples: new Set(groups.map(({ runs }) => trainCount(runs[0]!))).size > 1,
      regularization: true,
      loss: true,
    },
    before: [AGAINST, ...legendNotes(groups)],
    chart: {
      ...charts[0]!,
      conditions: conditionsIn(series),
      panels: names,
      series,
      points: charts.flatMap(({ points }) => points),
    },
  });
}

/** A chart of accuracies in 0…1, over the seeds that were evaluated then: a line for each group and split. */
export function accuracyChart(
  groups: readonly Group[],
  position: 'epoch' | 'step',
  splits: readonly Split[],
  means: Meaning,
  label: (group: Group) => string,
): LineChart {
  const conditions = numbered(groups.map(label));
  const lines = groups.flatMap((group, i) =>
    splits.map((split) => {
      const condition = conditions[i]!;
      const name = splits.length === 1 ? condition : `${condition}: ${split}`;
      return { group, series: { name, condition, split } };
    }),
  );
  const series = lines.map(({ series }) => series);
  const y = splits.length > 1 ? 'accuracy' : ACCURACY[splits[0]!].toLowerCase();
  return {
    x: { title: position, format: ',d' },
    y: { title: y, domain: [0, 1], format: '.0%' },
    means,
    conditions: conditionsIn(series),
    series,
    points: lines.flatMap(({ group, series: { name, split } }) => {
      const rows = group.runs.flatMap(({ metrics }) => metrics);
      const together = groupBy(rows, (row) => String(row[position])).values();
      return [...together]
        .map((seeds) => ({
          x: seeds[0]![position],
          y: seeds.map((row) => row[`${split}_accuracy`]),
        }))
        .sort((a, b) => a.x - b.x)
        .flatMap(({ x, y }) => pointAt(name, x, y));
    }),
    ranges: 'band',
  };
}
