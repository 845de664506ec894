import { stepsPerChunk } from '../batches/chunks.js';

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

/**
 * The learning rate of a step: a staircase in steps, learningRate · decay^floor(step / decayEvery) (Zhang2017, appendix A).
 *
 * @param step Steps already taken, from 0.
 */
export function learningRateAt(
  step: number,
  { learningRate, decay, decayEvery }: { learningRate: number; decay: number; decayEvery: number },
): number {
  return learningRate * decay ** Math.floor(step / decayEvery);
}
