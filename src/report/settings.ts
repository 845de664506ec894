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

/** In what configs of one figure, or of figures of one title, differ: `learningRate 0.1, momentum 0.5`, one text each. */
export function tellApart(configs: readonly Config[]): string[] {
  const flats = configs.map(flatConfig);
  const keys = tellingKeys(flats);
  const last = (key: string) => key.split('.').at(-1)!;
  const shortOf = (key: string) =>
    keys.filter((other) => last(other) === last(key)).length > 1 ? key : last(key);
  return flats.map((flat) =>
    keys.map((key) => `${shortOf(key)} ${flat[key] ?? 'none'}`).join(', '),
  );
}

/** An order for configs by the same keys: numbers as numbers, what is missing first. */
export function bySettings(configs: readonly Config[]): (a: Config, b: Config) => number {
  const keys = tellingKeys(configs.map(flatConfig));
  return (a, b) => {
    const [left, right] = [flatConfig(a), flatConfig(b)];
    const key = keys.find((each) => left[each] !== right[each]);
    return key === undefined ? 0 : compareScalars(left[key] ?? null, right[key] ?? null);
  };
}

function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [a ?? '', b ?? ''].map(String) as [string, string];
  return left < right ? -1 : 1;
}

/** Of those in which configs differ, what a title may say: in the others the lines of one figure differ. */
function tellingKeys(flats: readonly Record<string, Scalar>[]): string[] {
  const own = /^(name|seed|seeds|record|corruption|engine|launcher)(\.|$)/;
  return differingKeys(flats).filter((key) => !own.test(key));
}
