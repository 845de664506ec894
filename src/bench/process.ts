import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineContext } from '../engines/index.js';
import { type ErrorReport, RethinkError, reportedError } from '../errors.js';
import type { BenchCase, Measurement } from './types.js';

/** What the child says: notes while it works, and one of the others at its end. */
export type ChildMessage = { note: string } | { measurement: Measurement } | { error: ErrorReport };

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/**
 * Measures one case in a process of its own.
 *
 * @param child Its compiled script.
 * @throws RethinkError: what `measureCase` throws, and `failed` for a process that dies.
 */
export function measureInChild(
  bench: BenchCase,
  context: Pick<EngineContext, 'note'>,
  child = CHILD,
): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const worker = fork(child, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const stop = () => worker.kill();
    process.on('exit', stop);
    worker.on('message', (message: ChildMessage) => {
      if ('note' in message) context.note?.(message.note);
      else if ('measurement' in message) resolve(message.measurement);
      else reject(reportedError(message.error));
    });
    worker.on('error', reject);
    worker.on('close', (code, signal) => {
      process.off('exit', stop);
      // After an answer this changes nothing.
      const what = `Measuring ${bench.model} on ${bench.engine.name}`;
      const hint = 'Out of memory, perhaps: try a smaller --batch.';
      const how = signal ?? `exit code ${code}`;
      reject(new RethinkError('failed', `${what} ended with ${how}.`, { hint }));
    });
    worker.send(bench);
  });
}
