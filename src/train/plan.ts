import { stepsPerChunk } from '../batches/chunks.js';
import type { Config } from '../config/resolve.js';
import type { ScheduleName } from '../config/schedule.js';

/**
 * How many steps to give the engine in one call: a power of two (an engine that compiles a program for each count then
 * compiles few), learned from how long the last calls took.
 */
export class ChunkPlanner {
  private secondsPerStep: number | undefined;

  /** @param bytesPerStep Bytes of images and masks that one step needs. */
  constructor(private readonly bytesPerStep: number) {}

  /** @param remaining Steps left in the epoch, at least 1. */
  next(remaining: number): number {
    const { bytesPerStep, secondsPerStep } = this;
    const most = Math.min(remaining, stepsPerChunk({ bytesPerStep, secondsPerStep }));
    return 2 ** Math.floor(Math.log2(most));
  }

  /** Notes that a call of `steps` steps took `seconds`. */
  took(steps: number, seconds: number): void {
    const perStep = seconds / steps;
    // The first call may include one-time work of the library: later ones weigh more.
    this.secondsPerStep =
      this.secondsPerStep === undefined ? perStep : 0.3 * this.secondsPerStep + 0.7 * perStep;
  }
}

/** What the learning rate of a step depends on. */
export interface RateOptions
  extends Pick<Config['train'], 'learningRate' | 'decay' | 'epochs' | 'schedule'> {
  /** In steps. */
  decayEvery: number;
  stepsPerEpoch: number;
}

/** The part of the learning rate that is left at a step, for each row of the table in `config/schedule.ts`. */
const SCHEDULES: Record<ScheduleName, (step: number, options: RateOptions) => number> = {
  // Zhang2017, appendix A.
  staircase: (step, { decay, decayEvery }) => decay ** Math.floor(step / decayEvery),
  cosine: (step, { epochs, stepsPerEpoch }) =>
    (1 + Math.cos((Math.PI * step) / (epochs * stepsPerEpoch))) / 2,
  'multi-step': (step, { schedule, stepsPerEpoch }) => {
    const { milestones = [], factor = 1 } = schedule!;
    return factor ** milestones.filter((epoch) => step >= epoch * stepsPerEpoch).length;
  },
  'inverse-sqrt': (step, { schedule }) => 1 / Math.sqrt(1 + Math.floor(step / schedule!.every!)),
};

/**
 * The learning rate of a step. A warm-up multiplies what the schedule says by (step + 1)/steps of the warm-up.
 *
 * @param step Steps already taken, from 0.
 */
export function learningRateAt(step: number, options: RateOptions): number {
  const { learningRate, schedule, stepsPerEpoch } = options;
  const rate = learningRate * SCHEDULES[schedule?.name ?? 'staircase'](step, options);
  const warmup = (schedule?.warmupEpochs ?? 0) * stepsPerEpoch;
  return step + 1 < warmup ? (rate * (step + 1)) / warmup : rate;
}
