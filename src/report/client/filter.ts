import { nearest } from '../../config/nearest.js';
import { RethinkError } from '../../errors.js';
import { type Condition, holds, parseCondition } from '../../results/condition.js';
import type { PageData, PageRun } from '../data.js';
import { knownNames, runColumns, valuesOf } from './values.js';

/** What a filter takes, and a sentence where a part of it can't be understood: that part chooses nothing. */
export interface Filter {
  matches(run: PageRun): boolean;
  problem: string;
}

/**
 * Reads a filter as it is typed: conditions as `--where` has them (`model.name=mlp`, `test_accuracy >= 0.5`), and words that are
 * looked for anywhere; all of them must hold. What has blanks in it stands in double quotes.
 */
export function readFilter(text: string, data: PageData): Filter {
  const tests: ((run: PageRun) => boolean)[] = [];
  let problem = '';
  for (const part of partsOf(text)) {
    const condition = conditionIn(part);
    if (typeof condition === 'string') problem ||= condition;
    else if (condition === null)
      tests.push((run) => textOf(run, data).includes(part.toLowerCase()));
    else if (isKnown(condition, data)) {
      const values = valuesOf(condition.key, data);
      tests.push((run) => holds(condition, values(run)));
    } else problem ||= unknown(condition, data);
  }
  return { matches: (run) => tests.every((test) => test(run)), problem };
}

/** Words, and conditions with the blanks around their operators taken out. */
function partsOf(text: string): string[] {
  const close = text.replaceAll(/(?<=[\w.])\s*(==|!=|!~|<=|>=|[=<>~])\s*(?=\S)/g, '$1');
  return (close.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []).map((part) => part.replaceAll('"', ''));
}

/** A condition, `null` for a word, or what is wrong with one. */
function conditionIn(part: string): Condition | null | string {
  if (!/^[\w.]+(=|!=|!~|<|>|~)/.test(part)) return null;
  try {
    return parseCondition(part, 'filter');
  } catch (error) {
    if (error instanceof RethinkError) return error.message;
    throw error;
  }
}

const isKnown = ({ key }: Condition, data: PageData) =>
  knownNames(data).some(
    (name) => name === key || name.startsWith(`${key}.`) || name.replace(/\.\d+(?=\.)/, '') === key,
  );

function unknown({ key }: Condition, data: PageData): string {
  const close = nearest(key, knownNames(data));
  return `No run here has a column or key ${key}.${close === undefined ? '' : ` Did you mean ${close}?`}`;
}

/** What words are looked for in. */
function textOf(run: PageRun, data: PageData): string {
  const columns = runColumns(data).map((column) => `${column.name}=${column.told(run)}`);
  return [run.label, run.id, run.detail, `seed=${run.seed}`, ...columns].join(' ').toLowerCase();
}
