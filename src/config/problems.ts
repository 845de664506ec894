import { RethinkError } from '../errors.js';

/** A step down a config: the name in a mapping, or the index in a list. */
export type Key = string | number;

/** One thing that is wrong with a config. */
export interface Problem {
  /** File, line and column, or the override it came from; empty where nobody knows. */
  where: string;
  /** One sentence that begins with the key path. */
  message: string;
  hint?: string | undefined;
}

/** Enough to mend a file by; more would push the first ones off the screen. */
const LISTED = 20;

/** The error for a config: it carries its problems, so that several sources of them can be told in one list. */
export class ConfigError extends RethinkError {
  readonly problems: Problem[];

  /** @param what What the problems are in, for the heading of a list: a file name. */
  constructor(problems: Problem[], what: string) {
    const distinct = uniqueProblems(problems);
    const [first] = distinct;
    if (distinct.length === 1 && first !== undefined) {
      super('usage', located(first), { hint: first.hint });
    } else {
      super('usage', listed(distinct, what));
    }
    this.problems = distinct;
  }
}

/** A rule between keys that was broken: names the key, and leaves it to the caller to say where that key was set. */
export class KeyError extends RethinkError {
  readonly keyPath: Key[];

  constructor(keyPath: string, rest: string, options: { hint?: string } = {}) {
    super('usage', `${keyPath} ${rest}`, options);
    this.keyPath = parsePath(keyPath);
  }
}

function located({ where, message }: Problem): string {
  return where === '' ? message : `${where}: ${message}`;
}

function listed(problems: Problem[], what: string): string[] {
  const lines = problems
    .slice(0, LISTED)
    .map((problem) => `  ${located(problem)}${problem.hint ? ` ${problem.hint}` : ''}`);
  if (problems.length > LISTED) lines.push(`  … and ${problems.length - LISTED} more`);
  return [`${problems.length} problems in ${what}:`, ...lines];
}

/** Each once, those of a file in the order of its lines. */
function uniqueProblems(problems: Problem[]): Problem[] {
  const unique = [...new Map(problems.map((problem) => [located(problem), problem])).values()];
  const hasPosition = ({ where }: Problem) => /:\d+:\d+$/.test(where);
  const positioned = unique.filter(hasPosition);
  positioned.sort((a, b) => a.where.localeCompare(b.where, 'en', { numeric: true }));
  return [...positioned, ...unique.filter((problem) => !hasPosition(problem))];
}

/** `corruption.0.kind` as its steps; digits alone are an index. */
export function parsePath(text: string): Key[] {
  return text.split('.').map((step) => (/^\d{1,9}$/.test(step) ? Number(step) : step));
}

/** The steps as they are written: `corruption.0.kind`. A name that would confuse the eye is quoted. */
export function formatPath(path: readonly Key[]): string {
  return path
    .map((key) =>
      typeof key === 'number' || /^[\w$.-]{1,80}$/.test(key) ? String(key) : showText(key),
    )
    .join('.');
}

function showText(text: string, length = 60): string {
  return text.length > length ? `${JSON.stringify(text.slice(0, length))}…` : JSON.stringify(text);
}

/** A bad value with its type, short enough for one line: `"ten" (string)`. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing (null)';
  if (typeof value === 'string') return `${showText(value)} (string)`;
  if (typeof value !== 'object') return `${String(value)} (${typeof value})`;
  const json = JSON.stringify(value);
  const shown = json.length > 60 ? `${json.slice(0, 60)}…` : json;
  return `${shown} (${Array.isArray(value) ? 'list' : 'mapping'})`;
}

/** `a, b or c`. */
export function orList(words: readonly string[]): string {
  return joined(words, 'or');
}

/** `a, b and c`. */
export function andList(words: readonly string[]): string {
  return joined(words, 'and');
}

function joined(words: readonly string[], last: 'and' | 'or'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/**
 * Refuses the keys of a section that belong to other kinds than the one it names: they would do nothing.
 *
 * @param given Keys that a person has written there.
 * @param kinds All names, and what says which keys a kind has.
 * @throws KeyError (`usage`) for the first of them.
 */
export function refuseOthers<Name extends string>(
  section: string,
  name: Name,
  given: readonly string[],
  kinds: { names: readonly Name[]; keysOf: (name: Name) => object },
): void {
  const { names, keysOf } = kinds;
  const key = given.find((each) => !Object.hasOwn(keysOf(name), each));
  if (key === undefined) return;
  const owners = names.filter((other) => Object.hasOwn(keysOf(other), key));
  throw new KeyError(
    `${section}.${key}`,
    `is for ${andList(owners)}, and ${section}.name is ${name}.`,
  );
}
