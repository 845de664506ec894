import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { diskError } from '../disk/errors.js';
import { parseJson, readJson } from '../disk/json.js';
import { visitLines } from '../disk/lines.js';
import { RethinkError } from '../errors.js';
import { STEP_COLUMNS } from '../results/columns.js';
import {
  epochRowSchema,
  runResultSchema,
  stepRowSchema,
  theoryResultSchema,
} from '../results/schemas.js';
import type { TheoryResult } from '../results/theory.js';
import type { EpochRow, RunResult, StepRow } from '../results/training.js';
import { type RunStatus, readStatus } from './status.js';
import { columnsOf, metricsJsonlPath, stepsCsvPath } from './tables.js';

/** A run directory as far as it can be read. */
export interface FoundRun {
  /** Absolute. */
  path: string;
  /** `null` where it is missing or damaged. */
  status: RunStatus | null;
  /** Of a training; `null` until it has ended. */
  result: RunResult | null;
  /** Of an experiment of the theory; `null` until it has ended. */
  theory: TheoryResult | null;
}

/** Deeper than `results/<sweep>/<name>/<run>`, and not a walk over somebody's whole disk. */
const DEEPEST = 6;

/** Any of them makes a run directory, should the others be lost. */
const MARKS = ['config.json', 'status.json', 'metrics.jsonl', 'result.json'];

/**
 * Run directories at or below folders, by path. One that is half written or damaged is still found.
 *
 * @throws RethinkError: `data` where a folder does not exist, `failed` where it can't be read.
 */
export function findRuns(directories: readonly string[]): FoundRun[] {
  const found = new Map<string, FoundRun>();
  for (const directory of directories) {
    const path = resolve(directory);
    if (!existsSync(path)) {
      throw new RethinkError('data', `There is no folder ${directory}.`, {
        hint: 'Give run directories, or a folder that holds some: results.',
      });
    }
    search(path, 0, found);
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function search(path: string, depth: number, found: Map<string, FoundRun>): void {
  const entries = list(path);
  if (entries.some(({ name }) => MARKS.includes(name))) {
    found.set(path, {
      path,
      status: tolerant(() => readStatus(path)),
      result: tolerant(() => readResult(path)),
      theory: tolerant(() => readTheoryResult(path)),
    });
    return;
  }
  if (depth === DEEPEST) return;
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.')) {
      search(join(path, entry.name), depth + 1, found);
    }
  }
}

function list(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw diskError(error, 'read', path);
  }
}

function tolerant<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RethinkError) return null;
    throw error;
  }
}

/**
 * `result.json`; `null` where the run has not ended.
 *
 * @throws RethinkError (`data`) where it is damaged.
 */
export function readResult(runDir: string): RunResult | null {
  const path = join(runDir, 'result.json');
  return existsSync(path) ? readJson(path, runResultSchema) : null;
}

/**
 * `result.json` of an experiment of the theory; `null` where it has not ended.
 *
 * @throws RethinkError (`data`) where it is damaged, or of a training.
 */
export function readTheoryResult(runDir: string): TheoryResult | null {
  const path = join(runDir, 'result.json');
  return existsSync(path) ? readJson(path, theoryResultSchema) : null;
}

/**
 * Rows of `metrics.jsonl`, oldest first; a torn last line is left out.
 *
 * @throws RethinkError (`data`) naming file and line.
 */
export function readMetrics(runDir: string): EpochRow[] {
  const path = metricsJsonlPath(runDir);
  const rows: EpochRow[] = [];
  if (!existsSync(path)) return rows;
  visitLines(path, ({ text, number }) => {
    rows.push(parseJson(text, epochRowSchema, `${path}:${number}`));
    return true;
  });
  return rows;
}

/**
 * Rows of `steps.csv`, oldest first; a torn last line is left out.
 *
 * @throws RethinkError (`data`) naming file and line.
 */
export function readSteps(runDir: string): StepRow[] {
  const path = stepsCsvPath(runDir);
  const rows: StepRow[] = [];
  if (!existsSync(path)) return rows;
  const columns = columnsOf(path, STEP_COLUMNS) ?? [];
  visitLines(path, ({ text, number }) => {
    if (number > 1) rows.push(stepRow(columns, text, `${path}:${number}`));
    return true;
  });
  return rows;
}

function stepRow(columns: string[], text: string, where: string): StepRow {
  const cells = text.split(',');
  const values = columns.map((column, i) => [column, numberOf(cells[i])]);
  const parsed = stepRowSchema.safeParse(Object.fromEntries(values));
  if (!parsed.success || cells.length !== columns.length) {
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
