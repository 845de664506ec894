import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineContext } from '../engines/index.js';
import { type ErrorKind, RethinkError } from '../errors.js';
import type { BenchCase, Measurement } from './types.js';

/** What the child says: notes while it works, and one of the others at its end. */
export type ChildMessage =
  | { note: string }
  | { measurement: Measurement }
  | { error: { kind: ErrorKind; message: string; hint: string | undefined } }
  | { bug: string };

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
      else if ('bug' in message) reject(new Error(message.bug));
      else {
        const { kind, message: text, hint } = message.error;
        reject(new RethinkError(kind, text, hint === undefined ? {} : { hint }));
      }
    });
    worker.on('error', reject);
    worker.on('close', (code, signal) => {
      process.off('exit', stop);
      // After an answer this changes nothing.
      reject(died(bench, signal ?? `exit code ${code}`));
    });
    worker.send(bench);
  });
}

function died({ model, engine }: BenchCase, how: string): RethinkError {
  return new RethinkError('failed', `Measuring ${model} on ${engine.name} ended with ${how}.`, {
    hint: 'Out of memory, perhaps: try a smaller --batch.',
  });
}
