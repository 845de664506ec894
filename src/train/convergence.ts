import {
  type EpochRow,
  FIT_THRESHOLDS,
  type FitThreshold,
  type Progress,
} from '../results/training.js';

/** Notes the first evaluation at which each threshold of 'fitted' held. */
export function noteThresholds(progress: Progress, row: EpochRow): void {
  for (const threshold of FIT_THRESHOLDS) {
    if (progress.reached[threshold] === null && holds(threshold, row)) {
      progress.reached[threshold] = { epoch: row.epoch, step: row.step, seconds: row.seconds };
    }
  }
}

function holds(threshold: FitThreshold, row: EpochRow): boolean {
  const [measure, value] = threshold.split('_') as ['accuracy' | 'loss', string];
  return measure === 'accuracy'
    ? row.train_accuracy >= Number(value)
    : row.train_loss <= Number(value);
}

/** Progress of a run that has not begun. */
export function noProgress(): Progress {
  return {
    epoch: 0,
    step: 0,
    seconds: 0,
    fittedInARow: 0,
    reached: Object.fromEntries(FIT_THRESHOLDS.map((t) => [t, null])) as Progress['reached'],
    best: null,
    last: null,
    trainSeconds: 0,
    trainImages: 0,
  };
}
