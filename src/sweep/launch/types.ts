import { shellQuoted } from '../../text.js';
import type { LaunchFolder, Submission } from './folder.js';

/** A task as a scheduler sees it. */
export interface TaskState {
  state: 'running' | 'waiting';
  /** Why it waits, in the scheduler's own words; may be empty. */
  reason: string;
}

/** The task that a trial is in. */
export interface QueuedTask extends TaskState {
  submission: string;
  /** As the scheduler calls it. */
  task: string;
}

/** Whoever runs tasks on other machines. */
export interface Scheduler {
  /**
   * Hands over all tasks of a submission; its ids are written down as they come.
   *
   * @param told Called with a sentence for each thing that was submitted.
   * @throws RethinkError (`failed`) where the scheduler isn't there or refuses.
   */
  submit(
    submission: Submission,
    folder: LaunchFolder,
    told: (sentence: string) => void,
  ): Promise<void>;
  /** What would be handed over, and what has the scheduler say to that; `null`: nothing can. */
  preview(
    submission: Submission,
    folder: LaunchFolder,
  ): Promise<{ script: string; check: ((path: string) => Promise<string>) | null }>;
  /** Trials in the queue, by their ids. */
  queue(submissions: readonly Submission[]): Promise<Map<string, QueuedTask>>;
  /** @returns What was cancelled, as the scheduler calls it. */
  cancel(submissions: readonly Submission[]): Promise<string[]>;
}

/** A text as one word of a POSIX shell, in quotes where it needs them. */
export function quotedForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text);
}
