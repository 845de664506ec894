import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/resolve.js';
import { type ErrorReport, RethinkError, reportedError } from '../errors.js';
import { onCheckpointSignal } from '../machine/signals.js';
import type { RunEvents } from '../setup/events.js';
import type { FinishedRun, NewRunOptions } from '../setup/options.js';

/** What a process is to run. */
export interface TrialRequest {
  config: Config;
  /** The run to go on with; `null`: a new one. */
  runDir: string | null;
  options: Pick<NewRunOptions, 'out' | 'dataDir' | 'source' | 'origin' | 'runsOn' | 'claim'>;
}

/** What the child says: events while it works, and one of the others at its end. */
export type ChildMessage =
  | { event: keyof RunEvents; args: unknown[] }
  | { finished: FinishedRun }
  | { error: ErrorReport };

/** What the parent says after the request. */
export const INTERRUPT = 'interrupt';
/** What it says where it was asked for a checkpoint. */
export const CHECKPOINT = 'checkpoint';

export interface ProcessOptions {
  events: RunEvents;
  signal: AbortSignal;
  /** Beside this process's own environment. */
  env: Record<string, string>;
  /** The compiled script of the process. */
  child?: string | undefined;
}

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
/** Of what a process printed, as much as can hold the reason of its death. */
const KEPT_CHARACTERS = 4000;

/**
 * Runs a trial in a process of its own, so that whatever kills it (a native library, lack of memory) leaves the others
 * alone. An aborted signal makes it write a checkpoint and end.
 *
 * @throws RethinkError: what the run throws, and `failed` for a process that dies.
 */
export function runInProcess(
  request: TrialRequest,
  { events, signal, env, child = CHILD }: ProcessOptions,
): Promise<FinishedRun> {
  return new Promise((resolve, reject) => {
    // Advanced: JSON would turn a loss that is not a number into null.
    const worker = fork(child, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, ...env },
    });
    let printed = '';
    worker.stderr?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-KEPT_CHARACTERS);
    });
    const interrupt = () => worker.connected && worker.send(INTERRUPT, () => {});
    const checkpoint = () => worker.connected && worker.send(CHECKPOINT, () => {});
    const stop = () => worker.kill('SIGKILL');
    signal.addEventListener('abort', interrupt);
    const forget = onCheckpointSignal(checkpoint);
    process.on('exit', stop);
    worker.on('message', (message: ChildMessage) => {
      if ('event' in message) {
        (events[message.event] as ((...args: unknown[]) => void) | undefined)?.(...message.args);
      } else if ('finished' in message) resolve(message.finished);
      else reject(reportedError(message.error));
    });
    worker.on('error', reject);
    worker.on('close', (code, killedBy) => {
      forget();
      process.off('exit', stop);
      signal.removeEventListener('abort', interrupt);
      // After an answer this changes nothing.
      reject(died(killedBy ?? `exit code ${code}`, printed, signal));
    });
    // A child that dies at once closes the channel first; `close` then tells.
    worker.send(request, () => {});
    if (signal.aborted) interrupt();
  });
}

function died(how: string, printed: string, signal: AbortSignal): RethinkError {
  if (signal.aborted) return new RethinkError('interrupted', `The process ended with ${how}.`);
  const last = printed.trim().split('\n').at(-1);
  const said = last ? ` Its last words: ${last.slice(0, 300)}` : '';
  return new RethinkError('failed', `The process of the trial ended with ${how}.${said}`, {
    hint:
      how === 'SIGKILL'
        ? 'Out of memory, perhaps: run fewer at once (--jobs), or a smaller train.batchSize.'
        : 'Run the sweep again: it goes on from the last checkpoint.',
  });
}
