import { relative, sep } from 'node:path';
import { csvLines } from '../csv.js';
import { toJson } from '../disk/json.js';
import { MEASURE_NAMES } from '../results/measures.js';
import { isTheoryResult, type TheoryResult } from '../results/theory.js';
import { FIT_THRESHOLD_NAMES, type RunResult } from '../results/training.js';
import type { TrialRecord } from './types.js';

type Row = Record<string, unknown>;

/** All trials of a sweep as CSV, for a spreadsheet or a data frame; what does not apply is empty. */
export function tableAsCsv(records: readonly TrialRecord[], directory: string): string {
  const rows = records.map((record) => rowOf(record, directory));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return csvLines([columns, ...rows.map((row) => columns.map((id) => row[id]))]);
}

/** The same as JSON, with the trials' overrides as they are. */
export function tableAsJson(records: readonly TrialRecord[], directory: string): string {
  const trials = records.map((record) => ({
    ...rowOf(record, directory),
    overrides: record.trial.overrides,
  }));
  return `${toJson({ trials }, 2)}\n`;
}

/** What stands for an outcome where there is none. */
export const WITHOUT_RESULT: Record<TrialRecord['state'], string | null> = {
  waiting: 'not run',
  ended: null,
  failed: 'failed',
  elsewhere: 'running',
};

/** The swept keys stand under their own names, so none of the other columns has a dot but the thresholds'. */
function rowOf(record: TrialRecord, directory: string): Row {
  const { id, label, overrides } = record.trial;
  const result = record.state === 'ended' ? record.result : null;
  return {
    id,
    label,
    ...overrides,
    outcome: result?.outcome ?? WITHOUT_RESULT[record.state],
    ...trainingCells(result !== null && !isTheoryResult(result) ? result : null),
    ...(result !== null && !isTheoryResult(result) ? measured(result) : {}),
    ...conditions(result),
    ...(result !== null && isTheoryResult(result) ? findings(result) : {}),
    run_dir: runDirOf(record, directory),
    error: record.state === 'failed' ? record.error.message : null,
  };
}

function trainingCells(result: RunResult | null): Row {
  const reached = FIT_THRESHOLD_NAMES.flatMap((threshold) => [
    [`steps_to_${threshold}`, result?.reached?.[threshold]?.step ?? null],
    [`seconds_to_${threshold}`, result?.reached?.[threshold]?.seconds ?? null],
  ]);
  return {
    converged: result?.converged ?? null,
    epochs: result?.epochs ?? null,
    steps: result?.steps ?? null,
    seconds: result?.seconds ?? null,
    train_accuracy_last: result?.last?.train_accuracy ?? null,
    test_accuracy_last: result?.last?.test_accuracy ?? null,
    train_accuracy_best: result?.best?.train_accuracy ?? null,
    test_accuracy_best: result?.best?.test_accuracy ?? null,
    best_epoch: result?.best?.epoch ?? null,
    ...Object.fromEntries(reached),
  };
}

/** Of a run with `record.measures`. */
function measured({ measures }: RunResult): Row {
  if (measures === undefined) return {};
  return Object.fromEntries(MEASURE_NAMES.map((name) => [name, measures[name] ?? null]));
}

function conditions(result: RunResult | TheoryResult | null): Row {
  return {
    label_noise: result?.label_noise ?? null,
    parameters: result !== null && 'parameters' in result ? result.parameters : null,
    train_images: result?.data?.train ?? null,
    test_images: result?.data?.test ?? null,
    data: result?.data?.name ?? null,
    data_hash: result?.data?.hash ?? null,
    engine: result?.engine?.name ?? null,
    device: result?.engine?.device ?? null,
    devices: result?.engine?.devices ?? null,
    precision: result?.engine?.precision ?? null,
  };
}

/** What an experiment of the theory found, number by number. */
function findings(result: TheoryResult): Row {
  const told = new Set(['name', 'config_hash', 'outcome', 'label_noise', 'data', 'engine']);
  return Object.fromEntries(
    Object.entries(result).filter(([key, value]) => !told.has(key) && typeof value !== 'object'),
  );
}

/** Relative, so that the folder can be moved or sent whole; with forward slashes on every system. */
function runDirOf(record: TrialRecord, directory: string): string | null {
  if (record.state === 'waiting' || record.runDir === null) return null;
  return relative(directory, record.runDir).split(sep).join('/');
}
