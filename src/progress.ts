import { setImmediate } from 'node:timers/promises';
import { RethinkError } from './errors.js';

/** Fraction done of something long before training: a download, decoding, compiling. */
export interface Preparing {
  /** What is being done, in a few words: `reading cifar10`. */
  what: string;
  done: number;
  /** 0 where the total isn't known. */
  total: number;
  unit: 'bytes' | 'files' | 'images' | 'runs' | 'steps';
}

/** Progress of a long job outside a run (download, import, install). */
export type OnProgress = (event: Preparing) => void;

/** Who watches something long, and may end it. */
export interface Watching {
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

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

/** Milliseconds for which a loop may keep signals, timers and bars waiting. */
const TURN = 50;

/**
 * For a loop that would keep the event loop to itself, which `await` alone doesn't change. What this gives is awaited at
 * each pass: now and then it says how far the loop is, lets signals, timers and bars have their turn, and ends the loop
 * where somebody asked for that.
 *
 * @param what What is being done, in a few words: `reading cifar10`.
 * @throws RethinkError (`interrupted`), in the loop.
 */
export function takingTurns(
  { signal, onProgress }: Watching,
  what: string,
  amount?: () => Omit<Preparing, 'what'>,
): () => Promise<void> | undefined {
  let last = performance.now();
  const turn = async () => {
    if (amount !== undefined) onProgress?.({ what, ...amount() });
    await setImmediate();
    throwIfInterrupted(signal, what);
    last = performance.now();
  };
  return () => {
    throwIfInterrupted(signal, what);
    return performance.now() - last < TURN ? undefined : turn();
  };
}

/**
 * Work that gives the number of files it has done at each step, from its beginning to its end.
 *
 * @throws RethinkError (`interrupted`), and what the work throws.
 */
export async function inTurns<T>(
  work: Generator<number, T>,
  watching: Watching,
  what: string,
): Promise<T> {
  let done = 0;
  const turn = takingTurns(watching, what, () => ({ done, total: 0, unit: 'files' }));
  try {
    for (let step = work.next(); ; step = work.next()) {
      if (step.done) return step.value;
      done = step.value;
      await turn();
    }
  } finally {
    // Whatever it has open is closed.
    work.return(undefined as T);
  }
}

/** The same without a pause. */
export function atOnce<T>(work: Generator<number, T>): T {
  for (let step = work.next(); ; step = work.next()) if (step.done) return step.value;
}
