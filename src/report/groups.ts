import { canonicalJson, configHash } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import { corruptionLabel, modelRank } from './describe.js';
import { lastRow, type ReportRun } from './runs.js';

/** Runs whose configs differ in nothing but their seeds (and in what no number depends on). */
export interface Group {
  /** Of the first run. */
  config: Config;
  /** By seed. */
  runs: ReportRun[];
}

/** Parts of a config in which the lines of one figure may differ. */
export type Varied =
  | 'corruption'
  | 'model'
  | 'learningRate'
  | 'batchNorm'
  | 'regularization'
  | 'loss';

/**
 * Trainings by what they are, repetitions left out.
 *
 * @returns In the order of the paper's networks, then as they are first met.
 */
export function groupTrainings(runs: readonly ReportRun[]): Group[] {
  const trainings = withoutRepeats(runs.filter(({ config }) => config.experiment === 'train'));
  const groups = [...groupBy(trainings, ({ config }) => conditions(config, [])).values()];
  return groups
    .map((members) => members.toSorted((a, b) => a.config.seed - b.config.seed))
    .map((sorted) => ({ config: sorted[0]!.config, runs: sorted }))
    .sort((a, b) => modelRank(a.config.model) - modelRank(b.config.model));
}

/** Groups that may stand in one figure: their configs agree in all but the parts varied. */
export function families(groups: readonly Group[], varied: Varied[]): Group[][] {
  return [...groupBy(groups, ({ config }) => conditions(config, varied)).values()];
}

/** A run made twice is one sample, not two: the one that has come furthest is taken. */
function withoutRepeats(runs: readonly ReportRun[]): ReportRun[] {
  const repeats = groupBy(runs, ({ config }) => configHash(config)).values();
  return [...repeats].map((same) =>
    same.reduce((best, run) => (isFurther(run, best) ? run : best)),
  );
}

function isFurther(run: ReportRun, than: ReportRun): boolean {
  const ended = (given: ReportRun) =>
    given.result !== null && given.result.outcome !== 'interrupted' ? 1 : 0;
  const by = ended(run) - ended(than);
  return by !== 0 ? by > 0 : (lastRow(run)?.step ?? 0) > (lastRow(than)?.step ?? 0);
}

/** What is either kept or varied stands in nothing else. */
const NEITHER = { corruption: null, model: null, regularization: null, loss: null };

function conditions(config: Config, varied: readonly Varied[]): string {
  const { name: _name, seed: _seed, seeds: _seeds, record: _record, engine, ...rest } = config;
  const { dir: _dir, ...data } = rest.data;
  const { learningRate, ...train } = rest.train;
  const { batchNorm, ...model } = rest.model;
  const all: Record<Varied, unknown> = {
    corruption: [corruptionLabel(rest.corruption), rest.corruption.map(({ file }) => file)],
    model,
    learningRate,
    batchNorm: varied.includes('model') ? undefined : batchNorm,
    regularization: rest.regularization,
    loss: rest.loss,
  };
  const kept = Object.entries(all).filter(([part]) => !varied.includes(part as Varied));
  const { name, precision } = engine;
  return canonicalJson({
    ...rest,
    data,
    train,
    engine: { name, precision },
    ...NEITHER,
    ...Object.fromEntries(kept),
  });
}

export function groupBy<T>(items: Iterable<T>, key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Mean and range of the seeds. */
export interface Spread {
  mean: number;
  low: number;
  high: number;
  count: number;
}

/** `null` where there is no number to speak of. */
export function spread(values: readonly (number | null | undefined)[]): Spread | null {
  const finite = values
    .filter((value) => value !== null && value !== undefined)
    .filter(Number.isFinite);
  if (finite.length === 0) return null;
  return {
    mean: finite.reduce((sum, value) => sum + value, 0) / finite.length,
    low: Math.min(...finite),
    high: Math.max(...finite),
    count: finite.length,
  };
}
