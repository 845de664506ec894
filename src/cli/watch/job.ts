import { isInterruption, RethinkError } from '../../errors.js';
import type { OnProgress } from '../../progress.js';
import type { RunEvents } from '../../setup/events.js';
import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { preparingLine } from './preparing.js';
import { Screen } from './screen.js';
import { listenForInterruption } from './signals.js';
import { createWatcher } from './watch.js';

/** A long job as it is watched and stopped. */
export interface Job {
  signal: AbortSignal;
  events: RunEvents;
  onProgress: OnProgress;
  note(message: string): void;
}

/**
 * Runs a long job with progress on stderr; the first signal that ends runs stops it in order.
 *
 * @throws RethinkError: what the job throws; `interrupted`, with the exit code of the signal.
 */
export async function watched<T>(
  flags: OutputOptions,
  context: CliContext,
  work: (job: Job) => Promise<T>,
): Promise<T> {
  const interruption = listenForInterruption(context, 'Stopping');
  const { events, close } = createWatcher(context, flags);
  try {
    return await work({
      signal: interruption.signal,
      events,
      onProgress: progressTo(events, context),
      note: (message) => events.note?.(message),
    });
  } catch (error) {
    const exitCode = interruption.exitCode();
    if (exitCode === undefined || !isInterruption(error)) throw error;
    const known = error instanceof RethinkError ? error : undefined;
    throw new RethinkError('interrupted', known?.message ?? 'Interrupted.', {
      hint: known?.hint ?? 'Nothing was left half-made: run the same command again.',
      cause: error,
      exitCode,
    });
  } finally {
    close();
    interruption.dispose();
  }
}

/** Without a bar a long download still shows that it moves: a line every ten seconds. */
export function progressTo(events: RunEvents, context: CliContext): OnProgress {
  if (context.stderr instanceof Screen) return (event) => events.preparing?.(event);
  let last = performance.now();
  return (event) => {
    events.preparing?.(event);
    if (performance.now() - last < 10_000) return;
    last = performance.now();
    events.note?.(preparingLine(event));
  };
}
