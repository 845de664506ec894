import { effective } from '../../config/corruptions.js';
import { canonicalJson } from '../../config/hash.js';
import { MODELS, type ModelKeys, modelSize } from '../../config/models.js';
import { counted } from '../../text.js';
import type { Split } from '../charts/chart.js';
import { families, type Group, groupBy } from '../groups.js';
import { testError, trainError } from '../runs.js';
import { hasEnded } from '../tables/comparability.js';
import {
  type FigurePlan,
  modelRange,
  numbered,
  pointAt,
  shortLabel,
  trainCount,
} from './common.js';
import { errorFigures } from './errors.js';
import type { Way } from './threshold.js';

/** Fewer places on an axis are no curve. */
const LEAST_PLACES = 3;

/** Trainings that differ in their corruption and in one number: how large the network is, or how many examples it has. */
interface Sweep {
  groups: Group[];
  /** Begins its figures' `id`s. */
  name: string;
  by: string;
  /** Of the axis. */
  axis: string;
  place: (group: Group) => number | null;
  way: Way;
  differs: { model?: true; samples?: true };
}

interface Placed {
  group: Group;
  x: number;
}

/**
 * Training and test error after the last epoch against the size of the network and the number of training examples (Nakkiran
 * 2020, sections 5 and 7), a line for each corruption; its section 6, against epochs, is a form of the learning curves. A run
 * that goes on would stand beside others with fewer epochs, and is left out.
 */
export function doubleDescent(groups: readonly Group[]): FigurePlan[] {
  return [...bySize(groups), ...bySamples(groups)].flatMap((sweep) => {
    const placed = sweep.groups
      .map((group) => ({ ...group, runs: group.runs.filter(hasEnded) }))
      .flatMap((group) => {
        const x = group.runs.length === 0 ? null : sweep.place(group);
        return x === null ? [] : [{ group, x }];
      })
      .sort((a, b) => a.x - b.x);
    const isCurve = new Set(placed.map(({ x }) => x)).size >= LEAST_PLACES;
    return isCurve ? plansOf(sweep, placed) : [];
  });
}

function bySize(groups: readonly Group[]): Sweep[] {
  return families(groups, ['corruption', 'model']).flatMap((family) =>
    [...groupBy(family, ({ config }) => config.model.name).values()].flatMap((alike) => {
      const sizes = Object.entries(MODELS[alike[0]!.config.model.name].sizes);
      return (sizes as [keyof ModelKeys, string][]).flatMap(([key, axis]) =>
        [...groupBy(alike, (group) => shapeOf(group, key)).values()].map((those) => ({
          groups: those,
          name: 'descent-size',
          by: 'size of the network',
          axis,
          place: ({ config }: Group) => modelSize(config.model, key),
          way: 'from' as const,
          differs: { model: true as const },
        })),
      );
    }),
  );
}

/** A network but for one of its sizes; how many layers a list stands for is none. */
function shapeOf({ config: { model } }: Group, key: keyof ModelKeys): string {
  return canonicalJson({ ...model, [key]: [model[key]].flat().length });
}

function bySamples(groups: readonly Group[]): Sweep[] {
  return families(groups, ['corruption', 'samples']).map((family) => ({
    groups: family,
    name: 'descent-samples',
    by: 'number of training examples',
    axis: 'training examples',
    place: ({ runs }) => trainCount(runs[0]!),
    way: 'up to',
    differs: { samples: true },
  }));
}

const ERRORS = { train: trainError, test: testError };

function plansOf(sweep: Sweep, placed: readonly Placed[]): FigurePlan[] {
  const corruptions = [
    ...groupBy(placed, ({ group }) => canonicalJson(effective(group.config.corruption))).values(),
  ].sort((a, b) => noiseOf(a[0]!.group) - noiseOf(b[0]!.group));
  const conditions = numbered(corruptions.map(([first]) => shortLabel(first!.group)));
  const lines = corruptions.map((members, i) => {
    const condition = conditions[i]!;
    const of = (split: Split) =>
      members.flatMap(({ group, x }) => pointAt(condition, x, group.runs.map(ERRORS[split])));
    return { condition, points: { train: of('train'), test: of('test') } };
  });
  const groups = placed.map(({ group }) => group);
  return errorFigures(groups, lines, {
    ...sweep,
    by: `${sweep.by}, ${modelRange(groups)}`,
    axis: { title: sweep.axis, format: ',d' },
    ranges: 'bar',
    when: `, after the last epoch${leftOut(sweep.groups)}`,
  });
}

/** What is said of runs that have not ended. */
function leftOut(groups: readonly Group[]): string {
  const count = groups.flatMap(({ runs }) => runs).filter((run) => !hasEnded(run)).length;
  return count === 0 ? '' : ` (${counted(count, 'run')} left out that had not ended)`;
}

function noiseOf({ config }: Group): number {
  return effective(config.corruption).reduce((sum, { fraction }) => sum + fraction, 0);
}
