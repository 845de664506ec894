import type { Trial } from '../config/experiment.js';
import type { ErrorReport } from '../errors.js';
import type { FinishedRun } from '../setup/options.js';

/** What has become of one trial of a sweep. */
export type TrialRecord = { trial: Trial } & (
  | { state: 'waiting' }
  | ({ state: 'ended'; foundEarlier: boolean } & FinishedRun)
  | { state: 'failed'; error: ErrorReport; runDir: string | null }
  /** Another process runs it. */
  | { state: 'elsewhere'; by: string; runDir: string | null }
);

/** A trial that has a result: `did not converge`, `diverged` and `interrupted` among them. */
export type EndedTrial = Extract<TrialRecord, { state: 'ended' }>;
export type FailedTrial = Extract<TrialRecord, { state: 'failed' }>;

/** Whether a trial needs nothing more: an interrupted one does. */
export function isComplete(record: TrialRecord): record is EndedTrial {
  return record.state === 'ended' && record.result.outcome !== 'interrupted';
}
