import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineContext } from '../engines/index.js';
import { type ErrorReport, RethinkError, reportedError } from '../errors.js';
import { STOP_SIGNALS } from '../machine/signals.js';
import { roughly } from '../text.js';
import type { BenchCase, Measurement, Stage } from './types.js';

/** What the child says: notes and what it is at while it works, and one of the others at its end. */
export type ChildMessage =
  | { note: string }
  | { at: Stage }
  | { measurement: Measurement }
  | { error: ErrorReport };

/** Seconds that a stage may take: with a step of a minute, a run would take weeks. */
const LONGEST: Record<Stage, number> = {
  compiling: 900,
  stepping: 60,
  evaluating: Number.POSITIVE_INFINITY,
};

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

interface ChildOptions {
  /** Its compiled script. */
  child?: string;
  /** In seconds. */
  longest?: Record<Stage, number>;
}

/**
 * Measures one case in a process of its own.
 *
 * @throws RethinkError: what `measureCase` throws; `failed` for a process that dies or takes too long for a step;
 *   `interrupted`.
 */
export function measureInChild(
  bench: BenchCase,
  context: Pick<EngineContext, 'note'> & { signal?: AbortSignal | undefined },
  { child = CHILD, longest = LONGEST }: ChildOptions = {},
): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const worker = fork(child, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const stop = () => worker.kill();
    process.on('exit', stop);
    const what = `${bench.model} on ${bench.engine.name}`;
    const interrupted = () =>
      new RethinkError('interrupted', `Interrupted while measuring ${what}.`);
    const abort = () => {
      reject(interrupted());
      worker.kill('SIGKILL');
    };
    context.signal?.addEventListener('abort', abort);
    // From here: a native call keeps the other process from telling anything.
    let watchdog: NodeJS.Timeout | undefined;
    const watch = (stage: Stage) => {
      clearTimeout(watchdog);
      if (longest[stage] === Number.POSITIVE_INFINITY) return;
      watchdog = setTimeout(() => {
        reject(tooSlow(bench, stage, longest[stage]));
        worker.kill('SIGKILL');
      }, longest[stage] * 1000);
    };
    worker.on('message', (message: ChildMessage) => {
      if ('at' in message) watch(message.at);
      else if ('note' in message) context.note?.(message.note);
      else if ('measurement' in message) resolve(message.measurement);
      else reject(reportedError(message.error));
    });
    worker.on('error', reject);
    worker.on('close', (code, signal) => {
      clearTimeout(watchdog);
      process.off('exit', stop);
      context.signal?.removeEventListener('abort', abort);
      // After an answer this changes nothing. A terminal's Ctrl-C may come to it first.
      if (signal !== null && signal in STOP_SIGNALS) reject(interrupted());
      const hint = 'Out of memory, perhaps: try a smaller --batch.';
      const how = signal ?? `exit code ${code}`;
      reject(new RethinkError('failed', `Measuring ${what} ended with ${how}.`, { hint }));
    });
    worker.send(bench);
  });
}

function tooSlow({ model, engine }: BenchCase, stage: Stage, seconds: number): RethinkError {
  const what = stage === 'compiling' ? 'Compiling and the first step' : 'A step';
  return new RethinkError(
    'failed',
    `${what} of ${model} on ${engine.name} took more than ${roughly(seconds)}: given up.`,
    { hint: 'Try a smaller --batch, or another engine.' },
  );
}
