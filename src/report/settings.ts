import { portableConfig } from '../config/portable.js';
import type { Config } from '../config/resolve.js';
import type { Scalar } from './data.js';

/** A config by its keys: `{'train.learningRate': 0.1, 'corruption.0.kind': 'random-labels', …}`. */
export function flatConfig(config: Config): Record<string, Scalar> {
  return Object.fromEntries(leaves(portableConfig(config), []));
}

function leaves(value: unknown, path: string[]): [string, Scalar][] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value as Scalar]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/** Keys in which flat configs differ, in the order in which they are first met; one that some lack is one. */
export function differingKeys(flats: readonly Record<string, Scalar>[]): string[] {
  const keys = new Set(flats.flatMap((flat) => Object.keys(flat)));
  return [...keys].filter((key) => flats.some((flat) => flat[key] !== flats[0]![key]));
}
