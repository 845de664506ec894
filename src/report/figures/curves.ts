import { CORRUPTIONS, corruptedShare } from '../../config/corruptions.js';
import type { LineChart, Meaning, Split } from '../charts/chart.js';
import { MOST_CONDITIONS } from '../charts/theme.js';
import { corruptionLabel, modelLabel } from '../describe.js';
import { families, type Group, groupBy } from '../groups.js';
import { conditionsIn, type FigurePlan, planOf, pointAt, started } from './common.js';

const ACCURACY: Record<Split, string> = { train: 'Training accuracy', test: 'Test accuracy' };

/** Above this many conditions, training and test accuracy get a figure each. */
const MOST_TOGETHER = 3;

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
  return families(groups, ['corruption']).flatMap((family) => {
    const shown = started(family).toSorted((a, b) => order(a) - order(b));
    if (shown.length === 0) return [];
    return splitsFor(shown.length).map((splits) => curves(shown, splits));
  });
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
    title: `${only ? ACCURACY[only] : 'Training and test accuracy'}, ${modelLabel(groups[0]!.config.model)}`,
    before: [
      'Training accuracy is against the labels trained on, test accuracy against true labels.',
      ...legendNotes(groups),
    ],
    chart,
  });
}

/** Labels, with a number where two are the same: labels don't tell all in which configs can differ. */
function apart(labels: readonly string[]): string[] {
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
  const conditions = apart(groups.map(label));
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
    ...conditionsIn(series),
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
