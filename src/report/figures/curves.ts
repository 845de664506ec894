import { CORRUPTIONS, corruptedShare } from '../../config/corruptions.js';
import { dataLabel } from '../../config/datasets.js';
import type { LineChart, Meaning, Split } from '../charts/chart.js';
import { MOST_CONDITIONS } from '../charts/theme.js';
import { corruptionLabel, modelLabel } from '../describe.js';
import { families, type Group, groupBy } from '../groups.js';
import { bySettings, tellApart } from '../tell-apart.js';
import { conditionsIn, type FigurePlan, planOf, pointAt, started, trainCount } from './common.js';

const BOTH = 'Training and test accuracy';
const AGAINST =
  'Training accuracy is against the labels trained on, test accuracy against true labels.';
const ACCURACY: Record<Split, string> = { train: 'Training accuracy', test: 'Test accuracy' };

/** Above this many conditions, training and test accuracy get a figure each. */
const MOST_TOGETHER = 3;

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
    those.length > MOST_FIGURES
      ? [panels(those)]
      : those.flatMap((family) => splitsFor(family.length).map((splits) => curves(family, splits))),
  );
}

function aboutNetwork({ config, runs }: Group): string {
  return [modelLabel(config.model), dataLabel(config.data.name), trainCount(runs[0]!)].join(', ');
}

function shortLabel({ config }: Group): string {
  return corruptionLabel(config.corruption, 'legend');
}

/** What p is in the legends. */
function legendNotes(groups: readonly Group[]): string[] {
  const partial = groups
    .flatMap(({ config }) => config.corruption)
    .filter(({ fraction }) => fraction > 0 && fraction < 1);
  const notes = partial.map(({ kind }) => CORRUPTIONS[kind].legend?.p);
  return [...new Set(notes)].flatMap((p) => (p === undefined ? [] : [`p: ${p}.`]));
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
    title: `${BOTH}, ${modelLabel(groups[0]!.config.model)}, ${those.length} settings`,
    differs: { regularization: true, loss: true },
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

/** Labels, with a number where two are the same: labels don't tell all in which configs can differ. */
export function numbered(labels: readonly string[]): string[] {
  return labels.map((label, i) => {
    const before = labels.slice(0, i).filter((other) => other === label).length;
    return before === 0 ? label : `${label} (${before + 1})`;
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
