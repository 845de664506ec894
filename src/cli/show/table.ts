import { isAbsolute, relative } from 'node:path';

/**
 * Rows of text in columns, two spaces apart: the first column to the left, the others to the right, as numbers want it.
 *
 * @param left Indices of further columns that go to the left.
 */
export function table(rows: readonly (readonly string[])[], left: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        i === 0 || left.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** A path as somebody in this folder would type it; absolute where it lies elsewhere. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}
