import { join } from 'node:path';
import { corruptedShare } from '../../config/corruptions.js';
import type { Trial } from '../../config/experiment.js';
import { canonicalJson, repetition } from '../../config/hash.js';
import { printable } from '../../errors.js';
import { byChance, MEMORIZED_ACCURACY } from '../../paper.js';
import { isSeed } from '../../record/listing/seeds.js';
import { isTheoryResult, linesOf, type TheoryResult } from '../../results/theory.js';
import {
  FIT_THRESHOLD_NAMES,
  FIT_THRESHOLDS,
  ON_REQUEST,
  OUTCOMES,
  type RunResult,
  type StoredEpochRow,
} from '../../results/training.js';
import type { TrialRecord } from '../../sweep/types.js';
import { counted, duration, grouped, percent, prose } from '../../text.js';
import { shownPath, table } from './table.js';

/** What one run came to, for a person: accuracies last and best, when it fitted, the conditions, where it lies. */
export function singleResult(
  result: RunResult | TheoryResult,
  runDir: string,
  width?: number,
): string {
  if (isTheoryResult(result)) return theoryResult(result, runDir, width);
  const { last, best, engine, diverged_at } = result;
  const diverged = diverged_at == null ? '' : ` at step ${grouped(diverged_at)}`;
  const facts = [
    ['outcome', `${OUTCOMES[result.outcome]}${diverged}`],
    [
      'epochs',
      `${result.epochs ?? '–'} (${grouped(result.steps)} steps, ${duration(result.seconds)})`,
    ],
    ['fit', fitTimes(result)],
    ...normPeak(result),
    ...foundLabels(result),
    ...measured(result),
    ['data', dataOf(result)],
    ['engine', engine ? conditionsOf(engine) : '–'],
    ['run', shownPath(runDir)],
  ];
  return `${accuracies(last, best, width)}\n${table(facts, [1], { width })}`;
}

/** The point to stop at that needs no labels: told beside the epoch best by them. */
function normPeak({ weight_norm_peak: peak }: RunResult): string[][] {
  if (peak === undefined) return [];
  const { epoch, test_accuracy } = peak;
  return [
    ['peak', `of the weight norm in epoch ${epoch}: test accuracy ${percent(test_accuracy)}`],
  ];
}

/** How well each score of examples finds the changed labels, the best first. */
function foundLabels({ examples }: RunResult): string[][] {
  const scores = Object.entries(examples?.scores ?? {}).flatMap(([name, found]) =>
    found?.auroc === undefined ? [] : [[name, found.auroc] as const],
  );
  if (scores.length === 0) return [];
  const best = scores.toSorted(([, a], [, b]) => b - a).slice(0, 3);
  const told = best.map(([name, auroc]) => `${name} ${auroc.toFixed(3)}`).join(', ');
  return [['found', `changed labels, area under the ROC curve: ${told}`]];
}

/** A few of the measures, one of each kind: `result.json` has them all. */
function measured({ measures }: RunResult): string[][] {
  if (measures === undefined) return [];
  const { param_norm, log_prod_spec, path_norm, sharpness } = measures;
  const numbers = { param_norm, log_prod_spec, path_norm, sigma: sharpness?.sigma };
  const told = Object.entries(numbers).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? value.toPrecision(4) : '–'}`,
  );
  return [['measured', told.join(', ')]];
}

/** What an experiment of the theory came to: paper and measured side by side, then the conditions. */
function theoryResult(result: TheoryResult, runDir: string, width?: number): string {
  const { engine, precision } = result;
  const facts = [
    ['time', duration(result.seconds)],
    ['data', dataOf(result)],
    [
      'engine',
      engine ? `${engineOf(engine)}, ${precision}` : `none: JavaScript, ${precision ?? '–'}`,
    ],
    ['run', shownPath(runDir)],
  ];
  return `${table([['', 'paper', 'measured'], ...linesOf(result)], [], { width, header: true })}\n${table(facts, [1], { width })}`;
}

function dataOf({ data, label_noise }: RunResult | TheoryResult): string {
  return `${data?.name ?? '–'} (${data?.origin ?? '–'}), ${grouped(data?.train)} + ${grouped(data?.test)} images, label noise ${percent(label_noise)}`;
}

function engineOf({ name, version, device }: NonNullable<RunResult['engine']>): string {
  return `${name ?? '–'} ${version ?? '–'} on ${device ?? '–'}`;
}

function conditionsOf(engine: NonNullable<RunResult['engine']>): string {
  return `${engineOf(engine)}, ${engine.precision}, ${engine.mode}`;
}

type AccuracyKey =
  | 'train_accuracy'
  | 'test_accuracy'
  | 'generalization_gap'
  | 'train_top5_accuracy'
  | 'test_top5_accuracy'
  | 'best_test_top5_accuracy';

function accuracies(last: RunResult['last'], best: RunResult['best'], width?: number): string {
  if (!last || !best) return 'No epoch was evaluated.\n';
  const row = (name: string, key: AccuracyKey) => [name, percent(last[key]), percent(best[key])];
  const rows = [
    ['', `last (epoch ${last.epoch})`, `best test (epoch ${best.epoch})`],
    row('train accuracy', 'train_accuracy'),
    row('test accuracy', 'test_accuracy'),
    row('gap', 'generalization_gap'),
    ...(last.test_top5_accuracy === undefined
      ? []
      : [
          row('train top-5', 'train_top5_accuracy'),
          row('test top-5', 'test_top5_accuracy'),
          row('best test top-5 so far', 'best_test_top5_accuracy'),
        ]),
  ];
  return table(rows, [], { width, header: true });
}

function fitTimes({ reached }: RunResult): string {
  const told = FIT_THRESHOLD_NAMES.map((threshold) => {
    const first = reached?.[threshold];
    const never = first === null ? 'never' : 'unknown';
    return `${FIT_THRESHOLDS[threshold].told} ${first ? `in epoch ${first.epoch} (${duration(first.seconds)})` : never}`;
  });
  return told.join(', ');
}

/** A trial with what came of it. */
export interface TrialResult {
  trial: Trial;
  result: RunResult | TheoryResult;
  runDir: string;
}

type TrainingResult = TrialResult & { result: RunResult };

function isTraining(given: TrialResult): given is TrainingResult {
  return !isTheoryResult(given.result);
}

/**
 * One row for each trial of a sweep, mean and range under those that differ in their seeds alone, the engine, and a sentence
 * where it compares true with random labels.
 *
 * @param directory Of the sweep.
 */
export function sweepResult(
  results: readonly TrialResult[],
  directory: string,
  width?: number,
): string {
  const trainings = results.filter(isTraining);
  const others = results.flatMap(({ trial, result, runDir }) =>
    isTheoryResult(result)
      ? [`${printable(trial.label)}\n${theoryResult(result, runDir, width)}`]
      : [],
  );
  const closing = comparison(results);
  return [
    ...(trainings.length > 0 ? [trainingTable(trainings, width)] : []),
    ...others,
    ...(trainings.length > 0 ? [table(sweepFacts(trainings, directory), [1], { width })] : []),
    ...(closing === '' ? [] : [`${width === undefined ? closing : prose(closing, width)}\n`]),
  ].join('\n');
}

function sweepFacts(trainings: readonly TrainingResult[], directory: string): string[][] {
  const engines = trainings.flatMap(({ result: { engine } }) =>
    engine ? [conditionsOf(engine)] : [],
  );
  return [
    ...[...new Set(engines)].map((engine) => ['engine', engine]),
    ['table', shownPath(join(directory, 'trials.csv'))],
  ];
}

/** Where a terminal is too narrow, `trials.csv` has the directories. */
const RUN_COLUMN = 6;

function trainingTable(results: readonly TrainingResult[], width?: number): string {
  const header = ['trial', 'train acc', 'test acc', 'gap', 'epochs', 'outcome', 'run'];
  const groups = [...groupedBySeeds(results)];
  const rows = groups.flatMap((group) => [...group.map(trialRow), ...summaryRows(group)]);
  return table([header, ...rows], [5, RUN_COLUMN], { width, spare: [RUN_COLUMN], header: true });
}

function trialRow({ trial, result, runDir }: TrainingResult): string[] {
  return [
    trial.label,
    percent(result.last?.train_accuracy),
    percent(result.last?.test_accuracy),
    percent(result.last?.generalization_gap),
    grouped(result.epochs),
    OUTCOMES[result.outcome],
    shownPath(runDir),
  ];
}

/** Trials that differ in nothing but their seeds. */
function groupedBySeeds(results: readonly TrainingResult[]): Iterable<TrainingResult[]> {
  const groups = new Map<string, TrainingResult[]>();
  for (const result of results) {
    const others = Object.entries(result.trial.overrides).filter(([path]) => !isSeed(path));
    const key = canonicalJson(Object.fromEntries(others));
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return groups.values();
}

/** Mean and range over the seeds of a group: of whatever all its trials have. */
function summaryRows(group: readonly TrainingResult[]): string[][] {
  // A seed that was given twice is one sample.
  const samples = new Map(group.map((one) => [repetition(one.trial.config), one])).values();
  const ended = [...samples].filter(({ result }) => result.outcome !== 'interrupted');
  if (ended.length < 2) return [];
  const failed = ended.filter(({ result }) => result.reached?.['accuracy_0.95'] === null).length;
  const column = (value: (result: RunResult) => number | null | undefined) => {
    const values = ended.map(({ result }) => value(result));
    return values.every((given) => typeof given === 'number') ? values : [];
  };
  const accuracies = (['train_accuracy', 'test_accuracy', 'generalization_gap'] as const).map(
    (key) => column((result) => result.last?.[key]),
  );
  const epochs = column((result) => result.epochs);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const range = (values: number[]) => {
    const [least, most] = [Math.min(...values), Math.max(...values)].map((x) =>
      (100 * x).toFixed(1),
    );
    return `${least}–${most} %`;
  };
  const told = (values: number[], tell: (values: number[]) => string) =>
    values.length === 0 ? '–' : tell(values);
  return [
    [
      `  mean of ${ended.length} seeds`,
      ...accuracies.map((values) => told(values, (values) => percent(mean(values)))),
      told(epochs, (values) => mean(values).toFixed(1)),
      failed === 0 ? '' : `${failed} of ${ended.length} did not converge`,
      '',
    ],
    [
      '  range',
      ...accuracies.map((values) => told(values, range)),
      told(epochs, (values) => `${Math.min(...values)}–${Math.max(...values)}`),
      '',
      '',
    ],
  ];
}

/** The paper's point in a sentence, or how far from it this was; empty where no two trials show it. */
export function comparison(results: readonly TrialResult[]): string {
  // One that was interrupted has not shown yet what it can.
  const trainings = results
    .filter(isTraining)
    .filter(({ result }) => result.outcome !== 'interrupted');
  const clean = trainings.find(({ trial }) => corruptedShare(trial.config.corruption) === 0);
  const random = trainings.find(({ trial }) => corruptedShare(trial.config.corruption) === 1);
  const [a, b] = [clean?.result.last, random?.result.last];
  const { classes, test } = random?.result.data ?? {};
  if (a?.train_accuracy === undefined || b?.train_accuracy === undefined) return '';
  if (b.test_accuracy === undefined || !classes || !test) return '';
  const guess = 1 / classes;
  const learned = `The network fitted ${percent(a.train_accuracy)} of the true labels`;
  if (b.train_accuracy < MEMORIZED_ACCURACY) {
    return `${learned}, but only ${percent(b.train_accuracy)} of the random ones: give it more epochs (train.epochs=…) to see whether it can.`;
  }
  const generalized = `On test images it is then right ${percent(a.test_accuracy)} of the time with the first and ${percent(b.test_accuracy)} with the second`;
  const verdict = byChance(b.test_accuracy, classes, test)
    ? `which is chance (${percent(guess)}): that it can fit a training set says nothing of what it has learned.`
    : `where chance is ${percent(guess)}.`;
  return `${learned} and ${percent(b.train_accuracy)} of the random ones.\n${generalized}, ${verdict}`;
}

/** What became of a trial, as a line while others go on. */
export function endedLine(record: TrialRecord): string {
  const label = record.trial.label || record.trial.id;
  if (record.state === 'waiting') return `${label}  not run`;
  if (record.state === 'elsewhere') return `${label}  is run by ${record.by}`;
  if (record.state === 'failed')
    return `trial ${label} failed: ${record.error.message.split('\n')[0]}`;
  const { result } = record;
  const took = duration(result.seconds);
  if (isTheoryResult(result)) return `${label}  ${took}  ${result.outcome}`;
  const { last, epochs, outcome } = result;
  return [
    label,
    `train ${percent(last?.train_accuracy)}`,
    `test ${percent(last?.test_accuracy)}`,
    counted(epochs ?? 0, 'epoch'),
    OUTCOMES[outcome],
  ].join('  ');
}

/** A trial in the summary that ends a sweep with `--json`. */
export function trialSummary(record: TrialRecord): object {
  const { id, label, overrides } = record.trial;
  const common = { id, label, overrides };
  if (record.state === 'waiting') return { ...common, run_dir: null, outcome: 'not run' };
  const { runDir: run_dir } = record;
  if (record.state === 'elsewhere') return { ...common, run_dir, outcome: 'running' };
  if (record.state === 'failed')
    return { ...common, run_dir, outcome: 'failed', error: record.error };
  const { result } = record;
  const ended = { ...common, run_dir, outcome: result.outcome };
  if (isTheoryResult(result)) return { ...ended, result };
  return {
    ...ended,
    epochs: result.epochs ?? null,
    train_accuracy: result.last?.train_accuracy ?? null,
    test_accuracy: result.last?.test_accuracy ?? null,
    generalization_gap: result.last?.generalization_gap ?? null,
    ...top5(result.last),
  };
}

/** What a row has with `record.top5`. */
function top5(row: StoredEpochRow | null | undefined): object {
  return Object.fromEntries(
    Object.keys(ON_REQUEST.top5).flatMap((column) => {
      const value = row?.[column as keyof StoredEpochRow];
      return value === undefined ? [] : [[column, value]];
    }),
  );
}
