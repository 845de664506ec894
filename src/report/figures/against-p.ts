import { corruptedShare } from '../../config/corruptions.js';
import { FITTED_ACCURACY } from '../../paper.js';
import type { Axis, LineChart, Point, Series } from '../charts/chart.js';
import { modelLabel } from '../describe.js';
import { fitTimes, stopsEarly, timeToFit } from '../fit.js';
import { families, type Group, groupBy, spread } from '../groups.js';
import { testError } from '../runs.js';
import { conditionsIn, type FigurePlan, planOf, pointAt } from './common.js';

/** A network trained on labels of which different shares are corrupted. */
export interface ShareLine {
  label: string;
  groups: Group[];
}

/** The lines of Figures 1b and 1c: families of networks, each network with at least two shares. */
export function shareFamilies(groups: readonly Group[]): ShareLine[][] {
  const belonging = groups.filter(({ config }) => corruptedShare(config.corruption) !== null);
  return families(belonging, ['corruption', 'model', 'learningRate', 'batchNorm'])
    .map(linesOf)
    .filter((lines) => lines.length > 0);
}

function linesOf(family: Group[]): ShareLine[] {
  const lines = families(family, ['corruption'])
    .filter((members) => new Set(members.map(shareOf)).size > 1)
    .map((members) => ({
      label: modelLabel(members[0]!.config.model),
      groups: members.toSorted((a, b) => shareOf(a) - shareOf(b)),
    }));
  const names = groupBy(lines, ({ label }) => label);
  return lines.map((line) => {
    const { learningRate } = line.groups[0]!.config.train;
    const shared = names.get(line.label)!.length > 1;
    return shared ? { ...line, label: `${line.label}, learning rate ${learningRate}` } : line;
  });
}

export function shareOf({ config }: Group): number {
  return corruptedShare(config.corruption) ?? 0;
}

/** Figure 1b: time to fit, relative to that of true labels. */
export function figure1b(groups: readonly Group[]): FigurePlan[] {
  return shareFamilies(groups).flatMap((lines) => {
    const relative = lines.map(relativeTimes).filter((line) => line !== null);
    const points = relative.flatMap((line) => line.points);
    const atLeast = relative.flatMap((line) => line.atLeast);
    if (points.length + atLeast.length < 2) return [];
    return [
      planOf(membersOf(lines), {
        part: '1b',
        title: 'Time to fit by share of corrupted labels',
        differs: { model: true },
        before: [`Steps to ${FITTED_ACCURACY * 100} % training accuracy, relative to p = 0.`],
        after: [
          'Each bar also reaches down by the steps between two evaluations: the resolution.',
          atLeast.length > 0 && 'Hollow triangles: did not converge in at least that time.',
        ],
        chart: chartOf(lines, 'train', {
          y: { title: 'time to fit, relative to p = 0' },
          points,
          atLeast,
        }),
      }),
    ];
  });
}

function relativeTimes({ label, groups }: ShareLine) {
  const base = groups.find((group) => shareOf(group) === 0);
  const unit = base && timeToFit(base).mean;
  if (!unit) return null;
  const points: Point[] = [];
  const atLeast: Point[] = [];
  for (const group of groups) {
    const x = shareOf(group);
    const times = fitTimes(group);
    const fitted = times.filter(({ step }) => step !== null);
    const steps = spread(fitted.map(({ step }) => step! / unit));
    if (steps !== null && fitted.length === times.length) {
      const low = Math.min(...fitted.map((time) => (time.step! - time.resolution) / unit));
      points.push({ series: label, x, y: steps.mean, low, high: steps.high });
    } else if (times.length > 0) {
      const y = Math.max(...times.map((time) => time.steps / unit));
      atLeast.push({ series: label, x, y, low: y, high: y });
    }
  }
  return { points, atLeast };
}

/** Figure 1c: test error after the last epoch, of trainings that went on until everything was fitted. */
export function figure1c(groups: readonly Group[]): FigurePlan[] {
  const whole = groups.filter((group) => !stopsEarly(group));
  return shareFamilies(whole).flatMap((lines) => {
    const points = lines.flatMap(({ label, groups }) =>
      groups.flatMap((group) => pointAt(label, shareOf(group), group.runs.map(testError))),
    );
    if (points.length < 2) return [];
    const members = membersOf(lines);
    const classes = members.flatMap(({ runs }) => runs).find(({ result }) => result)?.result
      ?.data?.classes;
    return [
      planOf(members, {
        part: '1c',
        title: 'Test error by share of corrupted labels',
        differs: { model: true },
        before: ['After the last epoch, against true test labels.'],
        chart: chartOf(lines, 'test', {
          y: { title: 'test error', domain: [0, 1], format: '.0%' },
          points,
          ...(classes ? { level: { y: 1 - 1 / classes, label: 'guessing' } } : {}),
        }),
      }),
    ];
  });
}

function membersOf(lines: readonly ShareLine[]): Group[] {
  return lines.flatMap(({ groups }) => groups);
}

function chartOf(
  lines: readonly ShareLine[],
  split: Series['split'],
  chart: Pick<LineChart, 'y' | 'points' | 'atLeast' | 'level'>,
): LineChart {
  const x: Axis = { title: 'share of corrupted labels, p', domain: [0, 1] };
  const series = lines.map(({ label }) => ({ name: label, condition: label, split }));
  return { x, means: 'network', conditions: conditionsIn(series), series, ranges: 'bar', ...chart };
}
