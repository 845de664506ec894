import type { OnProgress } from '../../progress.js';
import type { RunEvents } from '../../setup/events.js';
import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { preparingLine } from './preparing.js';
import { Screen } from './screen.js';
import { interruptible } from './signals.js';
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
 * @throws as `interruptible`.
 */
export async function watched<T>(
  flags: OutputOptions,
  context: CliContext,
  work: (job: Job) => Promise<T>,
): Promise<T> {
  const { events, close } = createWatcher(context, flags);
  try {
    return await interruptible(context, (signal) =>
      work({
        signal,
        events,
        onProgress: progressTo(events, context),
        note: (message) => events.note?.(message),
      }),
    );
  } finally {
    close();
  }
}

/**
 * Without a bar a long job still shows that it moves: a line every ten seconds. A short one says nothing, so that what
 * lands in a log doesn't hang on how busy the machine is.
 */
export function progressTo(events: RunEvents, context: CliContext): OnProgress {
  if (context.stderr instanceof Screen) return (event) => events.preparing?.(event);
  let last = performance.now();
  return (event) => {
    if (performance.now() - last < 10_000) return;
    last = performance.now();
    events.note?.(preparingLine(event));
  };
}
