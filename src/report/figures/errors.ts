import { grouped } from '../../text.js';
import type { Axis, LineChart, Point, Split } from '../charts/chart.js';
import { type Group, spread } from '../groups.js';
import { type FigurePlan, legendNotes, planOf } from './common.js';
import {
  type Crossing,
  interpolationThreshold,
  marksOf,
  thresholdNote,
  type Way,
} from './threshold.js';

/** Errors under one corruption, along an axis. */
export interface ErrorLine {
  /** The corruption, and the name of the series. */
  condition: string;
  /** Ascending. */
  points: Record<Split, Point[]>;
}

interface Given {
  /** Begins the `id`s. */
  name: string;
  /** `size of the network, MLP 1×4 to MLP 1×64` */
  by: string;
  axis: Axis;
  /** On which side of the threshold the training set is fitted. */
  way: Way;
  ranges: LineChart['ranges'];
  differs?: Parameters<typeof planOf>[1]['differs'];
  /** A sentence for the caption. */
  when?: string;
}

const SPLITS: [Split, name: string, against: string][] = [
  ['test', 'Test error', 'Against true labels'],
  ['train', 'Training error', 'Against the labels trained on'],
];

/**
 * Test error and training error, with rules where the training set begins to be interpolated. Each has a figure: a peak of a
 * few percent would not be seen on an axis that holds both.
 */
export function errorFigures(
  groups: readonly Group[],
  lines: readonly ErrorLine[],
  { name, by, axis, way, ranges, differs = {}, when = '' }: Given,
): FigurePlan[] {
  const crossings = crossingsOf(lines, way);
  const conditions = lines.map(({ condition }) => condition);
  return SPLITS.map(([split, title, against]) => {
    const points = lines.flatMap((line) => line.points[split]);
    return planOf(groups, {
      part: 'descent',
      name: `${name}-${split}`,
      title: `${title} by ${by}`,
      differs,
      before: [`${against}${when}.`, ...legendNotes(groups)],
      after: [thresholdNote(crossings, axis.title), parametersNote(groups)],
      chart: {
        x: { ...axis, log: true },
        y: { title: title.toLowerCase(), domain: domainOf(points), format: '.0%' },
        means: 'corruption',
        conditions,
        series: conditions.map((condition) => ({ name: condition, condition, split })),
        points,
        ranges,
        marks: marksOf(crossings),
      },
    });
  });
}

/** Where the mean of the seeds crosses the threshold. */
export function crossingsOf(lines: readonly ErrorLine[], way: Way): Crossing[] {
  return lines.map(({ condition, points }) => {
    const fits = points.train.map(({ x, y }) => ({ x, accuracy: 1 - y }));
    return { condition, threshold: interpolationThreshold(fits, way) };
  });
}

/** All values with some room, in steps of 5 %. */
function domainOf(points: readonly Point[]): [low: number, high: number] {
  const low = Math.min(...points.map((point) => point.low));
  const high = Math.max(...points.map((point) => point.high));
  return [
    Math.max(0, Math.floor(low * 20 - 0.2)) / 20,
    Math.min(20, Math.ceil(high * 20 + 0.2)) / 20,
  ];
}

/** How large networks of different sizes are; nothing where that is one number, or not known. */
function parametersNote(groups: readonly Group[]): string | false {
  const counts = spread(groups.flatMap(({ runs }) => runs.map(({ result }) => result?.parameters)));
  if (counts === null || counts.low === counts.high) return false;
  return `The networks have ${grouped(counts.low)} to ${grouped(counts.high)} parameters.`;
}
