import { boundsOf, configJsonSchema, type JsonSchema, mostOf } from './json-schema.js';
import { nearest } from './nearest.js';
import { formatPath, type Key, orList } from './problems.js';

/** All that may stand at a path: a union has several. Empty where the path is unknown. */
export function schemasAt(path: readonly Key[]): JsonSchema[] {
  let schemas = alternatives(configJsonSchema());
  for (const key of path) schemas = schemas.flatMap((schema) => children(schema, key));
  return schemas;
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return schema.anyOf ? schema.anyOf.flatMap(alternatives) : [schema];
}

function children(schema: JsonSchema, key: Key): JsonSchema[] {
  if (typeof key === 'number') return schema.items ? alternatives(schema.items) : [];
  if (schema.properties && Object.hasOwn(schema.properties, key)) {
    return alternatives(schema.properties[key]!);
  }
  return typeof schema.additionalProperties === 'object'
    ? alternatives(schema.additionalProperties)
    : [];
}

/** Names that may stand in the mapping at a path. */
export function knownKeys(path: readonly Key[]): string[] {
  return schemasAt(path).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

/** What to say to somebody who wrote a key that does not exist. `parent` is the longest part of the path that does. */
export function unknownKeyHint(parent: readonly Key[], key: Key): string {
  const siblings = knownKeys(parent);
  const close = nearest(String(key), siblings);
  if (close !== undefined) return `Did you mean ${formatPath([...parent, close])}?`;
  const elsewhere = leafPaths().filter((path) => path.split('.').at(-1) === String(key));
  if (elsewhere.length > 0) return `Did you mean ${orList(elsewhere)}?`;
  const place = parent.length === 0 ? 'Known keys' : `Known keys of ${formatPath(parent)}`;
  if (siblings.length === 0) return `${formatPath(parent)} has no keys of its own.`;
  return `${place}: ${siblings.filter((name) => name !== '$schema').join(', ')}.`;
}

/** Every `section.key` there is, two deep: where a key lives that was written in the wrong place. */
function leafPaths(): string[] {
  return knownKeys([]).flatMap((section) =>
    section === 'sweep' ? [] : knownKeys([section]).map((key) => `${section}.${key}`),
  );
}

/** What the value at a path should be, in words: `an integer from 1 to 65536`. */
export function expectationAt(path: readonly Key[]): string {
  const schemas = schemasAt(path);
  const words = [...new Set(schemas.map(expectation))];
  const names = schemas.flatMap((schema) => schema.enum ?? []);
  if (names.length === 0) return orList(words);
  // One list of names reads better than two where a union holds the same names twice.
  const others = words.filter((_, i) => schemas[i]?.enum === undefined);
  return orList([`one of ${[...new Set(names)].join(', ')}`, ...others]);
}

function expectation(schema: JsonSchema): string {
  switch (schema.type) {
    case 'integer':
      return `an integer${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return schema.minLength ? 'a text that is not empty' : 'a text';
    case 'array':
      return `a list${length(schema)}`;
    case 'object':
      return schema.properties
        ? `a mapping (${Object.keys(schema.properties).join(', ')})`
        : 'a mapping';
    default:
      return 'a value';
  }
}

function range(schema: JsonSchema): string {
  const ends = [schema.minimum, mostOf(schema)];
  if (!ends.includes(undefined)) return ` from ${ends.join(' to ')}`;
  const bounds = boundsOf(schema, ['of at least', 'greater than', 'of at most', 'less than']);
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

function length(schema: JsonSchema): string {
  if (schema.maxItems !== undefined) return ` of at most ${schema.maxItems}`;
  return schema.minItems === undefined ? '' : ` of at least ${schema.minItems}`;
}
