import { RethinkError } from '../../errors.js';
import type { CheckpointRequests } from '../../train/due.js';
import type { CliContext } from '../context.js';

/** Exit codes by the shell's convention, 128 + number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const;
type Reason = keyof typeof EXIT_CODES;

/** A way to stop a run between two steps. */
export interface Interruption {
  signal: AbortSignal;
  /** Of what stopped the run; `undefined` while nothing has. */
  exitCode(): number | undefined;
  /** What SIGUSR2 counts up. */
  checkpointRequests: CheckpointRequests;
  /** Stops listening. */
  dispose(): void;
}

/**
 * Turns the first SIGINT or SIGTERM, or a reader that has gone away, into an aborted signal. The listeners then go, so
 * that the default handler is back and a second signal ends the process at once, even inside a native call.
 *
 * SIGUSR2 asks for a checkpoint and stops nothing: its own default would end the process, so it is heard to the end.
 */
export function listenForInterruption({
  stdout,
  stderr,
}: Pick<CliContext, 'stdout' | 'stderr'>): Interruption {
  const controller = new AbortController();
  const checkpointRequests = { count: 0 };
  let reason: Reason | undefined;
  const interrupt = (cause: Reason) => {
    stopListening();
    reason = cause;
    if (cause !== 'SIGPIPE') {
      stderr.write(
        '\nFinishing the step and writing a checkpoint; a second signal stops at once.\n',
      );
    }
    controller.abort(new DOMException(cause, 'AbortError'));
  };
  const onInt = () => interrupt('SIGINT');
  const onTerm = () => interrupt('SIGTERM');
  const onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') interrupt('SIGPIPE');
  };
  const onUsr2 = () => {
    checkpointRequests.count++;
  };
  const stopListening = () => {
    process.removeListener('SIGINT', onInt);
    process.removeListener('SIGTERM', onTerm);
    stdout.removeListener('error', onPipe);
  };
  process.on('SIGINT', onInt);
  process.on('SIGTERM', onTerm);
  process.on('SIGUSR2', onUsr2);
  stdout.on('error', onPipe);
  return {
    signal: controller.signal,
    exitCode: () => (reason === undefined ? undefined : EXIT_CODES[reason]),
    checkpointRequests,
    dispose: () => {
      stopListening();
      process.removeListener('SIGUSR2', onUsr2);
    },
  };
}

/** Whether an error is only the way an aborted signal came back. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof RethinkError) return error.kind === 'interrupted';
  return error instanceof Error && error.name === 'AbortError';
}
