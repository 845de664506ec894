import { canonicalJson } from './hash.js';
import { matrixName } from './matrix.js';
import { resolveAugment } from './resolve.js';
import { AUGMENTATIONS } from './schema.js';

/**
 * A config as its leaves, by key path: `model.name`, `train.epochs`. Lists of numbers or names are leaves, and matrices, by a
 * name that tells them apart.
 */
export type FlatConfig = ReadonlyMap<string, unknown>;

/** Short names for whole mappings, as a config file may have them: they stand in a flat config beside what they mean. */
const SHORT_NAMES: Record<string, Record<string, unknown>> = {
  'regularization.augment': Object.fromEntries(
    AUGMENTATIONS.map((name) => [name, resolveAugment(name)]),
  ),
  'train.stop': { fitted: { accuracy: 1, patience: 2 } },
};

/** Sections that a name alone may stand for, and the key that it is of. */
const NAMED_BY: Record<string, string> = { corruption: 'kind' };

/**
 * The leaves of a config as a run directory holds it, of whatever version: nothing is checked.
 *
 * A list of one mapping has its keys (`corruption.kind`), a longer one with the place in it (`corruption.0.kind`); what they are
 * together stands without (`corruption.kind`: `shuffled-pixels + random-labels`).
 */
export function flatConfig(config: object): FlatConfig {
  const flat = new Map<string, unknown>();
  for (const [key, value] of Object.entries(config)) addLeaves(flat, key, value);
  return flat;
}

function addLeaves(flat: Map<string, unknown>, path: string, value: unknown): void {
  if (typeof value === 'string' && Object.hasOwn(NAMED_BY, path)) {
    flat.set(`${path}.${NAMED_BY[path]}`, value);
  } else if (Array.isArray(value)) addList(flat, path, value);
  else if (typeof value === 'object' && value !== null) addMapping(flat, path, value);
  else if (value !== undefined) flat.set(path, value);
}

function addList(flat: Map<string, unknown>, path: string, items: readonly unknown[]): void {
  if (items.length > 0 && items.every(Array.isArray)) {
    flat.set(path, matrixName(items));
    return;
  }
  const kind = Object.hasOwn(NAMED_BY, path) ? NAMED_BY[path]! : undefined;
  if (kind === undefined && !items.some((item) => typeof item === 'object')) {
    flat.set(path, items);
    return;
  }
  if (items.length === 1) {
    addLeaves(flat, path, items[0]);
    return;
  }
  if (kind !== undefined) {
    const kinds = items.map((item) => String((item as Record<string, unknown> | null)?.[kind]));
    flat.set(`${path}.${kind}`, kinds.join(' + ') || 'none');
  }
  for (const [i, item] of items.entries()) addLeaves(flat, `${path}.${i}`, item);
}

function addMapping(flat: Map<string, unknown>, path: string, mapping: object): void {
  if (Object.hasOwn(SHORT_NAMES, path)) {
    const same = canonicalJson(mapping);
    const named = Object.entries(SHORT_NAMES[path]!).find(([, is]) => canonicalJson(is) === same);
    if (named !== undefined) flat.set(path, named[0]);
  }
  for (const [key, value] of Object.entries(mapping)) addLeaves(flat, `${path}.${key}`, value);
}

/**
 * All that a flat config has of a key: of several corruptions, what each has; of a section, what it is named by (`model`: that of
 * `model.name`).
 */
export function valuesAt(flat: FlatConfig, key: string): unknown[] {
  const own = flat.get(key) ?? flat.get(`${key}.name`) ?? flat.get(`${key}.kind`);
  const section = key.split('.', 1)[0]!;
  // Only where a list has several items do its keys have places.
  if (!flat.has(`${section}.0.kind`) || key === section) return own === undefined ? [] : [own];
  const placed = [...flat]
    .filter(([path]) => path !== key && path.replace(/\.\d+(?=\.)/, '') === key)
    .map(([, value]) => value);
  return own === undefined ? placed : [own, ...placed];
}
