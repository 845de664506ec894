import { extname } from 'node:path';
import { readText } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import type { TransitionMatrix } from './transition.js';

/** Rounded in the last of six digits, a row of ten may be off by this much. */
const ROW_TOLERANCE = 1e-4;

/** A thousand classes, with all digits of a double. */
const MOST_BYTES = 16 * 2 ** 20;

/**
 * Reads T[i][j] = P(noisy = j | true = i): a JSON array of rows, or CSV without a header, one row for each true class.
 *
 * @throws RethinkError (`data`) where the file can't be read or holds no row-stochastic matrix of that size.
 */
export function readTransition(path: string, classes: number): TransitionMatrix {
  return checkTransition(parse(readText(path, MOST_BYTES), path), classes, path);
}

/**
 * @param what Named in the error: a file.
 * @throws RethinkError (`data`) naming the row.
 */
export function checkTransition(value: unknown, classes: number, what: string): TransitionMatrix {
  const rows = Array.isArray(value) ? (value as unknown[]) : [];
  if (rows.length !== classes) {
    throw invalid(what, `it has ${rows.length} rows, and there are ${classes} classes`);
  }
  return rows.map((row, i) => {
    const entries = Array.isArray(row) ? (row as unknown[]) : [];
    const isProbability = (p: unknown): p is number => typeof p === 'number' && p >= 0 && p <= 1;
    if (entries.length !== classes || !entries.every(isProbability)) {
      throw invalid(what, `row ${i + 1} is not ${classes} numbers from 0 to 1`);
    }
    const sum = entries.reduce((total, p) => total + p, 0);
    if (Math.abs(sum - 1) > ROW_TOLERANCE) {
      throw invalid(what, `row ${i + 1} sums to ${sum}, not to 1`);
    }
    return entries.map((p) => p / sum);
  });
}

function invalid(what: string, why: string): RethinkError {
  return new RethinkError('data', `${what} is no transition matrix: ${why}.`, {
    hint: 'Row i holds the probabilities of each label for an example whose true class is i.',
  });
}

function parse(text: string, path: string): unknown {
  if (extname(path).toLowerCase() !== '.json') {
    const number = (cell: string) => (cell.trim() === '' ? Number.NaN : Number(cell));
    return text
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(',').map(number));
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RethinkError('data', `${path} is not valid JSON.`, { cause: error });
  }
}
