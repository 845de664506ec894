import { nearest } from '../../config/nearest.js';
import { RethinkError } from '../../errors.js';
import { type Condition, holds, numberIn, parseCondition } from '../../results/condition.js';
import { type NamedValue, namedValue } from './columns.js';
import type { ListedRun } from './listed.js';

/** Whether a run is among those that were asked for. */
export type Choice = (run: ListedRun) => boolean;

/**
 * Which runs are meant by conditions, all of which must hold: on columns of a list of runs (`state=finished`,
 * `test_accuracy>=0.9`) and on keys of their configs (`model.name=mlp`).
 *
 * @throws RethinkError (`usage`): a condition can't be read, or its key or value is none that there is, naming the nearest.
 */
export function parseWhere(texts: readonly string[]): Choice {
  const all = texts.map((text) => {
    const condition = parseCondition(text);
    const named = namedValue(condition.key, `--where '${text}'`);
    checkValue(condition, named);
    return { condition, named };
  });
  return (run) => all.every(({ condition, named }) => holds(condition, named.values(run)));
}

/** A value that can't be there is a slip of the pen: nothing would be found, and nobody would know why. */
function checkValue({ operator, value, text }: Condition, { name, form, words }: NamedValue): void {
  if (value === '' || (operator !== '=' && operator !== '!=')) return;
  if (words !== undefined && !words.includes(value)) {
    const close = nearest(value, words);
    throw new RethinkError('usage', `--where '${text}': ${name} is never '${value}'.`, {
      hint:
        close === undefined
          ? `It is one of ${words.join(', ')}.`
          : `Did you mean ${name}${operator}${close}?`,
    });
  }
  const isNumber = numberIn(value) !== null || /^(nan|-?infinity)$/i.test(value);
  if (form === 'text' || form === 'time' || isNumber) return;
  throw new RethinkError('usage', `--where '${text}': ${name} is a number, not '${value}'.`, {
    hint: `For example: --where '${name}>=${form === 'fraction' ? '0.9' : '10'}'.`,
  });
}
