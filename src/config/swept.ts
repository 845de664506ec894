import { deriveSeed } from '../random.js';
import type { FlatConfig } from './flat.js';
import { canonicalJson, isOutsideHash } from './hash.js';
import { schemasAt } from './keys.js';
import { MODELS } from './models.js';
import { OPTIMIZER_NAMES, ownLearningRate } from './optimizer.js';
import { parsePath } from './problems.js';

/** Sections whose keys depend on a kind: one that another kind lacks is no difference of its own. */
const KINDS: Record<string, string[]> = {
  model: ['model.name'],
  corruption: ['corruption.kind'],
  // A correction has no name, and another loss no correction.
  loss: ['loss.name', 'loss.correction'],
  theory: ['experiment'],
  // The experiment has other keys than one of its networks.
  memorization: ['experiment'],
  'train.optimizer': ['train.optimizer.name'],
  'train.schedule': ['train.schedule.name'],
};

/** What is told first. */
const FIRST = ['experiment', 'model', 'data', 'corruption', 'loss', 'regularization', 'train'];
const LAST = ['seed', 'seeds', 'engine'];

/** The kind that a section of a config is of; `undefined` where its keys depend on none, or it has none. */
function kindOf(config: FlatConfig, section: string): unknown {
  const key = KINDS[section]?.find((each) => config.has(each));
  return key === undefined ? undefined : config.get(key);
}

const sectionOf = (key: string) => key.split('.', 1)[0]!;
/** The section whose kind decides whether there is a key, if there is one. */
const kindedSection = (key: string) =>
  Object.keys(KINDS).find((section) => key.startsWith(`${section}.`)) ?? '';

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
      const kind = kindOf(config, kindedSection(key));
      const entry = seen.get(key) ?? { values: new Set(), count: 0, byKind: new Map() };
      entry.values.add(typeof value === 'object' ? JSON.stringify(value) : value);
      entry.count++;
      entry.byKind.set(kind, (entry.byKind.get(kind) ?? 0) + 1);
      seen.set(key, entry);
    }
    for (const section of Object.keys(KINDS)) {
      const counts = kinds.get(section) ?? new Map<unknown, number>();
      const kind = kindOf(config, section);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
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
  const section = kindedSection(key);
  const counts = KINDS[section]?.includes(key) ? undefined : kinds.get(section);
  if (counts !== undefined) return [...byKind].some(([kind, has]) => has < counts.get(kind)!);
  // What an earlier version did not write had its default.
  return defaultOf(key) === undefined || !values.has(defaultOf(key));
}

/** What a config of an earlier version, which lacks a key, has of it; `undefined` where nothing, or where its kind decides. */
export function defaultOf(key: string): unknown {
  if (kindedSection(key) !== '') return undefined;
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
  // A file's digest differs where its path does, or is all that does.
  const isOfNamedFile = (key: string) =>
    key.endsWith('.sha256') && keys.includes(key.replace(/sha256$/, 'file'));
  return keys
    .filter(
      (key) =>
        !isNamed(key) &&
        !isPartial(key) &&
        !isOfNamedFile(key) &&
        !configs.every((c) => follows(key, c)),
    )
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
    ...(section === 'train' && { learningRate: defaultRate(config) ?? row?.learningRate }),
  };
  // The name itself is no key of a model's own.
  return (
    value === undefined ||
    (name in byModel && canonicalJson(value) === canonicalJson(byModel[name]))
  );
}

/** Of its optimizer; `null`: that of the model. */
function defaultRate(config: FlatConfig): number | null {
  const name = OPTIMIZER_NAMES.find((each) => each === config.get('train.optimizer.name'));
  return name === undefined ? null : ownLearningRate(name);
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
