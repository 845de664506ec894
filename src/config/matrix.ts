import { createHash } from 'node:crypto';

/** What a row of probabilities may be off by, in sum: ten numbers of six digits, each rounded in its last. */
export const ROW_TOLERANCE = 1e-4;

/**
 * What keeps rows from being a transition matrix, T[i][j] = P(noisy label = j | true label = i); `undefined`: nothing.
 *
 * @param classes How many there are; default: as many as there are rows.
 * @returns What is wrong with the first row that is none, its number counted from 1.
 */
export function matrixFault(rows: unknown, classes?: number): string | undefined {
  if (!Array.isArray(rows)) return 'it is no list of rows';
  const size = classes ?? rows.length;
  if (rows.length !== size) return `it has ${rows.length} rows, and there are ${size} classes`;
  for (const [i, row] of (rows as unknown[]).entries()) {
    const fault = rowFault(row, size);
    if (fault !== undefined) return `row ${i + 1} ${fault}`;
  }
  return rows.length === 0 ? 'it has no rows' : undefined;
}

function rowFault(row: unknown, size: number): string | undefined {
  const entries: unknown[] = Array.isArray(row) ? row : [row];
  if (entries.length !== size) {
    const numbers = entries.length === 1 ? '1 number' : `${entries.length} numbers`;
    return `has ${numbers}, and there are ${size} rows`;
  }
  const wrong = entries.findIndex((p) => !(typeof p === 'number' && p >= 0 && p <= 1));
  if (wrong >= 0) {
    const found = entries[wrong];
    const shown = typeof found === 'number' ? String(found) : 'no number';
    return `has ${shown} in column ${wrong + 1}, not a number from 0 to 1`;
  }
  const sum = (entries as number[]).reduce((total, p) => total + p, 0);
  if (Math.abs(sum - 1) <= ROW_TOLERANCE) return undefined;
  return `sums to ${Number(sum.toPrecision(10))}, not to 1 (within ${ROW_TOLERANCE})`;
}

/** A matrix where there is no room for it: its size, and digits that tell it from others. */
export function matrixName(matrix: readonly unknown[]): string {
  const digest = createHash('sha256').update(JSON.stringify(matrix)).digest('hex');
  return `${matrix.length}×${matrix.length} ${digest.slice(0, 6)}`;
}
