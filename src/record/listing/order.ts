import type { NamedValue } from './columns.js';
import type { ListedRun } from './listed.js';
import { type SeedGroup, spreadOf } from './seeds.js';

/** By what a list is sorted. */
export interface Order {
  column: NamedValue;
  descending: boolean;
}

/** Runs in an order, the newest first among equals and where none is asked for. */
export function orderRuns(runs: readonly ListedRun[], order?: Order): ListedRun[] {
  const newest = sortedBy(runs, ({ started }) => started, true);
  if (order === undefined) return newest;
  return sortedBy(newest, (run) => order.column.values(run)[0], order.descending);
}

/** Groups by the means of their seeds. */
export function orderGroups(groups: readonly SeedGroup[], order?: Order): SeedGroup[] {
  if (order === undefined) return [...groups];
  const { column, descending } = order;
  const value = (group: SeedGroup) =>
    spreadOf(group, column)?.mean ?? column.values(group.runs[0]!)[0];
  return sortedBy(groups, value, descending);
}

/** Stable, and what has no value last, in both directions. */
export function sortedBy<T>(
  items: readonly T[],
  value: (item: T) => unknown,
  descending: boolean,
): T[] {
  const keyed = items.map((item) => ({ item, key: keyOf(value(item)) }));
  const turn = descending ? -1 : 1;
  keyed.sort(({ key: a }, { key: b }) => {
    if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
    return a === b ? 0 : turn * (a < b ? -1 : 1);
  });
  return keyed.map(({ item }) => item);
}

function keyOf(value: unknown): number | string | null {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  return value === null || value === undefined ? null : String(value);
}
