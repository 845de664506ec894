import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, RethinkError } from '../errors.js';
import type { EpochRow, RunResult, StepRow } from '../train/types.js';
import { diskError } from './disk-error.js';
import { parseJson, readJson } from './json.js';
import { visitLines } from './lines.js';
import { holderOf } from './lock.js';
import { epochRowSchema, runResultSchema, stepRowSchema } from './schemas.js';
import { type RunState, type RunStatus, readStatus } from './status.js';
import { columnsOf, metricsJsonlPath, STEP_COLUMNS, stepsCsvPath } from './tables.js';

/** What a run directory says of itself at a glance. */
export interface RunSummary {
  /** Absolute. */
  path: string;
  /** From its place: `results/<name>/<time>-<hash>`. */
  name: string;
  /** `killed`: it says that it runs, but its process is gone. `unknown`: `status.json` can't be read. */
  state: RunState | 'killed' | 'unknown';
  status: RunStatus | null;
  /** `null` where the run has not ended or the result can't be read. */
  result: RunResult | null;
  /** Sentences about files that are damaged: the rest is still good. */
  problems: string[];
}

/** Deep enough for sweeps of sweeps, shallow enough for a wrong folder. */
const DEEPEST = 8;

/**
 * Finds the run directories at or below some folders, sorted by path; links are not followed.
 *
 * @param onProblem Told of folders below that can't be read.
 * @throws RethinkError (`failed`) where one of `directories` itself can't be read.
 */
export function findRuns(
  directories: string[],
  onProblem: (message: string) => void = () => {},
): RunSummary[] {
  const found = new Set<string>();
  for (const directory of directories) {
    const top = resolve(directory);
    search(top, entriesOf(top), 0, found, onProblem);
  }
  return [...found].sort().map(summarize);
}

/** Whether a folder is a run directory: it has a config and something that a run wrote. */
export function isRunDirectory(names: string[]): boolean {
  const written = ['status.json', 'metrics.jsonl', 'result.json'];
  return names.includes('config.json') && written.some((name) => names.includes(name));
}

function search(
  path: string,
  entries: Dirent[],
  depth: number,
  found: Set<string>,
  onProblem: (message: string) => void,
): void {
  if (isRunDirectory(entries.map(({ name }) => name))) {
    found.add(path);
    return;
  }
  if (depth === DEEPEST) return;
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('.') || entry.name === 'node_modules')
      continue;
    const below = join(path, entry.name);
    try {
      search(below, entriesOf(below), depth + 1, found, onProblem);
    } catch (error) {
      onProblem(messageOf(error));
    }
  }
}

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw diskError(error, 'read', path);
  }
}

/** Reads what can be read of one run; never throws for a damaged file. */
export function summarize(directory: string): RunSummary {
  const path = resolve(directory);
  const problems: string[] = [];
  const tolerate = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      problems.push(messageOf(error));
      return null;
    }
  };
  const status = tolerate(() => readStatus(path));
  const hasResult = existsSync(join(path, 'result.json'));
  const result = hasResult ? tolerate(() => readResult(path)) : null;
  const held = tolerate(() => isHeld(path));
  const killed = status?.state === 'running' && held === false;
  const state = killed ? 'killed' : (status?.state ?? 'unknown');
  return { path, name: basename(dirname(path)), state, status, result, problems };
}

/** Whether a process has the directory, or may have it where that can't be seen from here. */
function isHeld(path: string): boolean {
  const holder = holderOf(path);
  return holder !== null && holder.liveness !== 'dead';
}

/**
 * The resolved config, as it was written.
 *
 * @throws RethinkError (`data`) where it is missing or no JSON object.
 */
export function readConfig(runDirectory: string): Record<string, unknown> {
  return readJson(join(runDirectory, 'config.json'), z.record(z.string(), z.unknown()));
}

/**
 * @throws RethinkError (`data`) where `result.json` is missing or damaged.
 */
export function readResult(runDirectory: string): RunResult {
  return readJson(join(runDirectory, 'result.json'), runResultSchema);
}

/**
 * The rows of `metrics.jsonl`; a last line that was torn is left out.
 *
 * @throws RethinkError (`data`) with file and line where it is missing or damaged.
 */
export function readMetrics(runDirectory: string): EpochRow[] {
  const path = metricsJsonlPath(runDirectory);
  const rows: EpochRow[] = [];
  visitLines(path, ({ text, number }) => {
    rows.push(inOrder(parseJson(text, epochRowSchema, `${path}:${number}`), rows, path, number));
    return true;
  });
  return rows;
}

/**
 * The rows of `steps.csv`; a last line that was torn is left out.
 *
 * @throws RethinkError (`data`) with file and line where it is missing or damaged.
 */
export function readSteps(runDirectory: string): StepRow[] {
  const path = stepsCsvPath(runDirectory);
  const columns = columnsOf(path, STEP_COLUMNS) ?? [];
  const rows: StepRow[] = [];
  visitLines(path, ({ text, number }) => {
    if (number === 1) return true;
    const cells = text.split(',').map(cellValue);
    // Through JSON's eyes, so that one schema judges both kinds of files.
    const row = Object.fromEntries(columns.map((column, i) => [column, cells[i]]));
    const where = `${path}:${number}`;
    const complete = cells.length === columns.length;
    if (!complete) throw new RethinkError('data', `${where} is damaged: ${cells.length} cells.`);
    rows.push(inOrder(parseJson(JSON.stringify(row), stepRowSchema, where), rows, path, number));
    return true;
  });
  return rows;
}

/** A number where the text is one in full, else the text. */
function cellValue(text: string): number | string {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? value : text;
}

/** Rows that go back would draw a curve that never was. */
function inOrder<Row extends { step: number }>(
  row: Row,
  before: Row[],
  path: string,
  number: number,
): Row {
  const last = before.at(-1)?.step ?? 0;
  if (row.step > last) return row;
  throw new RethinkError(
    'data',
    `${path}:${number} is damaged: step ${row.step} after step ${last}.`,
  );
}
