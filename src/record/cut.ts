import { existsSync } from 'node:fs';
import { truncateTo } from '../disk/files.js';
import { visitLines } from '../disk/lines.js';
import { metricsCsvPath, metricsJsonlPath, stepsCsvPath } from './tables.js';

/** Where a run goes on, and the last row it had written by then. */
export interface CutPoint {
  epoch: number;
  step: number;
  last: { epoch: number } | null;
}

/**
 * Cuts the rows that a resumed run will write again, and lines that a crash tore. One truncation a file, so a kill in
 * between leaves rows that the next resume cuts.
 *
 * @returns what should have been there and is not, a sentence each: for the person, nothing to stop for.
 * @throws RethinkError (`failed`) where the disk refuses.
 */
export function cutTables(directory: string, { epoch, step, last }: CutPoint): string[] {
  const rows = last?.epoch ?? 0;
  return [
    cut(metricsCsvPath(directory), 1, firstCell, epoch, rows),
    cut(metricsJsonlPath(directory), 0, epochOfJson, epoch, rows),
    cut(stepsCsvPath(directory), 1, firstCell, step, step),
  ].filter((note) => note !== null);
}

/**
 * @param headers Lines at the top that are no rows.
 * @param keyOf Epoch or step of a row; NaN where it is damaged.
 * @param limit Rows with a larger key are cut.
 * @param reached Key that the last row should have.
 */
function cut(
  path: string,
  headers: number,
  keyOf: (line: string) => number,
  limit: number,
  reached: number,
): string | null {
  // Not every run records steps.
  if (!existsSync(path)) return null;
  let last = 0;
  const size = visitLines(path, ({ text, number }) => {
    if (number <= headers) return true;
    const key = keyOf(text);
    // A damaged row is not above the limit either, but nothing after it can be trusted.
    if (!(key > last && key <= limit)) return false;
    last = key;
    return true;
  });
  truncateTo(path, size);
  if (last >= reached) return null;
  return `${path} lost rows: it ends at ${last}, and the checkpoint was made at ${reached}.`;
}

function firstCell(line: string): number {
  return Number(line.slice(0, line.indexOf(',')) || 'NaN');
}

function epochOfJson(line: string): number {
  try {
    return Number((JSON.parse(line) as { epoch?: unknown }).epoch);
  } catch {
    return Number.NaN;
  }
}
