import { deriveSeed } from '../random.js';
import type { FlatConfig } from './flat.js';
import { canonicalJson, isOutsideHash } from './hash.js';
import { schemasAt } from './keys.js';
import { MODELS } from './models.js';
import { parsePath } from './problems.js';

/** Sections whose keys depend on a kind: one that another kind lacks is no difference of its own. */
const KINDS: Record<string, string> = {
  model: 'model.name',
  corruption: 'corruption.kind',
  loss: 'loss.correction',
  theory: 'experiment',
};

/** What is told first. */
const FIRST = ['experiment', 'model', 'data', 'corruption', 'loss', 'regularization', 'train'];
const LAST = ['seed', 'seeds', 'engine'];

const sectionOf = (key: string) => key.split('.', 1)[0]!;

/** What of a key the configs have. */
interface Seen {
  values: Set<unknown>;
  count: number;
  /** How many of each kind have it. */
  byKind: Map<unknown, number>;
}

/**
 * Keys in which configs differ: what was swept, by a sweep or by hand. Left out are what no number depends on, and what follows
 * from another key: seeds derived from `seed`, keys of one model alone, the learning rate where it is the model's default.
 */
export function sweptKeys(configs: readonly FlatConfig[]): string[] {
  const seen = new Map<string, Seen>();
  const kinds = new Map<string, Map<unknown, number>>();
  for (const config of configs) {
    for (const [key, value] of config) {
      if (isOutsideHash(key) || key === '$schema') continue;
      const kind = config.get(KINDS[sectionOf(key)] ?? '');
      const entry = seen.get(key) ?? { values: new Set(), count: 0, byKind: new Map() };
      entry.values.add(typeof value === 'object' ? JSON.stringify(value) : value);
      entry.count++;
      entry.byKind.set(kind, (entry.byKind.get(kind) ?? 0) + 1);
      seen.set(key, entry);
    }
    for (const [section, of] of Object.entries(KINDS)) {
      const counts = kinds.get(section) ?? new Map<unknown, number>();
      counts.set(config.get(of), (counts.get(config.get(of)) ?? 0) + 1);
      kinds.set(section, counts);
    }
  }
  const differing = [...seen].filter(([key, entry]) => differs(key, entry, configs.length, kinds));
  return told(
    differing.map(([key]) => key),
    configs,
  );
}

function differs(
  key: string,
  { values, count, byKind }: Seen,
  all: number,
  kinds: ReadonlyMap<string, ReadonlyMap<unknown, number>>,
): boolean {
  if (values.size > 1) return true;
  if (count === all) return false;
  const section = sectionOf(key);
  const counts = key === KINDS[section] ? undefined : kinds.get(section);
  if (counts !== undefined) return [...byKind].some(([kind, has]) => has < counts.get(kind)!);
  // What an earlier version did not write had its default.
  return defaultOf(key) === undefined || !values.has(defaultOf(key));
}

/** What a config of an earlier version, which lacks a key, has of it; `undefined` where nothing, or where its kind decides. */
export function defaultOf(key: string): unknown {
  if (Object.hasOwn(KINDS, sectionOf(key))) return undefined;
  return schemasAt(parsePath(key)).find((schema) => schema.default !== undefined)?.default;
}

/** Without what says the same as another key, in the order in which they are told. */
function told(keys: readonly string[], configs: readonly FlatConfig[]): string[] {
  const hasAll = (key: string) => configs.every((config) => config.has(key));
  const isNamed = (key: string) => {
    const parent = key.slice(0, key.lastIndexOf('.'));
    return keys.includes(parent) && hasAll(parent);
  };
  // A short name that only some have is told by what it means.
  const isPartial = (key: string) =>
    !hasAll(key) && keys.some((other) => other.startsWith(`${key}.`));
  return keys
    .filter((key) => !isNamed(key) && !isPartial(key) && !configs.every((c) => follows(key, c)))
    .sort((a, b) => rank(a) - rank(b));
}

/** Whether a value is what another key of its config gives by default. */
function follows(key: string, config: FlatConfig): boolean {
  const value = config.get(key);
  const [, section, name] = /^(seeds|model|train)\.(\w+)$/.exec(key) ?? [];
  if (name === undefined) return false;
  const seed = config.get('seed');
  if (section === 'seeds') return typeof seed === 'number' && value === deriveSeed(seed, name);
  const row = Object.entries(MODELS).find(([model]) => model === config.get('model.name'))?.[1];
  const byModel: Record<string, unknown> = {
    ...row?.keys,
    ...(section === 'train' && { learningRate: row?.learningRate }),
  };
  // The name itself is no key of a model's own.
  return (
    value === undefined ||
    (name in byModel && canonicalJson(value) === canonicalJson(byModel[name]))
  );
}

function rank(key: string): number {
  const section = sectionOf(key);
  if (LAST.includes(section)) return FIRST.length + 1 + LAST.indexOf(section);
  return FIRST.includes(section) ? FIRST.indexOf(section) : FIRST.length;
}

/** Of a config the keys that were swept and that it has, with their values. */
export function sweptValues(config: FlatConfig, keys: readonly string[]): [string, unknown][] {
  return keys.flatMap((key): [string, unknown][] =>
    config.has(key) ? [[key, config.get(key)]] : [],
  );
}
