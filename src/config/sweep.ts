import { isOutsideHash } from './hash.js';
import { isPrefix, type Override, parseKeyPath } from './overrides.js';
import { ConfigError, formatPath, type Key, type Problem } from './problems.js';
import type { Locate } from './validate.js';

/** More trials than anybody waits for: a slip in a grid should say so before anything runs. */
const MOST_TRIALS = 10_000;

/** The `sweep:` block as written; the schema has been over it. */
export type SweepBlock = Record<string, unknown>;

/** What each trial of a sweep sets, in order. */
export type TrialOverrides = Override[];

export interface SweepOptions {
  /** Keys set on the command line or by the environment: a sweep over them is fixed to that value. */
  fixed: readonly (readonly Key[])[];
  /** The seed that `seeds: N` counts from. */
  seed: number;
  locate: Locate;
}

/** One axis of the product: the alternatives, each a few keys set together. */
type Axis = TrialOverrides[];

/**
 * Expands a `sweep:` block. Keys (or `grid`) are a product in written order, the last one changing fastest; `zip` walks
 * lists of one length together; `trials` lists mappings; `seeds: N` repeats with seed, seed + 1, …. They multiply.
 *
 * @returns The overrides of every trial; one empty list where all keys are fixed.
 * @throws ConfigError for an unknown key, lists of unequal length, a key set twice, or too many trials.
 */
export function expandSweep(block: SweepBlock, options: SweepOptions): TrialOverrides[] {
  const reader = new SweepReader(options);
  const axes = Object.entries(block).flatMap(([key, value]) => reader.axes(key, value));
  if (reader.problems.length > 0) throw new ConfigError(reader.problems, 'the sweep');
  const count = axes.reduce((product, axis) => product * axis.length, 1);
  if (count > MOST_TRIALS) {
    const message = `sweep makes ${count} trials; at most ${MOST_TRIALS} are allowed.`;
    throw new ConfigError([{ where: options.locate(['sweep'], 'key'), message }], 'the sweep');
  }
  const trials = axes.reduce<TrialOverrides[]>(
    (product, axis) => product.flatMap((left) => axis.map((right) => [...left, ...right])),
    [[]],
  );
  checkConflicts(trials);
  return trials;
}

class SweepReader {
  readonly problems: Problem[] = [];

  constructor(private readonly options: SweepOptions) {}

  axes(key: string, value: unknown): Axis[] {
    const at: Key[] = ['sweep', key];
    if (key === 'zip') return this.zip(value as Record<string, unknown[]>, at);
    if (key === 'trials') return this.trials(value as Record<string, unknown>[], at);
    if (key === 'seeds') return this.seeds(value as number, at);
    if (key === 'grid') {
      const grid = Object.entries(value as Record<string, unknown[]>);
      return grid.flatMap(([name, values]) => this.axis(name, values, [...at, name]));
    }
    return this.axis(key, value as unknown[], at);
  }

  private axis(key: string, values: unknown[], at: Key[]): Axis[] {
    const path = this.freePath(key, at);
    if (path === undefined) return [];
    return [values.map((value, i) => [this.override(path, value, [...at, i])])];
  }

  private zip(lists: Record<string, unknown[]>, at: Key[]): Axis[] {
    const entries = Object.entries(lists);
    const lengths = new Set(entries.map(([, values]) => values.length));
    if (lengths.size > 1) {
      const told = entries.map(([key, values]) => `${key} ${values.length}`).join(', ');
      this.report(at, 'key', `sweep.zip needs lists of one length, but they have: ${told}.`);
      return [];
    }
    const columns = entries.flatMap(([key, values]) => this.axis(key, values, [...at, key]));
    const [first] = columns;
    if (first === undefined) return [];
    return [first.map((_, i) => columns.flatMap((column) => column[i]!))];
  }

  private trials(list: Record<string, unknown>[], at: Key[]): Axis[] {
    const axis = list.map((trial, i) =>
      Object.entries(trial).flatMap(([key, value]) => {
        const here = [...at, i, key];
        const path = this.freePath(key, here, key === 'name');
        return path === undefined ? [] : [this.override(path, value, here)];
      }),
    );
    return [axis];
  }

  private seeds(count: number, at: Key[]): Axis[] {
    const { seed } = this.options;
    if (seed + count - 1 > Number.MAX_SAFE_INTEGER) {
      this.report(
        at,
        'value',
        `sweep.seeds counts ${count} up from seed ${seed}, past the largest integer.`,
      );
      return [];
    }
    return [Array.from({ length: count }, (_, i) => [this.override(['seed'], seed + i, at)])];
  }

  /** The steps of a key that is known and not fixed from outside. */
  private freePath(key: string, at: Key[], mayBeOutsideHash = false): Key[] | undefined {
    const where = this.options.locate(at, 'key');
    if (key === 'sweep' || key.startsWith('sweep.')) {
      this.report(at, 'key', `${formatPath(at)} would sweep over the sweep.`);
      return undefined;
    }
    if (isOutsideHash(key) && !mayBeOutsideHash) {
      this.report(
        at,
        'key',
        `${formatPath(at)} changes no number of a run, so there is nothing to compare.`,
      );
      return undefined;
    }
    try {
      const path = parseKeyPath(key, where);
      return this.options.fixed.some((fixed) => isPrefix(fixed, path)) ? undefined : path;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.problems.push(...error.problems);
      return undefined;
    }
  }

  private override(path: Key[], value: unknown, at: Key[]): Override {
    return { path, value, origin: this.options.locate(at, 'value') };
  }

  private report(at: Key[], part: 'key' | 'value', message: string): void {
    this.problems.push({ where: this.options.locate(at, part), message });
  }
}

function checkConflicts(trials: TrialOverrides[]): void {
  for (const trial of trials) {
    for (const [i, one] of trial.entries()) {
      const other = trial
        .slice(i + 1)
        .find(({ path }) => isPrefix(one.path, path) || isPrefix(path, one.path));
      if (other === undefined) continue;
      const [first, second] = [formatPath(one.path), formatPath(other.path)];
      const message =
        first === second
          ? `${first} is swept over twice.`
          : `${second} is swept over beside ${first}, and one decides the other.`;
      throw new ConfigError([{ where: other.origin, message }], 'the sweep');
    }
  }
}

/** A trial in words: `corruption.kind=random-labels,seed=1`. */
export function trialLabel(overrides: TrialOverrides): string {
  return overrides.map(({ path, value }) => `${formatPath(path)}=${compact(value)}`).join(',');
}

function compact(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}:${compact(inner)}`)
    .join(',')}}`;
}
