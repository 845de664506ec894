import { parseJson } from '../../disk/json.js';
import { visitLinesOf } from '../../disk/lines.js';
import { isThere, withOpenFile } from '../../disk/reading.js';
import { epochRow, type StoredEpochRow } from '../../results/training.js';
import { metricsJsonlPath } from '../tables.js';
import { momentOf } from './facts.js';
import type { Point } from './types.js';

/** Columns that another session of the same run may measure otherwise: of clocks. */
export const OF_CLOCKS = /(^|\.)(seconds|images_per_second)$/;

/** Reads the rows of a run in order, some at a time, also while they are written. */
export class RowsInOrder {
  private at = { start: 0, number: 1 };

  constructor(private readonly runDir: string) {}

  /** From the first one on again. */
  rewind(): void {
    this.at = { start: 0, number: 1 };
  }

  /**
   * The next rows that are complete; none where there are no more by now.
   *
   * @throws RethinkError (`data`) naming file and line.
   */
  next(most: number): StoredEpochRow[] {
    const path = metricsJsonlPath(this.runDir);
    const rows: StoredEpochRow[] = [];
    if (!isThere(path)) return rows;
    this.at = withOpenFile(path, (file) => {
      if (file.size < this.at.start) this.rewind();
      return visitLinesOf(file, this.at, ({ text, number }) => {
        if (rows.length === most) return false;
        rows.push(parseJson(text, epochRow.schema, `${path}:${number}`));
        return true;
      });
    });
    return rows;
  }
}

/** A row as a tracker takes it: what doesn't apply is left out, and the step is the place. */
export function pointOf({ step, ...row }: StoredEpochRow, started: number): Point {
  const numbers = Object.entries(row).filter(([, value]) => typeof value === 'number');
  return {
    step,
    at: momentOf(started, row.seconds),
    values: Object.fromEntries(numbers) as Record<string, number>,
  };
}
