import type { OnProgress } from '../../progress.js';
import type { RunEvents } from '../../setup/events.js';
import { grouped } from '../../text.js';
import { type CliContext, isFancy } from '../context.js';
import { megabytes } from '../show/data-report.js';
import { createWatcher } from './watch.js';

/** A long job as it is watched and stopped. */
export interface Job {
  signal: AbortSignal;
  onProgress: OnProgress;
  note(message: string): void;
}

/** Runs a long job with progress on stderr; the first SIGINT or SIGTERM stops it in order. */
export async function watched<T>(
  flags: { json?: boolean },
  context: CliContext,
  work: (job: Job) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  // Once: a second signal finds the default handler and ends the process at once.
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { events, close } = createWatcher(context, flags.json ? { json: true } : {});
  try {
    return await work({
      signal: controller.signal,
      onProgress: progressTo(events, context),
      note: (message) => events.note?.(message),
    });
  } finally {
    close();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** Without a bar a long download still shows that it moves: a line every ten seconds. */
export function progressTo(events: RunEvents, context: CliContext): OnProgress {
  if (isFancy(context.stderr, context.env)) return (event) => events.preparing?.(event);
  let last = performance.now();
  return (event) => {
    events.preparing?.(event);
    if (performance.now() - last < 10_000) return;
    last = performance.now();
    const amount = (n: number) => (event.unit === 'bytes' ? megabytes(n) : grouped(n));
    events.note?.(`${event.what}: ${amount(event.done)} of ${amount(event.total)}`);
  };
}
