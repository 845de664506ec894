import { stringify } from 'yaml';
import { wrapped } from '../text.js';
import { configJsonSchema, type JsonSchema } from './json-schema.js';
import { expectationAt } from './keys.js';
import type { Key } from './problems.js';

const WIDTH = 100;

/** Where an editor finds the schema from a folder that this package is installed in. */
export const SCHEMA_PATH = './node_modules/rethink-gen/configs/schema.json';

const HEADER = `# yaml-language-server: $schema=${SCHEMA_PATH}
#
# A config of rethink-gen. Any key may be left out: the values here are the defaults, and a key behind "#" has a
# default that depends on others. To see what would be run: rethink-gen run THIS_FILE --dry-run
`;

const SWEEP = `# A key with the values to try; one run for each combination. Also grid, zip, trials and seeds.
# sweep:
#   corruption.kind: [none, random-labels]
#   seeds: 3
`;

/** A config with every key, its default and a comment that says what it is: made from the schema, so never out of date. */
export function configTemplate(): string {
  const { properties = {} } = configJsonSchema();
  const parts = Object.entries(properties)
    .filter(([key]) => key !== '$schema' && key !== 'sweep')
    .map(([key, schema]) => entry([key], schema));
  return [HEADER, ...parts, SWEEP].join('\n');
}

function entry(path: Key[], schema: JsonSchema): string {
  const key = String(path.at(-1));
  const children = Object.entries(schema.properties ?? {});
  // A section whose keys are all behind "#" would be a key without a value, so it goes behind one as well.
  const live = children.filter(([, child]) => child.default !== undefined).length > 0;
  if (schema.default !== undefined && children.length > 0) {
    const lines = children.map(([name, child]) => entry([...path, name], child)).join('');
    const section = `${key}:\n${indent(lines, '  ')}`;
    return live ? section : indent(section.replace(/^( *)# (\w+:)$/gm, '$1$2'), '# ');
  }
  const value =
    schema.default === undefined ? `# ${key}:` : `${key}: ${stringify(schema.default).trimEnd()}`;
  return `${comment(path, schema)}${value}\n`;
}

function comment(path: Key[], { description }: JsonSchema): string {
  const expected = expectationAt(path);
  const sentence = `${expected.charAt(0).toUpperCase()}${expected.slice(1)}.`;
  return wrapped(description ? `${description} ${sentence}` : sentence, WIDTH)
    .map((line) => `# ${line}\n`)
    .join('');
}

function indent(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}
