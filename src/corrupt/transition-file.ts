import { extname } from 'node:path';
import type { CorruptionConfig } from '../config/corruptions.js';
import { matrixFault } from '../config/matrix.js';
import { elements, valuesOf } from '../data/numpy/ndarray.js';
import { NPY_MAGIC, parseNpy } from '../data/numpy/npy.js';
import type { DatasetInfo } from '../data/types.js';
import { sha256 } from '../disk/digest.js';
import { readBounded } from '../disk/reading.js';
import { type ErrorKind, RethinkError } from '../errors.js';
import type { TransitionMatrix } from './transition.js';

/** A thousand classes, with all digits of a double. */
const MOST_BYTES = 32 * 2 ** 20;

/**
 * The matrix that a corruption names, in the config or in a file.
 *
 * @throws RethinkError: `usage` where it isn't one of the data's classes, `data` as `readTransition`, or where the file isn't the
 *   one that the config was made with.
 */
export function givenMatrix(
  { matrix, file, sha256: digest }: CorruptionConfig,
  { classes: { length } }: DatasetInfo,
): TransitionMatrix {
  if (matrix !== undefined) return checkTransition(matrix, length, 'corruption.matrix', 'usage');
  return readTransition(file!, length, digest);
}

/**
 * Reads T[i][j] = P(noisy = j | true = i): `.npy`, a JSON array of rows, or CSV without a header, one row for each true class.
 *
 * @param digest What the file was when the config was read, where it is known by that.
 * @throws RethinkError (`data`) where the file can't be read or holds no row-stochastic matrix of that size.
 */
export function readTransition(path: string, classes: number, digest?: string): TransitionMatrix {
  const bytes = readBounded(path, MOST_BYTES, 'input');
  checkDigest(path, bytes, digest);
  return checkTransition(parse(bytes, path), classes, path, 'data');
}

/** @throws RethinkError (`data`) where a file isn't what it was when the config was read. */
export function checkDigest(path: string, content: Uint8Array, digest: string | undefined): void {
  if (digest === undefined || sha256(content) === digest) return;
  throw new RethinkError(
    'data',
    `${path} is not the file that the config was made with: its SHA-256 is ${sha256(content).slice(0, 12)}…, not ${digest.slice(0, 12)}….`,
    { hint: 'Put that file back, or start a new run with this one.' },
  );
}

/**
 * @param what Named in the error: a file, or a key.
 * @returns Rows divided by their sums.
 * @throws RethinkError of that kind naming the row.
 */
export function checkTransition(
  value: unknown,
  classes: number,
  what: string,
  kind: ErrorKind,
): TransitionMatrix {
  const fault = matrixFault(value, classes);
  if (fault !== undefined) {
    throw new RethinkError(kind, `${what} is no transition matrix: ${fault}.`, {
      hint: 'Row i holds the probabilities of each label for an example whose true class is i.',
    });
  }
  return (value as number[][]).map((row) => {
    const sum = row.reduce((total, p) => total + p, 0);
    return row.map((p) => p / sum);
  });
}

function parse(bytes: Buffer, path: string): unknown {
  if (bytes.subarray(0, NPY_MAGIC.length).equals(NPY_MAGIC)) return ofArray(bytes, path);
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
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

function ofArray(bytes: Buffer, path: string): unknown {
  const array = parseNpy(bytes, path);
  const { shape } = array;
  if (shape.length !== 2) {
    throw new RethinkError(
      'data',
      `${path} is no transition matrix: it holds an array of shape (${shape.join(', ')}).`,
      { hint: 'A matrix has two axes: true classes, then labels.' },
    );
  }
  // Empty rows may be of any number.
  const [rows, columns] = elements(shape) === 0 ? [0, 0] : (shape as [number, number]);
  const values: unknown[] = valuesOf(array, path);
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
}
