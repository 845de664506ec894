import { MEASURES, type MeasureName } from '../../results/measures.js';
import { corruptionLabel } from '../describe.js';
import { type MeasuredRuns, pairsOf } from '../measures/compare.js';
import { whatOf } from '../tables/runs.js';
import type { FigurePlan } from './common.js';

/** One of each kind; any other can be chosen in the page's own figure. */
const DRAWN: MeasureName[] = [
  'log_prod_spec_over_margin',
  'path_norm',
  'fro_distance',
  'pacbayes_mag_flatness',
];

/** The gap against a measure: a point for each run. */
export function measurePlans(all: readonly MeasuredRuns[]): FigurePlan[] {
  return all.flatMap((measured) => DRAWN.flatMap((name) => planOf(name, measured) ?? []));
}

function planOf(name: MeasureName, { about, runs }: MeasuredRuns): FigurePlan | undefined {
  const points = runs.flatMap((run, i) =>
    pairsOf(name, [run]).map(([x, y]) => ({
      name: `${whatOf(run)} (${i + 1})`,
      condition: corruptionLabel(run.config.corruption),
      x,
      y,
    })),
  );
  if (points.length < 2) return undefined;
  const { label, definition, equation } = MEASURES[name];
  const xs = points.map(({ x }) => x);
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const room = (most - least || Math.abs(most) || 1) / 20;
  return {
    id: `measures-${name.replaceAll('_', '-')}`,
    part: 'measures',
    title: `Generalization gap against ${label}`,
    about: [about],
    config: runs[0]!.config,
    caption: `${about}. A point for each run; all stopped by the same criterion. ${definition} (Jiang 2020, equation ${equation}).`,
    chart: {
      x: { title: `${label}: ${name}`, domain: [least - room, most + room] },
      y: { title: 'generalization gap', format: '.0%' },
      means: 'corruption',
      conditions: [...new Set(points.map(({ condition }) => condition))],
      ranges: 'bar',
      series: points.map((point) => ({
        name: point.name,
        condition: point.condition,
        split: 'train',
      })),
      points: points.map(({ name: series, x, y }) => ({ series, x, y, low: y, high: y })),
    },
  };
}
