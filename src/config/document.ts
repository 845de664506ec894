import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument as parseYaml,
  type Document as YamlDocument,
} from 'yaml';
import { jsonErrorOffset } from './json-syntax.js';
import { ConfigError, formatPath, type Key } from './problems.js';

/** Text that was read as YAML or JSON, and where in it each key and value stands. */
export interface ParsedDocument {
  value: unknown;
  /**
   * `line:column` (from 1) of a key or of its value; of the nearest one around it where the path itself is absent, and
   * `undefined` where that is the whole document.
   */
  locate(path: readonly Key[], part: 'key' | 'value'): string | undefined;
}

/** Names that reach an object's prototype when they are assigned. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Aliases can write a file of any size in a few lines; no config of 1 MiB has more values than this. */
const MOST_VALUES = 1_000_000;

/**
 * Reads YAML 1.2 (core schema: no custom tags, no merge keys) or strict JSON.
 *
 * @param where What stands before `:line:column` in errors; a file's name.
 * @throws ConfigError for a syntax error, a duplicate or forbidden key, a tag, or aliases without end.
 */
export function parseDocument(
  text: string,
  format: 'yaml' | 'json',
  where: string,
): ParsedDocument {
  const lines = new LineCounter();
  // Duplicate keys are looked for below: the parser's own search is quadratic in their number.
  const document = parseYaml(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    resolveKnownTags: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return `${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const fail = (offset: number, message: string, hint?: string): never => {
    throw new ConfigError([{ where: `${where}:${position(offset)}`, message, hint }], where);
  };

  const strict = format === 'json' ? parseJson(text, fail) : undefined;
  const syntaxError = document.errors[0] ?? document.warnings[0];
  if (syntaxError !== undefined) fail(syntaxError.pos[0], ...describeYamlError(syntaxError));
  const value = new Converter(document, fail).convert(document.contents, []);
  return {
    value: format === 'json' ? strict : value,
    locate(path, part) {
      const offset = findOffset(document, path, part);
      return offset === undefined ? undefined : position(offset);
    },
  };
}

type Fail = (offset: number, message: string, hint?: string) => never;

function parseJson(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const offset = jsonErrorOffset(text);
    const found = text.codePointAt(offset);
    return found === undefined
      ? fail(offset, 'the JSON ends too early.')
      : fail(
          offset,
          `this is not JSON from ${JSON.stringify(String.fromCodePoint(found))} on.`,
          'JSON takes no comments, no trailing commas and only double quotes; a .yaml file is more forgiving.',
        );
  }
}

function describeYamlError(error: { code: string; message: string }): [string, string?] {
  const [sentence = ''] = error.message.split('\n');
  if (error.code === 'TAG_RESOLVE_FAILED') {
    return [`${sentence}.`, 'A config takes plain values; quote a text that begins with "!".'];
  }
  if (error.code === 'MULTIPLE_DOCS') return ['a config is one document: take out the "---".'];
  return [`this is not valid YAML: ${sentence.replace(/\.$/, '')}.`];
}

/** Turns nodes into plain values and refuses what a config must not hold. */
class Converter {
  private readonly expanding = new Set<Node>();
  private count = 0;

  constructor(
    private readonly document: YamlDocument,
    private readonly fail: Fail,
  ) {}

  convert(node: unknown, path: Key[]): unknown {
    if (node === null || node === undefined) return null;
    const offset = (node as Node).range?.[0] ?? 0;
    if (++this.count > MOST_VALUES)
      this.fail(offset, 'the aliases expand to more than a million values.');
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item, i) => this.convert(item, [...path, i]));
    if (isAlias(node))
      return this.convertAlias(node.source, node.resolve(this.document), offset, path);
    if (!isMap(node)) return this.fail(offset, 'this is no value a config can hold.');
    const result: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const name = this.keyName(key, path, result);
      result[name] = this.convert(value, [...path, name]);
    }
    return result;
  }

  private convertAlias(
    name: string,
    target: Node | undefined,
    offset: number,
    path: Key[],
  ): unknown {
    if (target === undefined) return this.fail(offset, `*${name} is not defined above.`);
    if (this.expanding.has(target)) return this.fail(offset, `*${name} contains itself.`);
    this.expanding.add(target);
    const value = this.convert(target, path);
    this.expanding.delete(target);
    return value;
  }

  private keyName(key: unknown, path: Key[], siblings: Record<string, unknown>): string {
    const offset = (key as Node | null)?.range?.[0] ?? 0;
    if (!isScalar(key)) return this.fail(offset, 'a key must be a name.');
    const name = String(key.value);
    const shown = formatPath([...path, name]);
    if (FORBIDDEN_KEYS.has(name)) return this.fail(offset, `${shown} is not allowed as a key.`);
    if (Object.hasOwn(siblings, name)) return this.fail(offset, `${shown} is given twice.`);
    return name;
  }
}

function findOffset(
  document: YamlDocument,
  path: readonly Key[],
  part: 'key' | 'value',
): number | undefined {
  let node: unknown = document.contents;
  let found: number | undefined;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    let key: unknown;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) return found;
      key = pair.key;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (node === undefined) return found;
    } else {
      return found;
    }
    const keyOffset = (key as Node | undefined)?.range?.[0];
    const valueOffset = (node as Node | null)?.range?.[0];
    const last = depth === path.length - 1;
    found = last && part === 'value' ? (valueOffset ?? keyOffset) : (keyOffset ?? valueOffset);
  }
  return found;
}

/**
 * Reads one value that stands alone, such as an override's.
 *
 * @throws ConfigError as `parseDocument`, without a position: in a few characters it would only confuse.
 */
export function parseValue(text: string, where: string): unknown {
  try {
    return parseDocument(text, 'yaml', where).value;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      error.problems.map((problem) => ({ ...problem, where })),
      where,
    );
  }
}
