import { parseValue } from './file/document.js';
import { knownKeys, schemasAt, unknownKeyHint } from './keys.js';
import { nearest } from './nearest.js';
import { ConfigError, formatPath, type Key, parsePath, showValue } from './problems.js';
import { resolveAugment } from './resolve.js';
import { AUGMENTATIONS } from './schema.js';
import { withoutSecrets } from './sinks.js';

/** A value for one key that takes precedence over the file's. */
export interface Override {
  path: Key[];
  value: unknown;
  /** What to call it in an error: `override data.limit=5`, or file, line and column for one of a sweep. */
  origin: string;
}

/**
 * Reads `key.path=value`. The value is YAML (`[512, 512]`, `0.1`, `{kind: gaussian}`), but stays text where the schema
 * takes nothing else: `name=123`.
 *
 * @throws ConfigError for anything else than `key=value`, an unknown key (naming the nearest) or a value that is no YAML.
 */
export function parseOverride(text: string, given = `override ${text}`): Override {
  const origin = withoutSecrets(given);
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw problem(origin, 'an override is written key.path=value.', equalsHint(text));
  }
  const path = parseKeyPath(text.slice(0, equals).trim(), origin);
  const written = text.slice(equals + 1);
  const schemas = schemasAt(path);
  const textOnly = schemas.every((schema) => schema.type === 'string');
  return { path, value: textOnly ? written : parseValue(written, origin), origin };
}

function equalsHint(text: string): string {
  const close = nearest(text.split(/[=:]/)[0]!.trim(), knownKeys([]));
  if (close === undefined) return 'For example: data.limit=1000';
  const [child] = knownKeys([close]);
  return `For example: ${child === undefined ? close : `${close}.${child}`}=…`;
}

/**
 * A key path that the schema knows, as its steps. `sweep.` takes a whole key path behind it: `sweep.data.limit`.
 *
 * @throws ConfigError naming the nearest key.
 */
export function parseKeyPath(text: string, origin: string): Key[] {
  const path = parsePath(text);
  if (path[0] === 'sweep' && path.length > 2) return ['sweep', text.slice('sweep.'.length)];
  for (const [depth, key] of path.entries()) {
    if (schemasAt(path.slice(0, depth + 1)).length > 0) continue;
    const hint = unknownKeyHint(path.slice(0, depth), key);
    throw problem(origin, `${formatPath(path.slice(0, depth + 1))} is not a known key.`, hint);
  }
  return path;
}

/**
 * Sets the override's key in plain config values, in place; what it lies in is made where it is absent, and written out
 * where it is a short form (`corruption: gaussian`).
 *
 * @throws ConfigError where something on the way is neither a mapping nor a list that has such a place.
 */
export function applyOverride(root: Record<string, unknown>, override: Override): void {
  const { path, origin } = override;
  let place: unknown = root;
  for (const [depth, key] of path.entries()) {
    const container = asContainer(place, path.slice(0, depth), key, origin);
    if (depth === path.length - 1) container[key] = structuredClone(override.value);
    else place = container[key] = openUp(container[key], path, depth + 1);
  }
}

/** The value on the way to a deeper key, with a short form written out, so that the deeper key has a place. */
function openUp(value: unknown, path: readonly Key[], depth: number): unknown {
  if (value === undefined || value === null) return typeof path[depth] === 'number' ? [] : {};
  if (typeof value !== 'string' || typeof path[depth] === 'number') return value;
  const section = path.slice(0, depth);
  if (section[0] === 'corruption') return { kind: value };
  if (formatPath(section) === 'regularization.augment') {
    const named = AUGMENTATIONS.find((name) => name === value);
    if (named !== undefined) return resolveAugment(named);
  }
  const hasShortForm = schemasAt(section).some((schema) => schema.enum?.includes(value));
  // What is left are names that say nothing the defaults don't: stop fitted, stop never.
  return hasShortForm ? {} : value;
}

function asContainer(
  value: unknown,
  path: readonly Key[],
  key: Key,
  origin: string,
): Record<Key, unknown> {
  const name = formatPath(path);
  if (Array.isArray(value)) {
    if (typeof key === 'string') {
      throw problem(origin, `${name} is a list.`, `Name the item: ${name}.0.${key}=…`);
    }
    if (key > value.length) {
      throw problem(
        origin,
        `${name} has ${value.length} ${value.length === 1 ? 'item' : 'items'}.`,
        `The next is ${name}.${value.length}.`,
      );
    }
    return value as unknown as Record<Key, unknown>;
  }
  if (typeof value === 'object' && value !== null && typeof key === 'string') {
    return value as Record<Key, unknown>;
  }
  const wanted = typeof key === 'number' ? 'a list' : 'a mapping';
  throw problem(origin, `${name} is not ${wanted} but ${showValue(value)}.`);
}

function problem(where: string, message: string, hint?: string): ConfigError {
  return new ConfigError([{ where, message, hint }], where);
}

/** The variables that set a key, between file and command line in precedence. An empty one is as good as unset. */
const ENVIRONMENT: Record<string, string> = {
  RETHINK_GEN_ENGINE: 'engine.name',
  RETHINK_GEN_SEED: 'seed',
};

/** Overrides from the environment. */
export function environmentOverrides(env: Record<string, string | undefined>): Override[] {
  return Object.entries(ENVIRONMENT).flatMap(([variable, key]) => {
    const value = env[variable];
    if (value === undefined || value === '') return [];
    return [parseOverride(`${key}=${value}`, `environment ${variable}=${value}`)];
  });
}

/** Whether one path leads to the other or is the same: setting the first decides the second. */
export function isPrefix(prefix: readonly Key[], path: readonly Key[]): boolean {
  return prefix.length <= path.length && prefix.every((key, i) => String(key) === String(path[i]));
}
