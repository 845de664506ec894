import {
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  type YAMLMap,
  YAMLParseError,
  type Document as YamlDocument,
} from 'yaml';
import { ConfigError, formatPath, type Key } from '../problems.js';
import { jsonErrorOffset } from './json-syntax.js';

/** Text that was read as YAML or JSON, and where in it each key and value stands. */
export interface ParsedDocument {
  value: unknown;
  /** Keys at the top whose values stand elsewhere, too, by an alias: some are there for nothing else. */
  anchored: ReadonlySet<string>;
  /**
   * `line:column` (from 1) of a key or of its value; of the nearest one around it where the path itself is absent, and
   * `undefined` where that is the whole document.
   */
  locate(path: readonly Key[], part: 'key' | 'value'): string | undefined;
}

/** Names that reach an object's prototype when they are assigned. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Aliases can write a file of any size in a few lines; no config of the largest size has more values than this. */
const MOST_VALUES = 100_000;

/**
 * Reads YAML 1.2 (core schema without custom tags, and the merge key `<<` of YAML 1.1) or strict JSON.
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
  const document = parseYaml(text, lines);
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
  const index: PairIndex = new Map();
  const converter = new Converter(fail);
  const value = converter.convert(document.contents, []);
  return {
    value: format === 'json' ? strict : value,
    anchored: converter.anchoredIn(document.contents),
    locate(path, part) {
      const offset = findOffset(document, path, part, index);
      return offset === undefined ? undefined : position(offset);
    },
  };
}

/** The first document of a text; its first syntax error is among its errors. */
function parseYaml(text: string, lines: LineCounter): YamlDocument.Parsed {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    // The converter merges: keys then keep their places in the file.
    merge: false,
    // Duplicate keys are looked for below: the parser's own search is quadratic in their number.
    uniqueKeys: false,
    resolveKnownTags: false,
  });
  const tokens = untilError(new Parser(lines.addNewLine).parse(text));
  const [first, second] = composer.compose(tokens, true, text.length);
  if (second !== undefined) {
    const { range } = second;
    first!.errors.push(new YAMLParseError([range[0], range[1]], 'MULTIPLE_DOCS', ''));
  }
  return first!;
}

/** One error is told; a file that is nothing but errors would be read for seconds. */
function* untilError(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  for (const token of tokens) {
    yield token;
    if (token.type === 'error') return;
  }
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
  // The parser goes down into values by calling itself.
  if (sentence.startsWith('Maximum call stack')) return ['values are nested too deeply.'];
  if (error.code === 'MULTIPLE_DOCS') return ['a config is one document: take out the "---".'];
  return [`this is not valid YAML: ${sentence.replace(/\.$/, '')}.`];
}

/** Turns nodes into plain values and refuses what a config must not hold. */
class Converter {
  private readonly expanding = new Set<Node>();
  // The library looks through the whole document for the target of each alias.
  private readonly anchors = new Map<string, Node>();
  private readonly targets = new Map<Node, Node | undefined>();
  private count = 0;

  constructor(private readonly fail: Fail) {}

  convert(node: unknown, path: Key[]): unknown {
    if (node === null || node === undefined) return null;
    const offset = (node as Node).range?.[0] ?? 0;
    this.note(node as Node);
    if (++this.count > MOST_VALUES)
      this.fail(offset, 'the aliases expand to more than 100,000 values.');
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item, i) => this.convert(item, [...path, i]));
    if (isAlias(node)) return this.convertAlias(node.source, this.targets.get(node), offset, path);
    if (!isMap(node)) return this.fail(offset, 'this is no value a config can hold.');
    const result: Record<string, unknown> = {};
    let merged: Record<string, unknown> | undefined;
    for (const { key, value } of node.items) {
      if (!isMergeKey(key)) {
        const name = this.keyName(key, path, result);
        result[name] = this.convert(value, [...path, name]);
      } else if (merged === undefined) {
        merged = this.mergedFrom(value, path);
      } else {
        this.fail(key.range![0], `${formatPath([...path, '<<'])} is given twice.`);
      }
    }
    // What is written out goes before what is merged.
    return merged === undefined ? result : { ...merged, ...result };
  }

  /** Keys of a mapping, or of several, of which the earlier go before the later. */
  private mergedFrom(node: unknown, path: Key[]): Record<string, unknown> {
    const value = this.convert(node, path);
    const all = Array.isArray(value) ? [...value].reverse() : [value];
    const isMapping = (each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each);
    if (all.every(isMapping)) return Object.assign({}, ...all);
    const offset = (node as Node | null)?.range?.[0] ?? 0;
    return this.fail(offset, '<< takes a mapping, or a list of mappings: <<: *name.');
  }

  /** Keys of a mapping whose values an alias stands for. */
  anchoredIn(node: unknown): ReadonlySet<string> {
    if (!isMap(node)) return new Set();
    const used = new Set(this.targets.values());
    const items = node.items.filter(({ key, value }) => isScalar(key) && used.has(value as Node));
    return new Set(items.map(({ key }) => String((key as Scalar).value)));
  }

  /** Notes what a node's anchor names, or its alias stands for: the last one above of that name. */
  private note(node: Node): void {
    // What an alias stands for was seen where it was written.
    if (this.expanding.size > 0) return;
    if (isAlias(node)) this.targets.set(node, this.anchors.get(node.source));
    else if ((node as { anchor?: string }).anchor) {
      this.anchors.set((node as { anchor: string }).anchor, node);
    }
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

/** The plain `<<`; in quotes it is a key like others. */
function isMergeKey(key: unknown): key is Scalar {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/** The pairs of mappings by key: each of a thousand wrong keys is looked for. */
type PairIndex = Map<YAMLMap, Map<string, Pair>>;

function pairsOf(map: YAMLMap, index: PairIndex, document: YamlDocument): Map<string, Pair> {
  const known = index.get(map);
  if (known !== undefined) return known;
  const named = map.items.filter(({ key }) => isScalar(key)).reverse();
  const merged = named
    .filter(({ key }) => isMergeKey(key))
    .flatMap(({ value }) => {
      const list = isSeq(value) ? [...value.items].reverse() : [value];
      const maps = list
        .map((each) => (isAlias(each) ? each.resolve(document) : each))
        .filter(isMap);
      return maps.flatMap((each) => [...pairsOf(each, index, document)]);
    });
  const own = named.map((pair): [string, Pair] => [String((pair.key as Scalar).value), pair]);
  const pairs = new Map([...merged, ...own]);
  index.set(map, pairs);
  return pairs;
}

function findOffset(
  document: YamlDocument,
  path: readonly Key[],
  part: 'key' | 'value',
  index: PairIndex,
): number | undefined {
  let node: unknown = document.contents;
  let found: number | undefined;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    let key: unknown;
    if (isMap(node)) {
      const pair = pairsOf(node, index, document).get(String(step));
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
