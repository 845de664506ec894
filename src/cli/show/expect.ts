import { nearest } from '../../config/nearest.js';
import { RethinkError } from '../../errors.js';
import { THEORY_NUMBERS, type TheoryResult } from '../../results/theory.js';
import { EPOCH_COLUMNS, type StoredEpochRow } from '../../results/training.js';

type Comparison = '>=' | '<=' | '>' | '<' | '==';

/** A condition on the last epoch, or on a finding of the theory: `train_accuracy>=0.9`, `fitted>=50000`. */
export interface Expectation {
  column: string;
  comparison: Comparison;
  value: number;
  text: string;
}

const COMPARE: Record<Comparison, (actual: number, wanted: number) => boolean> = {
  '>=': (actual, wanted) => actual >= wanted,
  '<=': (actual, wanted) => actual <= wanted,
  '>': (actual, wanted) => actual > wanted,
  '<': (actual, wanted) => actual < wanted,
  '==': (actual, wanted) => actual === wanted,
};

/**
 * Reads `column>=number`; `>=`, `<=`, `>`, `<` and `==` are known.
 *
 * @throws RethinkError (`usage`) naming the columns there are.
 */
export function parseExpectation(text: string): Expectation {
  const [, column = '', comparison, number = ''] =
    /^\s*(\w+)\s*(>=|<=|==|>|<)\s*(\S+)\s*$/.exec(text) ?? [];
  const value = Number(number);
  if (comparison === undefined || !Number.isFinite(value)) {
    throw new RethinkError('usage', `--expect '${text}' is not of the form column>=number.`, {
      hint: "For example: --expect 'train_accuracy>=0.9' (>=, <=, >, < or ==)",
    });
  }
  const training: readonly string[] = EPOCH_COLUMNS;
  const theory = THEORY_NUMBERS.filter((name) => !training.includes(name));
  const columns = [...training, ...theory];
  if (!columns.includes(column)) {
    const close = nearest(column, columns);
    throw new RethinkError('usage', `--expect '${text}': there is no column ${column}.`, {
      hint: close
        ? `Did you mean ${close}?`
        : `Columns: ${training.join(', ')}; of experiments of the theory: ${theory.join(', ')}.`,
    });
  }
  return { column, comparison: comparison as Comparison, value, text };
}

/** What is not as expected, a sentence each: both numbers in it. Empty where all is well. */
export function unmet(
  expectations: readonly Expectation[],
  measured: StoredEpochRow | TheoryResult | null,
): string[] {
  return expectations.flatMap(({ column, comparison, value, text }) => {
    if (measured === null) return [`expected ${text}, but no epoch was evaluated.`];
    const actual = (measured as unknown as Record<string, unknown>)[column];
    if (typeof actual !== 'number') return [`expected ${text}, but this run has no ${column}.`];
    if (COMPARE[comparison](actual, value)) return [];
    const when = 'epoch' in measured ? ` at the end of epoch ${measured.epoch}` : '';
    return [`expected ${text}, but ${column} is ${actual}${when}.`];
  });
}
