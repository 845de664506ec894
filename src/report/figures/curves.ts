import { CORRUPTIONS, corruptedShare } from '../../config/corruptions.js';
import type { LineChart } from '../charts/lines.js';
import { corruptionLabel, modelLabel } from '../describe.js';
import { families, type Group, groupBy } from '../groups.js';
import { type FigurePlan, planOf, pointAt, readable, started } from './common.js';

const ACCURACY = { train: 'Training accuracy', test: 'Test accuracy' };
type Split = keyof typeof ACCURACY;

/** Above this many corruptions, training and test accuracy get a figure each. */
const MOST_TOGETHER = 3;

/** Training and test accuracy by epoch, for every network. */
export function learningCurves(groups: readonly Group[]): FigurePlan[] {
  return families(groups, ['corruption']).flatMap((family) => {
    const sorted = started(family).toSorted((a, b) => order(a) - order(b));
    const shown = readable(sorted);
    if (shown.length === 0) return [];
    const left = sorted.length - shown.length;
    const note =
      left > 0 ? `${left} more ${left === 1 ? 'line is' : 'lines are'} left out here.` : '';
    if (shown.length <= MOST_TOGETHER) return [curves(shown, ['train', 'test'], note)];
    return [curves(shown, ['train'], note), curves(shown, ['test'], note)];
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

function curves(groups: Group[], splits: Split[], note: string): FigurePlan {
  const [only] = splits.length === 1 ? splits : [];
  const chart = accuracyChart(groups, 'epoch', splits, (group, split) =>
    only ? shortLabel(group) : `${shortLabel(group)}: ${split}`,
  );
  return planOf(groups, {
    part: 'curves',
    name: only ? `curves-${only}` : 'curves',
    title: `${only ? ACCURACY[only] : 'Training and test accuracy'}, ${modelLabel(groups[0]!.config.model)}`,
    before: [
      'Training accuracy is against the labels trained on, test accuracy against true labels.',
      ...legendNotes(groups),
    ],
    after: [note],
    chart,
  });
}

/** A chart of accuracies in 0…1, over the seeds that were evaluated then: a line for each group and split. */
export function accuracyChart(
  groups: readonly Group[],
  position: 'epoch' | 'step',
  splits: readonly Split[],
  label: (group: Group, split: Split) => string,
): LineChart {
  const lines = groups.flatMap((group) =>
    splits.map((split) => ({ group, split, label: label(group, split) })),
  );
  const y = splits.length > 1 ? 'accuracy' : ACCURACY[splits[0]!].toLowerCase();
  return {
    x: { title: position, format: ',d' },
    y: { title: y, domain: [0, 1], format: '.0%' },
    series: lines.map(({ label }) => label),
    points: lines.flatMap(({ group, split, label }) => {
      const rows = group.runs.flatMap(({ metrics }) => metrics);
      const together = groupBy(rows, (row) => String(row[position])).values();
      return [...together]
        .map((seeds) => ({
          x: seeds[0]![position],
          y: seeds.map((row) => row[`${split}_accuracy`]),
        }))
        .sort((a, b) => a.x - b.x)
        .flatMap(({ x, y }) => pointAt(label, x, y));
    }),
    ranges: 'band',
  };
}
