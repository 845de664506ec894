import { errorCode } from '../../disk/errors.js';
import { isInterruption, RethinkError } from '../../errors.js';
import {
  ignoresHangup,
  onCheckpointSignal,
  onStopSignal,
  STOP_SIGNALS,
  type StopSignal,
} from '../../machine/signals.js';
import type { CheckpointRequests } from '../../train/due.js';
import type { CliContext } from '../context.js';

/** What ended a command before its time. Results that can't be written any more are an error, but for `| head`. */
type Reason = StopSignal | 'SIGPIPE' | 'results could not be written';

const EXIT_CODES: Record<Reason, number> = {
  ...(Object.fromEntries(
    Object.entries(STOP_SIGNALS).map(([signal, { exitCode }]) => [signal, exitCode]),
  ) as Record<StopSignal, number>),
  SIGPIPE: 141,
  'results could not be written': 1,
};

/** A way to stop a run between two steps. */
export interface Interruption {
  signal: AbortSignal;
  /** Of what stopped the run; `undefined` while nothing has. */
  exitCode(): number | undefined;
  /** Whether it was that the results can't be written. */
  outputLost(): boolean;
  /** What SIGUSR1 and SIGUSR2 count up. */
  checkpointRequests: CheckpointRequests;
  /** Stops listening. */
  dispose(): void;
}

/**
 * Turns the first of the signals that end a run, or results that nobody takes any more, into an aborted signal. The next
 * SIGINT or SIGTERM ends the process at once, even inside a native call. SIGUSR1 and SIGUSR2 ask for a checkpoint and are
 * heard to the end.
 *
 * @param doing What is done now, for the sentence about it.
 */
export function listenForInterruption(
  { stdout, stderr }: Pick<CliContext, 'stdout' | 'stderr'>,
  doing = 'Finishing the step and writing a checkpoint',
): Interruption {
  const controller = new AbortController();
  const checkpointRequests = { count: 0 };
  let reason: Reason | undefined;
  const interrupt = (cause: Reason) => {
    reason = cause;
    controller.abort(new DOMException(cause, 'AbortError'));
  };
  const stops = onStopSignal((signal) => {
    stdout.removeListener('error', onError);
    stderr.write(`\n${doing}; a second signal stops at once.\n`);
    interrupt(signal);
  }, !ignoresHangup());
  const onError = (error: unknown) => {
    stdout.removeListener('error', onError);
    stops.standDown();
    interrupt(errorCode(error) === 'EPIPE' ? 'SIGPIPE' : 'results could not be written');
  };
  stdout.on('error', onError);
  const forget = onCheckpointSignal(() => {
    checkpointRequests.count++;
  });
  return {
    signal: controller.signal,
    exitCode: () => (reason === undefined ? undefined : EXIT_CODES[reason]),
    outputLost: () => reason !== undefined && !(reason in STOP_SIGNALS),
    checkpointRequests,
    dispose: () => {
      stops.dispose();
      forget();
      stdout.removeListener('error', onError);
    },
  };
}

/** Milliseconds that what was stopped gets to wind up. */
const GRACE = 2000;

/** Nobody is left to tell that the results were lost: the exit code says it. */
export class OutputLost extends Error {
  constructor(readonly exitCode: number) {
    super('The results could not be written.');
  }
}

/**
 * Runs what leaves nothing half made when it is stopped: by the first signal, or because nobody takes its results any more.
 *
 * @throws RethinkError: what the work throws; `interrupted`, with the exit code of the signal. `OutputLost` instead of that.
 */
export async function interruptible<T>(
  context: Pick<CliContext, 'stdout' | 'stderr'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interruption = listenForInterruption(context, 'Stopping');
  const { signal } = interruption;
  let late: NodeJS.Timeout | undefined;
  // A call of the system's may have no way to be stopped, such as the reading of a file on a network that is gone.
  const givenUp = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      late = setTimeout(() => reject(signal.reason), GRACE);
    });
  });
  try {
    const done = await Promise.race([work(signal), givenUp]);
    const exitCode = interruption.exitCode();
    if (exitCode !== undefined && interruption.outputLost()) throw new OutputLost(exitCode);
    return done;
  } catch (error) {
    const exitCode = interruption.exitCode();
    if (exitCode === undefined || !isInterruption(error)) throw error;
    if (interruption.outputLost()) throw new OutputLost(exitCode);
    const known = error instanceof RethinkError ? error : undefined;
    throw new RethinkError('interrupted', known?.message ?? 'Interrupted.', {
      hint: known?.hint ?? 'Nothing was left half-made: run the same command again.',
      cause: error,
      exitCode,
    });
  } finally {
    clearTimeout(late);
    interruption.dispose();
  }
}

/**
 * Runs what can be interrupted, and gives back its exit code or that of the interruption.
 *
 * @param told Called where the work ended by an error that is only the interruption: with its sentence, if it has one.
 */
export async function withInterruption(
  context: CliContext,
  work: (interruption: Interruption) => Promise<number>,
  told: (sentence: string | undefined) => void,
): Promise<number> {
  const interruption = listenForInterruption(context);
  try {
    return await work(interruption);
  } catch (error) {
    const code = interruption.exitCode();
    if (code === undefined || !isInterruption(error)) throw error;
    told(error instanceof RethinkError ? error.message : undefined);
    return code;
  } finally {
    interruption.dispose();
  }
}
