import { messageOf, RethinkError } from '../errors.js';
import type { TrialError } from './types.js';

/** Anything that a trial can end with, as plain values: fit for another process and for a table. */
export function describeError(error: unknown): TrialError {
  if (error instanceof RethinkError) {
    return { kind: error.kind, message: error.message, hint: error.hint, bug: false };
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { kind: 'interrupted', message: error.message, hint: undefined, bug: false };
  }
  // A bug of ours: with where it happened, as it would be without a process in between.
  const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { kind: 'failed', message, hint: undefined, bug: true };
}
