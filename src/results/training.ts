import { z } from 'zod';
import { ENGINES, PRECISIONS } from '../config/engines.js';
import { anyNumber, parseJson } from '../disk/json.js';
import type { EngineInfo } from '../engines/types.js';
import { type Detection, SCORE_NAMES, type ScoreName } from './examples.js';
import { measures } from './measures.js';
import { keep, type Stored, type Tell, tellMissing } from './stored.js';

/** What a training writes: each column or key stands here once, and its type, its place and its reader follow. */

const count = z.int().min(0);

/** Columns of every row of `metrics.csv`, in order. Accuracies are fractions; `null` is 'does not apply'. */
const ALWAYS = {
  /** Epochs completed, from 1. */
  epoch: count,
  /** Steps completed. */
  step: count,
  /** Wall-clock seconds of the run so far, over all its sessions. */
  seconds: anyNumber,
  /** Training alone: no evaluation, no compilation. */
  images_per_second: anyNumber,
  /** Of the epoch's last step. */
  learning_rate: anyNumber,
  /** Mean cross-entropy of the training set, inference mode, labels trained on. */
  train_loss: anyNumber,
  train_accuracy: anyNumber,
  /** Against true labels. */
  test_loss: anyNumber,
  test_accuracy: anyNumber,
  /** train_accuracy − test_accuracy. */
  generalization_gap: anyNumber,
  /** Training examples against their true labels. */
  true_label_accuracy: anyNumber,
  /** Training examples whose label or image was changed, against the label trained on. */
  corrupted_accuracy: anyNumber.nullable(),
  /** All other training examples. */
  clean_accuracy: anyNumber.nullable(),
  /** ℓ2 norm of all trained parameters. */
  weight_norm: anyNumber,
};

/** Columns that follow where they are asked for, by what asks for them: `record.corruptedTestAccuracy`, `record.top5`. */
export const ON_REQUEST = {
  corruptedTestAccuracy: {
    /** Test examples against equally corrupted labels. */
    corrupted_test_accuracy: anyNumber.optional(),
  },
  top5: {
    /** Training examples whose label is among the five greatest logits. */
    train_top5_accuracy: anyNumber.optional(),
    test_top5_accuracy: anyNumber.optional(),
    /** Greatest test accuracy of this epoch and all before it: what early stopping would have had. */
    best_test_accuracy: anyNumber.optional(),
    /** The same of test_top5_accuracy, which may have been another epoch's. */
    best_test_top5_accuracy: anyNumber.optional(),
  },
};

const EPOCH = { ...ALWAYS, ...ON_REQUEST.corruptedTestAccuracy, ...ON_REQUEST.top5 };

/** What columns may be asked for. */
export type RowOption = keyof typeof ON_REQUEST;

/** All columns that a row of `metrics.csv` may have, in order. */
export const EPOCH_COLUMNS = Object.keys(EPOCH) as (keyof EpochRow)[];

/** Those that a run with these options writes. */
export function epochColumns(wanted: Record<RowOption, boolean>): (keyof EpochRow)[] {
  const left = Object.entries(ON_REQUEST)
    .filter(([option]) => !wanted[option as RowOption])
    .flatMap(([, columns]) => Object.keys(columns));
  return EPOCH_COLUMNS.filter((column) => !left.includes(column));
}

const position = ['epoch', 'step'] as const;

/** One line of `metrics.csv` and `metrics.jsonl`. */
export const epochRow = keep(EPOCH, position);
export type EpochRow = z.output<z.ZodObject<typeof EPOCH>>;
/** A row as another version may have written it. */
export type StoredEpochRow = Stored<EpochRow, (typeof position)[number]>;

const STEP = {
  /** From 1. */
  step: count,
  /** Epoch the step belongs to, from 1. */
  epoch: count,
  learning_rate: anyNumber,
  /** Of the batch, before the step. */
  loss: anyNumber,
  /** Of the batch, before the step. */
  accuracy: anyNumber,
};

/** One line of `steps.csv`. */
export const stepRow = keep(STEP, ['step']);
export type StepRow = z.output<z.ZodObject<typeof STEP>>;
export type StoredStepRow = Stored<StepRow, 'step'>;

/** Columns of `steps.csv`, in order. */
export const STEP_COLUMNS = Object.keys(STEP) as (keyof StepRow)[];

/**
 * Thresholds of 'fitted' (Zhang2017, section 2.1), on the training set as trained on, with the current weights, in inference
 * mode: how each is told, and whether a row meets it.
 */
export const FIT_THRESHOLDS = {
  'accuracy_0.95': { told: '95 %', met: (row: EpochRow) => row.train_accuracy >= 0.95 },
  'accuracy_0.99': { told: '99 %', met: (row: EpochRow) => row.train_accuracy >= 0.99 },
  'accuracy_0.999': { told: '99.9 %', met: (row: EpochRow) => row.train_accuracy >= 0.999 },
  accuracy_1: { told: '100 %', met: (row: EpochRow) => row.train_accuracy >= 1 },
  'loss_0.1': { told: 'loss 0.1', met: (row: EpochRow) => row.train_loss <= 0.1 },
  'loss_0.01': { told: 'loss 0.01', met: (row: EpochRow) => row.train_loss <= 0.01 },
};

export type FitThreshold = keyof typeof FIT_THRESHOLDS;
export const FIT_THRESHOLD_NAMES = Object.keys(FIT_THRESHOLDS) as FitThreshold[];

/** The first evaluation at which a threshold held. */
const firstReached = z.strictObject({ epoch: count, step: count, seconds: anyNumber });

/** `null`: not reached; a threshold that the writer's version did not have may be missing. */
const reached = z.strictObject(
  Object.fromEntries(FIT_THRESHOLD_NAMES.map((name) => [name, firstReached.nullable()])) as Record<
    FitThreshold,
    z.ZodNullable<typeof firstReached>
  >,
);

const storedRow = z.strictObject(EPOCH).nullable();

const PROGRESS = {
  /** Epochs completed. */
  epoch: count,
  /** Steps completed. */
  step: count,
  /** Wall-clock seconds so far. */
  seconds: anyNumber,
  /** Evaluations in a row that met the stop criterion. */
  fittedInARow: count,
  reached,
  /** Row with the best test accuracy so far. */
  best: storedRow,
  /** Last evaluated row. */
  last: storedRow,
  /** Seconds and images of training alone, for throughput over the epoch in progress. */
  trainSeconds: anyNumber,
  trainImages: anyNumber,
};

/** Nothing goes on exactly where it stopped without these. */
const NEEDED_TO_RESUME = [...position, 'fittedInARow', 'best', 'last'] as const;

const progress = keep(PROGRESS, NEEDED_TO_RESUME, ['reached', 'best', 'last']);

/**
 * The row with the greatest weight norm.
 *
 * @returns `null` where no row after it has less: the norm still rises.
 */
export function weightNormPeak(rows: readonly StoredEpochRow[]): StoredEpochRow | null {
  const norm = ({ weight_norm: norm = Number.NaN }: StoredEpochRow) =>
    Number.isFinite(norm) ? norm : Number.NEGATIVE_INFINITY;
  const peak = rows.reduce<StoredEpochRow | null>(
    (most, row) => (most === null || norm(row) > norm(most) ? row : most),
    null,
  );
  return peak === null || peak === rows.at(-1) || !Number.isFinite(norm(peak)) ? null : peak;
}

/** What may come from another version's file, and be carried on as it is. */
interface Carried {
  reached: Stored<z.output<typeof reached>, (typeof position)[number]>;
  best: StoredEpochRow | null;
  last: StoredEpochRow | null;
}

/** Everything the loop needs besides tensors to go on exactly where it stopped: goes into every checkpoint. */
export type Progress = Omit<z.output<z.ZodObject<typeof PROGRESS>>, keyof Carried> & Carried;

/** Progress of a run that has not begun. */
export function noProgress(): Progress {
  return {
    epoch: 0,
    step: 0,
    seconds: 0,
    fittedInARow: 0,
    reached: Object.fromEntries(FIT_THRESHOLD_NAMES.map((name) => [name, null])),
    best: null,
    last: null,
    trainSeconds: 0,
    trainImages: 0,
  };
}

/** @throws TypeError where it has other keys than this version knows: a bug. */
export function writtenProgress(given: Progress): Progress {
  progress.written(given as z.output<z.ZodObject<typeof PROGRESS>>);
  return given;
}

/**
 * Progress as a checkpoint holds it. Where another version wrote it, clocks start at nothing, and thresholds that it did
 * not know stay unknown: they may have been reached before.
 *
 * @param where Named in errors.
 * @throws RethinkError (`data`) where it is damaged, or lacks what no run can go on without.
 */
export function readProgress(text: string, where: string, tell?: Tell): Progress {
  const read = parseJson(text, progress.schema, where);
  tellMissing(where, progress.missing(read), tell);
  const known = Object.entries(read).filter(([key]) => key in PROGRESS);
  return { ...noProgress(), reached: {}, ...Object.fromEntries(known) };
}

/** What a run came to, and how a table tells it. */
export const OUTCOMES = {
  /** The stop criterion was met. */
  fitted: 'fitted',
  /** All epochs were used. */
  finished: 'all epochs used',
  diverged: 'diverged',
  interrupted: 'interrupted',
};

export type Outcome = keyof typeof OUTCOMES;

/** The engine of a result. */
export const engine = z.strictObject({
  name: z.enum(ENGINES),
  version: z.string(),
  device: z.string(),
  precision: z.enum(PRECISIONS),
  mode: z.enum(['eager', 'compiled']),
  devices: count.optional(),
  threads: z.int().optional(),
  onednn: z.string().optional(),
  own_ops: z.boolean().optional(),
  command_buffers: z.string().optional(),
} satisfies { [Key in keyof Required<EngineInfo>]: z.ZodType<EngineInfo[Key]> });

/** The data of a result: what was used, and of how much. */
export const usedData = z.strictObject({
  name: z.string(),
  origin: z.string(),
  hash: z.string(),
  /** Examples used. */
  train: count,
  test: count,
  /** Examples in the whole data set. */
  full_train: count,
  full_test: count,
  classes: count,
});
export type UsedData = z.output<typeof usedData>;

/** How well a score finds the changed labels: see `Detection`. */
const found = z.strictObject({ auroc: anyNumber, precision: anyNumber } satisfies Record<
  keyof Detection,
  z.ZodType<number>
>);

const scoreDetections = z.strictObject(
  Object.fromEntries(SCORE_NAMES.map((name) => [name, found])) as Record<ScoreName, typeof found>,
);

const RESULT = {
  name: z.string(),
  config_hash: z.string(),
  outcome: z.enum(Object.keys(OUTCOMES) as Outcome[]),
  /** Whether training accuracy ever reached `train.stop.accuracy` (1 where it never stops early). */
  converged: z.boolean(),
  epochs: count,
  steps: count,
  seconds: anyNumber,
  /** Trained parameters. */
  parameters: count,
  /** In examples, steps and steps. */
  schedule: z.strictObject({ batch_size: count, steps_per_epoch: count, decay_every: count }),
  last: storedRow,
  /** By test accuracy (what early stopping would have kept). */
  best: storedRow,
  /** `null`: did not converge. */
  reached,
  /** Step at which loss or gradient was not finite. */
  diverged_at: count.nullable(),
  engine,
  data: usedData,
  /** Realized fraction of training labels that differ from the true ones. */
  label_noise: anyNumber,
  /** Row with the greatest `weight_norm`, where later ones had less: a point to stop at that takes no labels to be right. */
  weight_norm_peak: z.strictObject(EPOCH).optional(),
  /** With `record.examples`: what was recorded, and how well each score finds the changed labels. */
  examples: z
    .strictObject({
      /** Evaluated epochs on the disk, and the first of them. */
      epochs: count,
      first_epoch: count,
      /** Training examples whose label differs from the true one. */
      changed: count,
      /** `null` where all or none are changed. */
      scores: scoreDetections.nullable(),
    })
    .optional(),
  /** With `record.measures`: what may explain generalization, by the last weights. */
  measures: measures.optional(),
};

const NEEDED_OF_RESULT = [...position, 'outcome'] as const;

/** `result.json`: what a finished run says of itself, with the conditions of its numbers. */
export const runResult = keep(RESULT, NEEDED_OF_RESULT, [
  'reached',
  'best',
  'last',
  'weight_norm_peak',
]);
export type WrittenResult = Omit<
  z.output<z.ZodObject<typeof RESULT>>,
  keyof Carried | 'weight_norm_peak'
> &
  Carried & { weight_norm_peak?: StoredEpochRow };

/** `result.json` of a training. One of an experiment of the theory would pass for it otherwise: its keys could all be another version's. */
export const runResultSchema = z
  .looseObject({ experiment: z.undefined('this is no training').optional() })
  .transform((result) => result as unknown)
  .pipe(runResult.schema);

/** @throws TypeError where a key is unknown or missing: a bug. */
export function writtenResult(result: WrittenResult): WrittenResult {
  runResult.written(result as z.output<z.ZodObject<typeof RESULT>>);
  return result;
}

/** The same as it is read back: of this version's own, all is there. */
export type RunResult = Stored<
  z.output<z.ZodObject<typeof RESULT>>,
  (typeof NEEDED_OF_RESULT)[number]
>;
