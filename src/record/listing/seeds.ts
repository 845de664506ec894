import type { FlatConfig } from '../../config/flat.js';
import { isOutsideHash } from '../../config/hash.js';
import { type Spread, spread } from '../../results/spread.js';
import type { NamedValue } from './columns.js';
import type { ListedRun } from './listed.js';

/** Runs whose configs differ in nothing but their seeds, and in what no number depends on. */
export interface SeedGroup {
  /** Of each seed the run that has come furthest: one made twice is one sample, not two. */
  runs: ListedRun[];
  /** Further runs of the same seeds. */
  repeats: number;
}

/** Whether a key of a config is a seed. */
export const isSeed = (key: string) => key === 'seed' || key.startsWith('seeds.');

/** What of an engine makes other numbers. */
const OF_ENGINE = ['engine.name', 'engine.precision'];

function isCondition(key: string): boolean {
  if (isSeed(key) || isOutsideHash(key) || key === 'data.dir' || key === '$schema') return false;
  return !key.startsWith('engine.') || OF_ENGINE.includes(key);
}

/** Runs by what they are but for their seeds, in the order in which they are first met. */
export function groupSeeds(runs: readonly ListedRun[]): SeedGroup[] {
  const groups = new Map<string, Map<string, ListedRun[]>>();
  for (const run of runs) {
    // Of a damaged one nobody knows what it is like.
    const conditions = run.problem === null ? part(run.config, isCondition) : run.path;
    const seeds = groups.get(conditions) ?? new Map<string, ListedRun[]>();
    const seed = part(run.config, isSeed);
    seeds.set(seed, [...(seeds.get(seed) ?? []), run]);
    groups.set(conditions, seeds);
  }
  return [...groups.values()].map((seeds) => {
    const same = [...seeds.values()];
    return {
      runs: same.map((copies) => copies.reduce((best, run) => (isFurther(run, best) ? run : best))),
      repeats: same.reduce((sum, { length }) => sum + length - 1, 0),
    };
  });
}

function part(config: FlatConfig, wanted: (key: string) => boolean): string {
  return JSON.stringify(
    [...config].filter(([key]) => wanted(key)).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function isFurther(run: ListedRun, than: ListedRun): boolean {
  const ended = ({ state }: ListedRun) => (state === 'finished' ? 1 : 0);
  const by = ended(run) - ended(than);
  return by !== 0 ? by > 0 : (run.last?.step ?? 0) > (than.last?.step ?? 0);
}

/** Of a group the runs whose numbers count: one under way has not shown yet what it comes to. */
export function ended({ runs }: SeedGroup): ListedRun[] {
  return runs.filter(({ state }) => state === 'finished');
}

/** Mean and range of a column over the seeds of a group; `null` where it is no number. */
export function spreadOf(group: SeedGroup, column: NamedValue): Spread | null {
  const values = ended(group).map((run) => column.values(run)[0]);
  return spread(values.map((value) => (typeof value === 'number' ? value : null)));
}
