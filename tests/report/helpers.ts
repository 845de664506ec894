import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import { portableConfig } from '../../src/config/portable.js';
import { judgeClaims } from '../../src/report/claims.js';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import { paperTables, type Table } from '../../src/report/tables/index.js';
import type { Measures } from '../../src/results/measures.js';
import {
  type EpochRow,
  noProgress,
  STEP_COLUMNS,
  type UsedData,
  type WrittenResult,
} from '../../src/results/training.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

export interface FakeRun {
  /** As in a config file. */
  config?: Record<string, unknown>;
  /** Training accuracy after each epoch. */
  train?: number[];
  /** Test accuracy of every epoch. */
  test?: number;
  /** Test accuracies, one for each epoch, with top-5 and best-so-far accuracies beside them. */
  tests?: number[];
  state?: 'running' | 'finished' | 'interrupted' | 'diverged' | 'failed';
  /** How a finished training ended; default: all epochs used. */
  outcome?: 'fitted';
  /** Findings of an experiment of the theory: the run is one. */
  theory?: object;
  heartbeat?: Date;
  stepsPerEpoch?: number;
  /** Loss of every step; default: none is written. */
  losses?: number[];
  data?: Partial<UsedData>;
  /** Of the network; default: 1. */
  parameters?: number;
  /** Of its end, as far as they matter. */
  measures?: Partial<Measures>;
  environment?: object;
}

/** Writes a run directory as a run leaves it, without running one. */
export async function writeRun(directory: string, run: FakeRun = {}): Promise<string> {
  const { trials } = await loadExperiment({ name: 'fake', ...run.config });
  const config = trials[0]!.config;
  const { train = [0.5, 1], test = 0.5, state = 'finished', stepsPerEpoch = 10 } = run;
  const rows = train.map((accuracy, i) => ({
    ...epochRow(i + 1, (i + 1) * stepsPerEpoch, accuracy, run.tests?.[i] ?? test),
    ...(run.tests ? top5Of(accuracy, run.tests.slice(0, i + 1)) : {}),
  }));
  mkdirSync(directory, { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(directory, name), content);
  write('config.json', JSON.stringify(portableConfig(config)));
  write('metrics.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  write(
    'status.json',
    JSON.stringify({
      state,
      reason: null,
      heartbeat: (run.heartbeat ?? new Date()).toISOString(),
      host: 'here',
      pid: 1,
      epoch: rows.length,
      step: rows.length * stepsPerEpoch,
    }),
  );
  if (run.losses) {
    const lines = run.losses.map((loss, i) => `${i + 1},1,0.1,${loss},0.5\n`);
    write('steps.csv', `${STEP_COLUMNS.join(',')}\n${lines.join('')}`);
  }
  if (run.environment) write('environment.json', JSON.stringify(run.environment));
  const engine = {
    name: 'wasm',
    version: '4',
    device: 'cpu',
    precision: 'float32',
    mode: 'eager',
  } as const;
  const data = {
    name: config.data.name,
    origin: 'official',
    hash: 'abcdef0123456789',
    train: 50_000,
    test: 10_000,
    full_train: 50_000,
    full_test: 10_000,
    classes: 10,
    ...run.data,
  };
  const conditions = {
    name: config.name,
    config_hash: configHash(config),
    seconds: 1,
    engine,
    data,
    label_noise: 0,
  };
  if (run.theory) {
    const { experiment } = config;
    const ended = { outcome: 'finished', experiment, precision: 'float64', ...run.theory };
    write('result.json', JSON.stringify({ ...conditions, ...ended }));
  } else if (state === 'finished' || state === 'diverged') {
    const last = rows.at(-1) ?? null;
    const result: WrittenResult = {
      ...conditions,
      outcome: run.outcome ?? state,
      converged: last?.train_accuracy === 1,
      epochs: rows.length,
      steps: rows.length * stepsPerEpoch,
      parameters: run.parameters ?? 1,
      schedule: { batch_size: 128, steps_per_epoch: stepsPerEpoch, decay_every: 390 },
      last,
      best: last,
      reached: noProgress().reached,
      diverged_at: null,
    };
    const { measures } = run;
    write('result.json', JSON.stringify({ ...result, ...(measures && { measures }) }));
  }
  return directory;
}

function epochRow(epoch: number, step: number, train: number, test: number): EpochRow {
  return {
    epoch,
    step,
    seconds: epoch,
    images_per_second: 100,
    learning_rate: 0.1,
    train_loss: 1 - train,
    train_accuracy: train,
    test_loss: 1,
    test_accuracy: test,
    generalization_gap: train - test,
    true_label_accuracy: train,
    corrupted_accuracy: null,
    clean_accuracy: train,
    weight_norm: 1,
  };
}

/** Top 5 is as if half of what is wrong were among the five that come first. */
function top5Of(train: number, tests: number[]) {
  const among = (accuracy: number) => (1 + accuracy) / 2;
  const best = Math.max(...tests);
  return {
    train_top5_accuracy: among(train),
    test_top5_accuracy: among(tests.at(-1)!),
    best_test_accuracy: best,
    best_test_top5_accuracy: among(best),
  };
}

/** Training accuracies of a run of the paper's length that ends with the given one. */
export function wholeBudget(last: number): number[] {
  return Array.from({ length: 64 }, (_, i) => (i === 63 ? last : Math.min(last, 0.9)));
}

/** The paper tables and the claims of made-up runs. */
export async function reportOf(...given: FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  const { runs } = await readRuns([root]);
  const groups = groupTrainings(runs);
  const [one, two, three, four] = paperTables(groups, runs);
  return { one: one!, two: two!, three: three!, four: four!, claims: judgeClaims(groups, runs) };
}

/** A table's rows that something was measured for, by the titles of its columns. */
export function measuredRows({ columns, rows }: Table): Record<string, string>[] {
  return rows
    .filter(({ verdict }) => verdict !== 'not-run')
    .map(({ cells }) => Object.fromEntries(columns.map((title, i) => [title, cells[i]!])));
}
