import { effective, identity } from '../config/corruptions.js';
import { canonicalJson, isRepeated, repetition } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import { modelRank } from './describe.js';
import { lastRow, type ReportRun } from './runs.js';
import { settingsOf } from './settings/keys.js';

export { type Spread, spread } from '../results/spread.js';

/** Runs whose configs differ in nothing but their seeds (and in what no number depends on). */
export interface Group<R extends ReportRun = ReportRun> {
  /** Of the first run. */
  config: Config;
  /** By seed. */
  runs: R[];
}

/** Parts of a config in which the lines of one figure may differ. */
export type Varied =
  | 'corruption'
  | 'model'
  | 'learningRate'
  | 'batchNorm'
  | 'regularization'
  | 'loss'
  | 'samples';

/**
 * Trainings by what they are, repetitions left out.
 *
 * @returns In the order of the paper's networks, then as they are first met.
 */
export function groupTrainings(runs: readonly ReportRun[]): Group[] {
  const trainings = runs.filter(({ config }) => config.experiment === 'train');
  return groupRuns(trainings).sort((a, b) => modelRank(a.config.model) - modelRank(b.config.model));
}

/** The same of any experiments, in the order in which they are first met. */
export function groupRuns<R extends ReportRun>(runs: readonly R[]): Group<R>[] {
  const groups = groupBy(runs, ({ config }) => conditions(config, [])).values();
  return [...groups]
    .map((members) => withoutRepeats(members).sort((a, b) => a.config.seed - b.config.seed))
    .map((sorted) => ({ config: sorted[0]!.config, runs: sorted }));
}

/** Groups that may stand in one figure: their configs agree in all but the parts varied. */
export function families(groups: readonly Group[], varied: Varied[]): Group[][] {
  return [...groupBy(groups, ({ config }) => conditions(config, varied)).values()];
}

/**
 * A run made twice is one sample, not two, whatever machine, folder or number of threads it had: the one that has come
 * furthest is taken.
 *
 * @param runs Of one condition.
 */
function withoutRepeats<R extends ReportRun>(runs: readonly R[]): R[] {
  const repeats = groupBy(runs, ({ config }) => repetition(config)).values();
  return [...repeats].map((same) =>
    same.reduce((best, run) => (isFurther(run, best) ? run : best)),
  );
}

function isFurther(run: ReportRun, than: ReportRun): boolean {
  const ended = ({ result, theory }: ReportRun) =>
    (result !== null && result.outcome !== 'interrupted') || theory !== null ? 1 : 0;
  const by = ended(run) - ended(than);
  return by !== 0 ? by > 0 : (lastRow(run)?.step ?? 0) > (lastRow(than)?.step ?? 0);
}

/** Keys that stand for a part that may be varied; what is left of the config is kept as it is. */
const PART_OF: Record<Varied, (key: string) => boolean> = {
  corruption: (key) => key === 'corruption',
  model: (key) => key.startsWith('model.') && key !== 'model.batchNorm',
  learningRate: (key) => key === 'train.learningRate',
  batchNorm: (key) => key === 'model.batchNorm',
  regularization: (key) => key.startsWith('regularization.'),
  loss: (key) => key === 'loss',
  samples: (key) => key === 'data.limit' || key === 'data.split',
};

/** What two configs have in common that differ in nothing but their seeds and the parts varied. */
function conditions(config: Config, varied: readonly Varied[]): string {
  const left: Varied[] = varied.includes('model') ? [...varied, 'batchNorm'] : [...varied];
  const settings = settingsOf({
    ...config,
    corruption: effective(config.corruption).map(identity),
  });
  const kept = [...settings].filter(
    ([key]) => !isRepeated(key) && !left.some((part) => PART_OF[part](key)),
  );
  return canonicalJson(Object.fromEntries(kept));
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
