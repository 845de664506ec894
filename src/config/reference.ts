import { boundsOf, type JsonSchema, mappingOf } from './json-schema.js';

interface Entry {
  path: string;
  schema: JsonSchema;
}

/**
 * Every key of a config as a Markdown page, from the schema that configs are checked with: a table for each section.
 *
 * @param schema Of the whole config.
 */
export function configReference(schema: JsonSchema): string {
  const own: Entry[] = [];
  const sections: string[] = [];
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (key === '$schema') continue;
    const inner = mappingOf(property);
    if (inner === undefined || key === 'corruption') own.push({ path: key, schema: property });
    if (inner !== undefined) sections.push(section(key, property, inner));
  }
  return [
    '# Configuration',
    '',
    'Written by `npm run schema` from the schema itself. A config is YAML or JSON; every key may be left out, an unknown',
    'one is an error. On the command line the same keys are overrides: `rethink-gen run my.yaml train.epochs=20`.',
    '',
    '## Top level',
    '',
    table(own),
    ...sections,
    '',
  ].join('\n');
}

function section(key: string, property: JsonSchema, inner: JsonSchema): string {
  const head = property.description ? [`${property.description}`, ''] : [];
  return ['', `## ${key}`, '', ...head, table(entries(key, inner))].join('\n');
}

function entries(prefix: string, schema: JsonSchema): Entry[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const path = `${prefix}.${key}`;
    const inner = mappingOf(property);
    const self = [{ path, schema: property }];
    return inner === undefined ? self : [...self, ...entries(path, inner)];
  });
}

function table(rows: Entry[]): string {
  const cells = rows.map(({ path, schema }) => [
    `\`${path}\``,
    typeOf(schema),
    schema.default === undefined || JSON.stringify(schema.default) === '{}'
      ? ''
      : `\`${JSON.stringify(schema.default)}\``,
    (schema.description ?? '').replaceAll('|', '\\|'),
  ]);
  const lines = [['key', 'value', 'default', 'meaning'], ['---', '---', '---', '---'], ...cells];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((name) => `\`${name}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join('; ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object') return 'mapping';
  const bounds = boundsOf(schema, ['≥', '>', '≤', '<']);
  return [schema.type ?? 'any', ...(bounds.length > 0 ? [bounds.join(', ')] : [])].join(' ');
}
