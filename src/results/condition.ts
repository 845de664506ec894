import { RethinkError } from '../errors.js';

/** Conditions on named values: `model.name=mlp`, `test_accuracy>=0.9`, `name~cifar`. The page's own script reads them, too. */

const COMPARE = {
  '=': (order: number | null) => order === 0,
  '!=': (order: number | null) => order !== 0,
  '<': (order: number | null) => order !== null && order < 0,
  '<=': (order: number | null) => order !== null && order <= 0,
  '>': (order: number | null) => order !== null && order > 0,
  '>=': (order: number | null) => order !== null && order >= 0,
};

type Comparison = keyof typeof COMPARE;
export type Operator = Comparison | '~' | '!~';

/** In the order in which they are looked for: one that begins like another comes before it. */
export const OPERATORS: readonly Operator[] = ['!=', '!~', '<=', '>=', '=', '<', '>', '~'];

export interface Condition {
  key: string;
  operator: Operator;
  /** As it was written, without blanks around it; empty: nothing is there. */
  value: string;
  text: string;
}

const CONDITION = /^\s*([^\s=!<>~]+)\s*(==|!=|!~|<=|>=|=|<|>|~)\s*([\s\S]*?)\s*$/;

/**
 * Reads `key=value`. Operators: `=` (`==` means the same), `!=`, `<`, `<=`, `>`, `>=`, `~` (contains, whatever the case) and
 * `!~`. All behind the operator is the value, so nothing in it needs quotes but those of a shell.
 *
 * @param option What to call it in an error: `--where`.
 * @param examples What would be right.
 * @throws RethinkError (`usage`).
 */
export function parseCondition(
  text: string,
  option = '--where',
  examples: readonly string[] = ['model.name=mlp', 'test_accuracy>=0.9'],
): Condition {
  const [, key, written, value = ''] = CONDITION.exec(text) ?? [];
  if (key === undefined) {
    throw new RethinkError('usage', `${option} '${text}' is not of the form key=value.`, {
      hint: `For example: ${examples.map((like) => `${option} '${like}'`).join(' or ')} (${OPERATORS.join(' ')}).`,
    });
  }
  const operator = (written === '==' ? '=' : written) as Operator;
  if (isOrder(operator) && numberIn(value) === null && !/^\d{4}/.test(value)) {
    throw new RethinkError(
      'usage',
      `${option} '${text}': ${value === '' ? 'nothing' : `'${value}'`} has no order.`,
      {
        hint: 'What is compared by size is a number (0.9, 90 %) or a time (2026-11-24, 2026-11-24T10:15).',
      },
    );
  }
  return { key, operator, value, text };
}

function isOrder(operator: Operator): boolean {
  return operator.startsWith('<') || operator.startsWith('>');
}

/** A number as people write it, percent among them; `null` for anything else. */
export function numberIn(text: string): number | null {
  const [, digits, percent] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(\s*%)?$/i.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) / (percent === undefined ? 1 : 100);
}

/**
 * Whether a condition holds of the values that its key has; none: there is nothing of that key. Of several, one is enough for
 * `=`, orders and `~`; `!=` and `!~` ask for all.
 */
export function holds(condition: Condition, values: readonly unknown[]): boolean {
  const { operator, value } = condition;
  if (operator === '~' || operator === '!~') {
    const sought = value.toLowerCase();
    const found = values.some((given) => textOf(given).toLowerCase().includes(sought));
    return found === (operator === '~');
  }
  const there = values.filter((given) => given !== null && given !== undefined);
  if (operator === '!=') return !holds({ ...condition, operator: '=' }, values);
  if (value === '') return operator === '=' && there.length === 0;
  return there.some((given) => COMPARE[operator](orderOf(given, value)));
}

/** Below 0, 0 or above it as a value is less, equal or greater than what was written; `null` where neither is so. */
function orderOf(given: unknown, written: string): number | null {
  if (typeof given === 'number') {
    const number = numberIn(written);
    if (Number.isNaN(given)) return written.toLowerCase() === 'nan' ? 0 : null;
    if (number !== null) return given - number === 0 ? 0 : given < number ? -1 : 1;
    return String(given) === written ? 0 : null;
  }
  const text = textOf(given);
  if (typeof given === 'object') return sameList(given, written) ? 0 : null;
  return text === written ? 0 : text < written ? -1 : 1;
}

/** `[512, 512]`, with blanks or without; of a list of one, also that one. */
function sameList(given: unknown, written: string): boolean {
  const compact = (text: string) => text.replaceAll(/[\s"']/g, '');
  const text = compact(JSON.stringify(given));
  return text === compact(written) || text === `[${compact(written)}]`;
}

/** A value as it is written in a condition. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
