import { nearest } from '../../config/nearest.js';
import { RethinkError } from '../../errors.js';
import { type Condition, holds, numberIn, parseCondition } from '../../results/condition.js';
import { THEORY_NUMBERS, type TheoryResult } from '../../results/theory.js';
import { EPOCH_COLUMNS, type StoredEpochRow } from '../../results/training.js';

/** A condition on a number of the last epoch, or on a finding of the theory: `train_accuracy>=90%`, `fitted>=50000`. */
export type Expectation = Condition;

/**
 * Reads `column>=number`, as `--where` is read; what is compared is a number.
 *
 * @throws RethinkError (`usage`) naming the columns there are.
 */
export function parseExpectation(text: string): Expectation {
  const condition = parseCondition(text, '--expect', ['train_accuracy>=0.9']);
  const { key, operator, value } = condition;
  if (operator.endsWith('~') || numberIn(value) === null) {
    throw new RethinkError('usage', `--expect '${text}' does not compare with a number.`, {
      hint: "For example: --expect 'train_accuracy>=0.9' (!= <= >= = < >).",
    });
  }
  const training: readonly string[] = EPOCH_COLUMNS;
  const theory = THEORY_NUMBERS.filter((name) => !training.includes(name));
  const columns = [...training, ...theory];
  if (!columns.includes(key)) {
    const close = nearest(key, columns);
    throw new RethinkError('usage', `--expect '${text}': there is no column ${key}.`, {
      hint: close
        ? `Did you mean ${close}?`
        : `Columns: ${training.join(', ')}; of experiments of the theory: ${theory.join(', ')}.`,
    });
  }
  return condition;
}

/** What is not as expected, a sentence each: both numbers in it. Empty where all is well. */
export function unmet(
  expectations: readonly Expectation[],
  measured: StoredEpochRow | TheoryResult | null,
): string[] {
  return expectations.flatMap((expectation) => {
    const { key, text } = expectation;
    if (measured === null) return [`expected ${text}, but no epoch was evaluated.`];
    const actual = (measured as unknown as Record<string, unknown>)[key];
    if (typeof actual !== 'number') return [`expected ${text}, but this run has no ${key}.`];
    if (holds(expectation, [actual])) return [];
    const when = 'epoch' in measured ? ` at the end of epoch ${measured.epoch}` : '';
    return [`expected ${text}, but ${key} is ${actual}${when}.`];
  });
}
