import { RethinkError } from './errors.js';

/** Fraction done of something long before training: a download, decoding, compiling. */
export interface Preparing {
  /** What is being done, in a few words: `reading cifar10`. */
  what: string;
  done: number;
  /** 0 where the total isn't known. */
  total: number;
  unit: 'bytes' | 'images' | 'steps';
}

/** Progress of a long job outside a run (download, import, install). */
export type OnProgress = (event: Preparing) => void;

export interface StepsDone {
  epoch: number;
  /** Steps done in this epoch. */
  stepInEpoch: number;
  stepsPerEpoch: number;
  loss: number;
  /** Over the last chunk. */
  imagesPerSecond: number;
}

/** Throws a `RethinkError` (`interrupted`) once the signal has fired. */
export function throwIfInterrupted(signal: AbortSignal | undefined, doing: string): void {
  if (!signal?.aborted) return;
  if (signal.reason instanceof RethinkError) throw signal.reason;
  throw new RethinkError('interrupted', `Interrupted while ${doing}.`, { cause: signal.reason });
}
