import { RethinkError } from '../errors.js';
import { FIT_THRESHOLD_NAMES, type Progress, type RunResult } from '../results/training.js';
import { grouped } from '../text.js';

/** How far a run goes. */
export interface Schedule {
  stepsPerEpoch: number;
  epochs: number;
}

/** Epochs and steps completed. */
type Position = Pick<Progress, 'epoch' | 'step'>;

/**
 * Refuses progress that no run of this schedule can have made: training would go on in the middle of nowhere, or say that
 * it had done what it has not.
 *
 * @param path Of the checkpoint.
 * @throws RethinkError (`data`).
 */
export function checkProgress(progress: Progress, schedule: Schedule, path: string): void {
  checkPosition(progress, schedule, path);
  const { epoch, fittedInARow, best, last, reached } = progress;
  const evaluated = [best, last, ...FIT_THRESHOLD_NAMES.map((name) => reached[name])];
  const wrong = evaluated.find((row) => row != null && !isEvaluated(row, epoch, schedule));
  if (wrong != null) {
    throw damaged(path, `an evaluation ${told(wrong)}`, schedule);
  }
  if (fittedInARow > epoch) {
    throw damaged(path, `${grouped(fittedInARow)} evaluations ${told(progress)}`, schedule);
  }
}

/**
 * The same of a finished run's result, as far as it tells of its schedule.
 *
 * @param path Of `result.json`.
 * @throws RethinkError (`data`).
 */
export function checkResult(result: RunResult, epochs: number, path: string): void {
  const { epochs: epoch, steps: step, schedule } = result;
  const stepsPerEpoch = schedule?.steps_per_epoch;
  if (epoch === undefined || step === undefined || stepsPerEpoch === undefined) return;
  checkPosition({ epoch, step }, { stepsPerEpoch, epochs }, path);
}

function checkPosition(position: Position, { stepsPerEpoch, epochs }: Schedule, path: string) {
  const { epoch, step } = position;
  if (epoch > epochs) {
    throw new RethinkError(
      'data',
      `${path} is of ${grouped(epoch)} epochs, and train.epochs in config.json is ${grouped(epochs)}.`,
      { hint: `If ${grouped(epoch)} epochs were trained, set train.epochs to that or more.` },
    );
  }
  // The last step of an epoch is done a moment before the epoch is.
  const left = epoch === epochs ? 0 : stepsPerEpoch;
  const beyond = step - epoch * stepsPerEpoch;
  if (beyond < 0 || beyond > left) {
    throw damaged(path, `a place ${told(position)}`, { stepsPerEpoch, epochs });
  }
}

/** Evaluations are made at the end of an epoch. */
function isEvaluated(row: Position, epochsDone: number, { stepsPerEpoch }: Schedule): boolean {
  return row.epoch >= 1 && row.epoch <= epochsDone && row.step === row.epoch * stepsPerEpoch;
}

const told = ({ epoch, step }: Position) =>
  `after ${grouped(epoch)} epochs and ${grouped(step)} steps`;

function damaged(path: string, what: string, { stepsPerEpoch }: Schedule): RethinkError {
  return new RethinkError(
    'data',
    `${path} is damaged: it tells of ${what}, and an epoch has ${grouped(stepsPerEpoch)} steps.`,
  );
}
