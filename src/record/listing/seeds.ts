import { type CorruptionConfig, effective, identity } from '../../config/corruptions.js';
import type { FlatConfig } from '../../config/flat.js';
import { canonicalJson, isOutsideHash, isRepeated } from '../../config/hash.js';
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

/** The corruptions that a config comes to, whatever version wrote it. */
function corruptionsOf(config: FlatConfig): CorruptionConfig[] {
  const items = new Map<string, Record<string, unknown>>();
  for (const [key, value] of config) {
    const [, place = '', name] = /^corruption\.(?:(\d+)\.)?([^.]+)$/.exec(key) ?? [];
    if (name !== undefined) items.set(place, { ...items.get(place), [name]: value });
  }
  // What several are together stands beside them.
  if (items.size > 1) items.delete('');
  const given = [...items.values()].map((item) => ({ fraction: 1, ...item }) as CorruptionConfig);
  return effective(given.filter(({ kind }) => (kind as string) !== 'none'));
}

function conditionsOf(config: FlatConfig): string {
  const isKept = (key: string) =>
    !isRepeated(key) && !isOutsideHash(key) && key !== '$schema' && !/^corruption(\.|$)/.test(key);
  return part(config, isKept) + canonicalJson(corruptionsOf(config).map(identity));
}

/** As `repetition` of a resolved config. */
function seedsOf(config: FlatConfig): string {
  const drawn = corruptionsOf(config).length > 0;
  // Derived seeds stand there beside the one that they are derived from.
  const hasOwn = [...config.keys()].some((key) => key.startsWith('seeds.'));
  return part(config, (key) => {
    if (key === 'seed') return !hasOwn;
    return key.startsWith('seeds.') && (drawn || key !== 'seeds.corruption');
  });
}

/** Runs by what they are but for their seeds, in the order in which they are first met. */
export function groupSeeds(runs: readonly ListedRun[]): SeedGroup[] {
  const groups = new Map<string, Map<string, ListedRun[]>>();
  for (const run of runs) {
    // Of a damaged one nobody knows what it is like.
    const conditions = run.problem === null ? conditionsOf(run.config) : run.path;
    const seeds = groups.get(conditions) ?? new Map<string, ListedRun[]>();
    const seed = seedsOf(run.config);
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
