import { stringify } from 'yaml';
import { wrapped } from '../text.js';
import { configJsonSchema, type JsonSchema, mappingOf } from './json-schema.js';
import { expectationAt } from './keys.js';
import type { Key } from './problems.js';

/** With what stands before it a line then fits the narrowest terminal that is usual. */
const WIDTH = 72;

/** Where an editor finds the schema from a folder that this package is installed in. */
export const SCHEMA_PATH = './node_modules/rethink-gen/configs/schema.json';

const HEADER = `# yaml-language-server: $schema=${SCHEMA_PATH}
#
# A config of rethink-gen. Any key may be left out: the values here are the
# defaults, and a key behind "#" has a default that depends on others.
# To see what would be run: rethink-gen run THIS_FILE --dry-run
`;

const SWEEP = `# Keys with the values to try; one run for each combination. zip walks lists
# together, trials are mappings written out, seeds runs each with so many seeds.
# sweep:
#   corruption.kind: [none, random-labels]
#   zip: { model.name: [mlp, inception], train.epochs: [60, 40] }
#   trials: [{ train.decay: 1 }, { train.decay: 0.999 }]
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
    return live ? section(path, children) : behind(section(path, children));
  }
  const nested = Object.entries(mappingOf(schema)?.properties ?? {});
  const value =
    `${key}: ${schema.default === undefined ? '' : stringify(schema.default)}`.trimEnd();
  if (nested.length === 0) {
    return `${comment(path, schema)}${schema.default === undefined ? behind(value) : value}\n`;
  }
  const explained = behind(section(path, nested));
  if (schema.default === undefined) return `${comment(path, schema)}${explained}`;
  return `${comment(path, schema)}${value}\n# or:\n${explained}`;
}

function section(path: Key[], children: [string, JsonSchema][]): string {
  const lines = children.map(([name, child]) => entry([...path, name], child)).join('');
  return `${path.at(-1)}:\n${indent(lines, '  ')}`;
}

/** Behind "#": keys that were by themselves aren't twice. */
function behind(text: string): string {
  return indent(text.replace(/^( *)# (\w+:)$/gm, '$1$2'), '# ');
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
