import type { Trial } from '../config/experiment.js';
import { type ErrorKind, isInterruption, messageOf, RethinkError } from '../errors.js';
import type { FinishedRun } from '../setup/options.js';

/** What went wrong with a trial, as it is told and written down. */
export interface TrialError {
  kind: ErrorKind;
  message: string;
  hint: string | undefined;
  /** Nothing a person or a disk did: a bug of ours. */
  bug: boolean;
}

/** What has become of one trial of a sweep. */
export type TrialRecord = { trial: Trial } & (
  | { state: 'waiting' }
  | ({ state: 'ended'; foundEarlier: boolean } & FinishedRun)
  | { state: 'failed'; error: TrialError; runDir: string | null }
);

/** A trial that has a result: `did not converge`, `diverged` and `interrupted` among them. */
export type EndedTrial = Extract<TrialRecord, { state: 'ended' }>;
export type FailedTrial = Extract<TrialRecord, { state: 'failed' }>;

/** Whether a trial needs nothing more: an interrupted one does. */
export function isComplete(record: TrialRecord): record is EndedTrial {
  return record.state === 'ended' && record.result.outcome !== 'interrupted';
}

/** Anything that a trial can end with, as plain values: fit for another process and for a table. */
export function describeError(error: unknown): TrialError {
  if (error instanceof RethinkError) {
    return { kind: error.kind, message: error.message, hint: error.hint, bug: false };
  }
  if (isInterruption(error)) {
    return { kind: 'interrupted', message: messageOf(error), hint: undefined, bug: false };
  }
  // A bug of ours: with where it happened, as it would be without a process in between.
  const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { kind: 'failed', message, hint: undefined, bug: true };
}
