import { type FlatConfig, flatConfig } from '../config/flat.js';
import { portableConfig } from '../config/portable.js';
import type { Config } from '../config/resolve.js';
import { sweptKeys } from '../config/swept.js';
import { shown } from './settings/rules.js';

/** In what configs of one figure, or of figures of one title, differ: `learningRate 0.1, momentum 0.5`, one text each. */
export function tellApart(configs: readonly Config[]): string[] {
  const { flats, keys } = telling(configs);
  const last = (key: string) => key.split('.').at(-1)!;
  const shortOf = (key: string) =>
    keys.filter((other) => last(other) === last(key)).length > 1 ? key : last(key);
  const textOf = (flat: FlatConfig, key: string) => (flat.has(key) ? shown(flat.get(key)) : 'none');
  return flats.map((flat) => keys.map((key) => `${shortOf(key)} ${textOf(flat, key)}`).join(', '));
}

/** Names of configs, no two of them the same where it can be said in what they differ. */
export function namedApart(configs: readonly Config[], nameOf: (config: Config) => string) {
  const names = configs.map(nameOf);
  return names.map((name, i) => {
    const same = configs.filter((_, j) => names[j] === name);
    const told = tellApart(same)[same.indexOf(configs[i]!)];
    return told ? `${name}, ${told}` : name;
  });
}

/** An order for configs by the same keys: numbers as numbers, what is missing first. */
export function bySettings(configs: readonly Config[]): (a: Config, b: Config) => number {
  const { keys } = telling(configs);
  return (a, b) => {
    const [left, right] = [flatOf(a), flatOf(b)];
    const key = keys.find((each) => left.get(each) !== right.get(each));
    return key === undefined ? 0 : compared(left.get(key), right.get(key));
  };
}

const BY_NUMBERS = new Intl.Collator('en', { numeric: true });

const flatOf = (config: Config) => flatConfig(portableConfig(config));

function compared(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [a ?? '', b ?? ''].map(String) as [string, string];
  // A list of one number is a number.
  return BY_NUMBERS.compare(left, right) || (left < right ? -1 : 1);
}

/** Of those in which configs differ, what a title may say: in the others the lines of one figure differ. */
function telling(configs: readonly Config[]): { flats: FlatConfig[]; keys: string[] } {
  const own = /^(name|seed|seeds|record|corruption|engine|launcher)(\.|$)/;
  const flats = configs.map(flatOf);
  return { flats, keys: sweptKeys(flats).filter((key) => !own.test(key)) };
}
