import type { TrainBatches } from '../batches/batches.js';
import type { Config } from '../config/resolve.js';
import type { Session, StepMetrics, TrainChunk } from '../engines/types.js';
import type { StepsDone } from '../progress.js';
import {
  type EpochRow,
  FIT_THRESHOLD_NAMES,
  FIT_THRESHOLDS,
  type Outcome,
  type Progress,
  type StepRow,
} from '../results/training.js';
import { CheckpointDue, type CheckpointRequests } from './due.js';
import { type Evaluated, evaluate, type MeasuredData, measure } from './measure.js';
import { ChunkPlanner, learningRateAt, type RateOptions } from './plan.js';
import type { Recorder } from './types.js';

/** Training batches of one run, in memory or not: a pure function of (epoch, step), so that any step can be made again. */
export interface BatchSource
  extends Pick<TrainBatches, 'batchSize' | 'bytesPerStep' | 'stepsPerEpoch'> {
  /** As `TrainBatches.chunk`. */
  chunk(...asked: Parameters<TrainBatches['chunk']>): TrainChunk | Promise<TrainChunk>;
}

export interface LoopOptions {
  session: Session;
  batches: BatchSource;
  data: MeasuredData;
  train: Config['train'];
  /** In steps; `train.decayEvery` or the paper's default. */
  decayEvery: number;
  /** Epochs between checkpoints; 0: only at the end or when interrupted. */
  checkpointEvery: number;
  /** Minutes between checkpoints, within an epoch too; 0 or `undefined`: none by the clock. */
  checkpointMinutes?: number | undefined;
  /** Each one more makes the loop write a checkpoint after the steps under way, and go on. */
  checkpointRequests?: CheckpointRequests | undefined;
  /** Where to go on from; changed in place. */
  progress: Progress;
  recorder: Recorder;
  /** Whether the loss of every step is recorded. */
  recordSteps: boolean;
  onSteps?: ((event: StepsDone) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface LoopResult {
  outcome: Outcome;
  /** Step (from 1) whose loss or gradient was not finite. */
  divergedAt: number | null;
  /** By the weights as they are now; `null` where they have been evaluated by nobody since they were loaded. */
  evaluated: Evaluated | null;
}

/**
 * The training loop: epochs of chunks of steps, an evaluation, a row, a checkpoint, until the training set is fitted
 * or the epochs are used up. An aborted signal makes it finish the steps under way, write a checkpoint and return.
 */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { progress, train, checkpointEvery } = options;
  const clock = new Clock(progress);
  const planner = new ChunkPlanner(options.batches.bytesPerStep);
  const due = new CheckpointDue(options.checkpointMinutes ?? 0, options.checkpointRequests);
  let evaluated: Evaluated | null = null;
  const save = async (isBest: boolean) => {
    due.note();
    const state = await options.session.getState();
    await options.recorder.checkpoint({ state, progress: structuredClone(progress) }, isBest);
  };

  while (progress.epoch < train.epochs && !stopMet(progress, train)) {
    const divergedAt = await trainEpoch(options, planner, clock, async () => {
      if (due.now) await save(false);
    });
    if (divergedAt !== null) return { outcome: 'diverged', divergedAt, evaluated: null };
    if (!epochComplete(options)) {
      await save(false);
      return { outcome: 'interrupted', divergedAt: null, evaluated: null };
    }
    evaluated = await finishEpoch(options, clock);
    const last = progress.epoch === train.epochs || stopMet(progress, train);
    const interrupted = options.signal?.aborted === true && !last;
    const isBest = progress.best !== null && progress.best.epoch === progress.epoch;
    // The best weights are gone after the next step, so they don't wait for the epoch that is due.
    const inTurn = checkpointEvery > 0 && (isBest || progress.epoch % checkpointEvery === 0);
    if (last || inTurn || due.now || interrupted) await save(isBest);
    if (interrupted) return { outcome: 'interrupted', divergedAt: null, evaluated };
  }
  const outcome = stopMet(progress, train) ? 'fitted' : 'finished';
  return { outcome, divergedAt: null, evaluated };
}

/**
 * Trains to the end of the epoch in progress, or until the signal is aborted.
 *
 * @param between Called between two chunks of one epoch.
 * @returns The step that was not finite, or `null`.
 */
async function trainEpoch(
  options: LoopOptions,
  planner: ChunkPlanner,
  clock: Clock,
  between: () => Promise<void>,
): Promise<number | null> {
  const { batches, progress, session } = options;
  while (!epochComplete(options) && options.signal?.aborted !== true) {
    const start = performance.now();
    const first = progress.step - progress.epoch * batches.stepsPerEpoch;
    const steps = planner.next(batches.stepsPerEpoch - first);
    const rates = Array.from({ length: steps }, (_, i) =>
      learningRateAt(progress.step + i, rateOptions(options)),
    );
    const chunk = await batches.chunk(progress.epoch, first, steps, Float32Array.from(rates));
    const metrics = await session.runSteps(chunk);
    const seconds = (performance.now() - start) / 1000;
    planner.took(steps, seconds);

    const bad = metrics.finite.indexOf(0);
    const taken = bad === -1 ? steps : bad;
    const written = bad === -1 ? steps : bad + 1;
    if (options.recordSteps) {
      await options.recorder.steps(stepRows(options, metrics, rates, written));
    }
    progress.step += taken;
    progress.trainSeconds += seconds;
    progress.trainImages += taken * batches.batchSize;
    progress.seconds = clock.seconds();
    if (bad !== -1) return progress.step + 1;
    options.onSteps?.({
      epoch: progress.epoch + 1,
      stepInEpoch: first + steps,
      stepsPerEpoch: batches.stepsPerEpoch,
      loss: metrics.loss[steps - 1]!,
      imagesPerSecond: (steps * batches.batchSize) / seconds,
    });
    if (!epochComplete(options)) await between();
  }
  return null;
}

function rateOptions({ train, decayEvery, batches }: LoopOptions): RateOptions {
  return { ...train, decayEvery, stepsPerEpoch: batches.stepsPerEpoch };
}

/**
 * Closes the epoch whose steps are all done: evaluates if it is due and writes its row.
 *
 * @returns What was evaluated, if it was.
 */
async function finishEpoch(options: LoopOptions, clock: Clock): Promise<Evaluated | null> {
  const { progress, train, recorder } = options;
  const epoch = progress.epoch + 1;
  let evaluated: Evaluated | null = null;
  if (epoch % train.evaluateEvery === 0 || epoch === train.epochs) {
    evaluated = await evaluate(options.session, options.data);
    const measured = await measure(options.session, options.data, evaluated);
    const row: EpochRow = {
      epoch,
      step: progress.step,
      seconds: clock.seconds(),
      images_per_second: progress.trainImages / progress.trainSeconds,
      learning_rate: learningRateAt(progress.step - 1, rateOptions(options)),
      ...measured,
      ...bestSoFar(progress, measured),
    };
    progress.trainImages = 0;
    progress.trainSeconds = 0;
    progress.last = row;
    const { best } = progress;
    if (best?.test_accuracy === undefined || row.test_accuracy > best.test_accuracy) {
      progress.best = row;
    }
    const met = train.stop !== null && row.train_accuracy >= train.stop.accuracy;
    progress.fittedInARow = met ? progress.fittedInARow + 1 : 0;
    noteThresholds(progress, row);
    // Before the checkpoint: a kill between the two leaves a row to cut off on resume, not one that is missing.
    await recorder.examples?.(epoch, evaluated.train);
    await recorder.epoch(row);
  }
  progress.epoch = epoch;
  progress.seconds = clock.seconds();
  return evaluated;
}

/** Notes the first evaluation at which each threshold of 'fitted' held. */
function noteThresholds(progress: Progress, row: EpochRow): void {
  for (const threshold of FIT_THRESHOLD_NAMES) {
    // One that is not there is unknown: an earlier version may have reached it without noting it.
    if (progress.reached[threshold] === null && FIT_THRESHOLDS[threshold].met(row)) {
      progress.reached[threshold] = { epoch: row.epoch, step: row.step, seconds: row.seconds };
    }
  }
}

/** The best of the epochs until now, where top-5 accuracy is measured. */
function bestSoFar(
  { best, last }: Progress,
  { test_accuracy, test_top5_accuracy }: Pick<EpochRow, 'test_accuracy' | 'test_top5_accuracy'>,
): Pick<EpochRow, 'best_test_accuracy' | 'best_test_top5_accuracy'> {
  if (test_top5_accuracy === undefined) return {};
  return {
    best_test_accuracy: Math.max(test_accuracy, best?.test_accuracy ?? 0),
    best_test_top5_accuracy: Math.max(test_top5_accuracy, last?.best_test_top5_accuracy ?? 0),
  };
}

function epochComplete({ progress, batches }: LoopOptions): boolean {
  return progress.step >= (progress.epoch + 1) * batches.stepsPerEpoch;
}

function stopMet(progress: Progress, train: Config['train']): boolean {
  return train.stop !== null && progress.fittedInARow >= train.stop.patience;
}

function stepRows(
  { progress, batches }: LoopOptions,
  metrics: StepMetrics,
  rates: number[],
  count: number,
): StepRow[] {
  return Array.from({ length: count }, (_, i) => ({
    step: progress.step + i + 1,
    epoch: progress.epoch + 1,
    learning_rate: rates[i]!,
    loss: metrics.loss[i]!,
    accuracy: metrics.correct[i]! / batches.batchSize,
  }));
}

/** Wall-clock seconds of the run over all its sessions. */
class Clock {
  private readonly before: number;
  private readonly start = performance.now();

  constructor(progress: Progress) {
    this.before = progress.seconds;
  }

  seconds(): number {
    return this.before + (performance.now() - this.start) / 1000;
  }
}
