import { CORRUPTIONS, corruptedShare } from '../../config/corruptions.js';
import type { StoredEpochRow } from '../../results/training.js';
import type { LineChart, Point } from '../charts/lines.js';
import { corruptionLabel, modelLabel } from '../describe.js';
import { families, type Group, spread } from '../groups.js';
import {
  conditionsOf,
  type FigurePlan,
  readable,
  seedsNote,
  sentences,
  slug,
  unfinishedNote,
} from './common.js';

type Accuracy = 'train_accuracy' | 'test_accuracy';
type Position = 'epoch' | 'step';

/** Above this many corruptions, training and test accuracy get a figure each. */
const MOST_TOGETHER = 3;

/** Training and test accuracy by epoch, for every network. */
export function learningCurves(groups: readonly Group[]): FigurePlan[] {
  return families(groups, ['corruption']).flatMap((family) => {
    const started = family.filter(({ runs }) => runs.some(({ metrics }) => metrics.length > 0));
    const sorted = started.toSorted((a, b) => order(a) - order(b));
    const shown = readable(sorted);
    if (shown.length === 0) return [];
    const left = sorted.length - shown.length;
    const note =
      left > 0 ? `${left} more ${left === 1 ? 'line is' : 'lines are'} left out here.` : '';
    if (shown.length <= MOST_TOGETHER) return [together(shown)];
    return [apart(shown, 'train_accuracy', note), apart(shown, 'test_accuracy', note)];
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

function together(groups: Group[]): FigurePlan {
  const lines = groups.flatMap((group) =>
    (['train_accuracy', 'test_accuracy'] as const).map((key) => ({
      label: `${shortLabel(group)}: ${key === 'train_accuracy' ? 'train' : 'test'}`,
      points: pointsOf(group, key, 'epoch'),
    })),
  );
  return curvePlan(
    groups,
    'curves',
    'Training and test accuracy',
    accuracyChart(lines, 'epoch', 'accuracy'),
  );
}

function apart(groups: Group[], key: Accuracy, note: string): FigurePlan {
  const lines = groups.map((group) => ({
    label: shortLabel(group),
    points: pointsOf(group, key, 'epoch'),
  }));
  const what = key === 'train_accuracy' ? 'training accuracy' : 'test accuracy';
  const chart = accuracyChart(lines, 'epoch', what);
  const title = `${what[0]!.toUpperCase()}${what.slice(1)}`;
  return curvePlan(groups, key === 'train_accuracy' ? 'train' : 'test', title, chart, note);
}

function curvePlan(
  groups: Group[],
  kind: string,
  title: string,
  chart: LineChart,
  note = '',
): FigurePlan {
  const about = conditionsOf(groups);
  return {
    id: `${kind === 'curves' ? 'curves' : `curves-${kind}`}-${slug(about)}`,
    part: 'curves',
    title: `${title}, ${modelLabel(groups[0]!.config.model)}`,
    caption: sentences(
      `${about}.`,
      'Training accuracy is against the labels trained on, test accuracy against true labels.',
      ...legendNotes(groups),
      seedsNote(groups, 'band'),
      note,
      unfinishedNote(groups),
    ),
    chart,
  };
}

/** A chart of accuracies in 0…1. */
export function accuracyChart(
  lines: { label: string; points: Omit<Point, 'series'>[] }[],
  x: Position,
  y: string,
): LineChart {
  return {
    x: { title: x, format: ',d' },
    y: { title: y, domain: [0, 1], format: '.0%' },
    series: lines.map(({ label }) => label),
    points: lines.flatMap(({ label, points }) =>
      points.map((point) => ({ series: label, ...point })),
    ),
    ranges: 'band',
  };
}

/** Mean and range over the seeds that were evaluated then. */
export function pointsOf(
  { runs }: Group,
  key: Accuracy,
  position: Position,
): Omit<Point, 'series'>[] {
  const rows = new Map<number, StoredEpochRow[]>();
  for (const row of runs.flatMap(({ metrics }) => metrics)) {
    rows.set(row[position], [...(rows.get(row[position]) ?? []), row]);
  }
  return [...rows]
    .sort(([a], [b]) => a - b)
    .flatMap(([x, at]) => {
      const seeds = spread(at.map((row) => row[key]));
      return seeds === null ? [] : [{ x, y: seeds.mean, low: seeds.low, high: seeds.high }];
    });
}
