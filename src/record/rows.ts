import { GrowingLines } from '../disk/growing.js';
import { parseJson } from '../disk/json.js';
import { isThere } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import { type Tell, tellMissing } from '../results/stored.js';
import {
  epochRow,
  STEP_COLUMNS,
  type StoredEpochRow,
  type StoredStepRow,
  stepRow,
} from '../results/training.js';
import { grouped } from '../text.js';
import { columnsOf, metricsJsonlPath, stepsCsvPath } from './tables.js';

/**
 * Rows of `metrics.jsonl`, oldest first; a torn last line is left out.
 *
 * @throws RethinkError (`data`) naming file and line.
 */
export function readMetrics(runDir: string, tell?: Tell): StoredEpochRow[] {
  return new EpochRows(runDir).read(tell);
}

/**
 * Rows of `steps.csv`, oldest first; a torn last line is left out.
 *
 * @throws RethinkError (`data`) naming file and line.
 */
export function readSteps(runDir: string, tell?: Tell): StoredStepRow[] {
  const rows: StoredStepRow[] = [];
  const take = (row: StoredStepRow) => rows.push(row);
  new StepRows(runDir).visit(take, () => {}, tell);
  return rows;
}

/** Steps of ImageNet for a hundred epochs, and not more than fit into memory. */
const MOST_ROWS = 2_000_000;

function refuseMore(count: number, path: string): void {
  if (count <= MOST_ROWS) return;
  throw new RethinkError('data', `${path} has more than ${grouped(MOST_ROWS)} rows.`);
}

/** `metrics.jsonl` of a run that goes on, read again and again: of each reading only the rows that have come. */
export class EpochRows {
  private readonly path: string;
  private readonly lines: GrowingLines;
  private readonly missing = new Set<string>();
  private rows: StoredEpochRow[] = [];

  constructor(runDir: string) {
    this.path = metricsJsonlPath(runDir);
    this.lines = new GrowingLines(this.path);
  }

  /** What `readMetrics` gives: the same array where nothing has changed. @throws as that does. */
  read(tell?: Tell): StoredEpochRow[] {
    const { path, missing } = this;
    if (!isThere(path)) {
      this.lines.forget();
      return this.cleared();
    }
    const fresh: StoredEpochRow[] = [];
    this.lines.visit(
      ({ text, number }) => {
        const row = parseJson(text, epochRow.schema, `${path}:${number}`);
        for (const column of epochRow.missing(row)) missing.add(column);
        fresh.push(row);
        refuseMore(this.rows.length + fresh.length, path);
      },
      () => this.cleared(),
    );
    tellMissing(path, missing, tell);
    if (fresh.length > 0) this.rows = this.rows.concat(fresh);
    return this.rows;
  }

  private cleared(): StoredEpochRow[] {
    this.missing.clear();
    if (this.rows.length > 0) this.rows = [];
    return this.rows;
  }
}

/** `steps.csv` of a run that goes on. */
export class StepRows {
  private readonly lines: GrowingLines;
  private readonly path: string;
  private header = '';
  private count = 0;

  constructor(private readonly runDir: string) {
    this.path = stepsCsvPath(runDir);
    this.lines = new GrowingLines(this.path);
  }

  /**
   * @param take Is given the rows that have come since the last visit.
   * @param anew Called before the first row, and where those that were given no longer hold.
   * @throws as `readSteps`.
   */
  visit(take: (row: StoredStepRow) => void, anew: () => void, tell?: Tell): void {
    const columns = readStepColumns(this.runDir, tell);
    if (columns === null) {
      this.lines.forget();
      anew();
      return;
    }
    if (columns.join() !== this.header) this.lines.forget();
    this.header = columns.join();
    this.lines.visit(
      ({ text, number }) => {
        if (number === 1) return;
        take(stepRowOf(columns, text, `${this.path}:${number}`));
        refuseMore(++this.count, this.path);
      },
      () => {
        this.count = 0;
        anew();
      },
    );
  }
}

/**
 * The header of `steps.csv`; `null` where there is none.
 *
 * @throws RethinkError (`data`) where it is damaged.
 */
export function readStepColumns(runDir: string, tell?: Tell): string[] | null {
  const path = stepsCsvPath(runDir);
  const columns = isThere(path) ? columnsOf(path) : null;
  if (columns !== null) {
    tellMissing(
      path,
      STEP_COLUMNS.filter((column) => !columns.includes(column)),
      tell,
    );
  }
  return columns;
}

function stepRowOf(columns: string[], text: string, where: string): StoredStepRow {
  const cells = text.split(',');
  const values = columns.flatMap((column, i) =>
    (STEP_COLUMNS as readonly string[]).includes(column) ? [[column, numberOf(cells[i])]] : [],
  );
  const row = Object.fromEntries(values) as Record<string, unknown>;
  const parsed = stepRow.schema.safeParse(row);
  const whole = cells.length === columns.length && !Object.values(row).includes(undefined);
  if (!parsed.success || !whole) {
    throw new RethinkError('data', `${where} is damaged: ${JSON.stringify(text.slice(0, 80))}.`);
  }
  return parsed.data;
}

/** A cell as `CsvTable` writes numbers; anything else is no number for the schema to accept. */
function numberOf(cell: string | undefined): unknown {
  if (cell === undefined || cell === '') return undefined;
  if (cell === 'NaN' || cell === 'Infinity' || cell === '-Infinity') return cell;
  const value = Number(cell);
  return Number.isNaN(value) ? undefined : value;
}
