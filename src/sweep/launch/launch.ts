import { join } from 'node:path';
import type { Trial } from '../../config/experiment.js';
import type { LauncherConfig } from '../../config/launcher.js';
import { Lock } from '../../disk/lock.js';
import { RethinkError } from '../../errors.js';
import { type SweepDefinition, SweepDirectory } from '../directory.js';
import { needsOf } from '../needs.js';
import { LaunchFolder, type Submission } from './folder.js';
import { packTrials } from './pack.js';
import { schedulerOf } from './schedulers.js';
import { type SweepStates, sweepStates } from './states.js';
import type { Scheduler } from './types.js';

export interface LaunchOptions {
  /** Root under which run directories are made. */
  out: string;
  launcher: LauncherConfig;
  /** Seconds that a trial takes at most, where that is known. */
  estimate(trial: Trial): Promise<number | undefined>;
}

/** What would be handed to a scheduler. */
interface Plan {
  states: SweepStates;
  scheduler: Scheduler;
  submission: Submission;
  folder: LaunchFolder;
}

/**
 * Hands what is missing of a sweep to a scheduler: trials that are neither finished nor in its queue.
 *
 * @param told Called with a sentence for each thing that was submitted.
 * @returns Where the trials stood before; nothing was submitted where all were finished or in the queue.
 * @throws RethinkError (`failed`) where the scheduler isn't there or refuses, or another process writes in this sweep.
 */
export async function launchSweep(
  definition: SweepDefinition,
  options: LaunchOptions,
  told: (sentence: string) => void,
): Promise<{ states: SweepStates; submission: Submission | null }> {
  const path = join(options.out, definition.name);
  const directory = SweepDirectory.open(path);
  await directory.writeDefinition(definition);
  const folder = new LaunchFolder(path);
  // Two who submit at once would both submit what is missing.
  const lock = await Lock.acquire(folder.made(), { wait: 'free' });
  try {
    const plan = await planLaunch(definition, options);
    if (plan === null) return { states: await sweepStates(definition, path), submission: null };
    const { states, scheduler, submission } = plan;
    for (const id of submission.tasks.flat()) folder.forgetFailure(id);
    folder.writeSubmission(submission);
    try {
      await scheduler.submit(submission, folder, told);
    } catch (error) {
      // Nothing of it is in a queue: as if it had not been tried.
      if (submission.arrays.length === 0) folder.forgetSubmission(submission.id);
      throw error;
    }
    return { states, submission };
  } finally {
    lock.release();
  }
}

/** What would be submitted, as the scheduler would get it; `null` where nothing is missing. Writes nothing. */
export async function previewLaunch(
  definition: SweepDefinition,
  options: LaunchOptions,
): Promise<(Awaited<ReturnType<Scheduler['preview']>> & { submission: Submission }) | null> {
  const plan = await planLaunch(definition, options);
  if (plan === null) return null;
  const { scheduler, submission, folder } = plan;
  return { ...(await scheduler.preview(submission, folder)), submission };
}

async function planLaunch(
  definition: SweepDefinition,
  { out, launcher, estimate }: LaunchOptions,
): Promise<Plan | null> {
  const scheduler = schedulerOf(launcher.kind);
  if (scheduler === null) throw new RethinkError('usage', 'launcher.kind is local.');
  const path = join(out, definition.name);
  const states = await sweepStates(definition, path);
  if (states.problem !== null) {
    // Whatever is in the queue would be submitted a second time.
    throw new RethinkError('failed', states.problem);
  }
  const missing = states.trials.filter(
    (trial) => !['done', 'running', 'waiting'].includes(trial.state),
  );
  if (missing.length === 0) return null;
  // What needs others is run by the task that brings the last of these to an end.
  const needs = needsOf(definition.trials);
  const open = new Set(
    states.trials.flatMap(({ state }, place) => (state === 'done' ? [] : [place])),
  );
  const ready = missing.filter(
    (trial) => !needs[states.trials.indexOf(trial)]!.some((place) => open.has(place)),
  );
  if (ready.length === 0) return null;
  const tasks = await packTrials(
    ready.map(({ trial }) => trial),
    launcher,
    estimate,
  );
  const id = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const submission: Submission = { id, launcher, tasks, arrays: [], last: null };
  return { states, scheduler, submission, folder: new LaunchFolder(path) };
}
