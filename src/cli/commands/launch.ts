import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Trial } from '../../config/experiment.js';
import type { LauncherConfig } from '../../config/launcher.js';
import type { SweepDefinition } from '../../sweep/directory.js';
import { estimator } from '../../sweep/estimate.js';
import { launchSweep, previewLaunch } from '../../sweep/launch/launch.js';
import { recordsOf, sweepStates } from '../../sweep/launch/states.js';
import { counted } from '../../text.js';
import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { sweepResult } from '../show/results.js';
import { stateCounts } from '../show/states.js';
import { roomOf, shownPath } from '../show/table.js';
import { emit } from '../watch/json-events.js';
import { listenForInterruption } from '../watch/signals.js';

export interface LaunchCommandOptions extends OutputOptions {
  out?: string;
  wait?: boolean;
}

/**
 * Hands what is missing of a sweep to a scheduler, says what became of it and returns; with `wait` it follows the trials.
 *
 * @returns The exit code: 0 submitted, or nothing to submit; with `wait` 1 where a trial failed.
 */
export async function launchCommand(
  definition: SweepDefinition,
  launcher: LauncherConfig,
  options: LaunchCommandOptions,
  context: CliContext,
): Promise<number> {
  const { out = 'results' } = options;
  const say = (sentence: string) => {
    if (!options.json && !options.quiet) context.stderr.write(`${sentence}\n`);
  };
  const request = { out, launcher, estimate: await secondsOfTrials(context) };
  const { states, submission } = await launchSweep(definition, request, say);
  const directory = join(out, definition.name);
  if (options.json) {
    emit(context, 'submitted', {
      sweep: directory,
      submission: submission?.id ?? null,
      tasks: submission?.tasks ?? [],
      jobs: submission?.arrays.map(({ job }) => job) ?? [],
    });
  } else {
    const before = stateCounts(states.trials);
    const what =
      submission === null
        ? 'Nothing to submit'
        : `Submitted: ${counted(submission.tasks.flat().length, 'trial')} in ${counted(submission.tasks.length, 'task')}`;
    say(`${before}. ${what}.`);
    say(`Where they stand: rethink-gen status ${shownPath(directory)}`);
  }
  return options.wait ? await follow(definition, directory, options, context) : 0;
}

/** Prints what would be submitted, and what the scheduler says to it. */
export async function previewCommand(
  definition: SweepDefinition,
  launcher: LauncherConfig,
  { out = 'results', json }: LaunchCommandOptions,
  context: CliContext,
): Promise<number> {
  const request = { out, launcher, estimate: await secondsOfTrials(context) };
  const preview = await previewLaunch(definition, request);
  if (preview === null) {
    if (json) emit(context, 'dry-run', { tasks: [], script: null });
    else context.stderr.write('Nothing is missing: all is finished or in the queue.\n');
    return 0;
  }
  const { script, check, submission } = preview;
  const said = check === null ? null : await checked(script, check);
  if (json) emit(context, 'dry-run', { tasks: submission.tasks, script, scheduler: said });
  else {
    context.stdout.write(script);
    if (said !== null) context.stderr.write(`${said}\n`);
  }
  return 0;
}

async function checked(script: string, check: (path: string) => Promise<string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rethink-gen-'));
  try {
    const path = join(folder, 'array.sbatch');
    writeFileSync(path, script);
    return await check(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long a trial takes at most, by what was measured on this machine. */
async function secondsOfTrials(
  context: CliContext,
): Promise<(trial: Trial) => Promise<number | undefined>> {
  const inspector = await context.loadInspector();
  const timings = (await context.loadTimings()).read();
  const estimate = estimator(timings, (config) => inspector.flops(config));
  return async ({ config }) => (await estimate(config))?.seconds;
}

/** A scheduler is not asked more often. */
const LOOK_MS = 10_000;

async function follow(
  definition: SweepDefinition,
  directory: string,
  options: LaunchCommandOptions,
  context: CliContext,
): Promise<number> {
  const interruption = listenForInterruption(context, 'Looking away; the jobs go on');
  let last = '';
  try {
    for (;;) {
      const { trials, problem } = await sweepStates(definition, directory);
      const told = problem ?? stateCounts(trials);
      if (told !== last && !options.quiet) {
        if (options.json) emit(context, 'status', { told });
        else context.stderr.write(`${told}\n`);
      }
      last = told;
      const busy = trials.some(({ state }) => state === 'running' || state === 'waiting');
      if (!busy && problem === null) {
        const records = recordsOf(trials);
        const ended = records.filter((record) => record.state === 'ended');
        if (!options.json)
          context.stdout.write(sweepResult(ended, directory, roomOf(context.stdout)));
        return trials.every(({ state }) => state === 'done') ? 0 : 1;
      }
      await setTimeout(LOOK_MS, undefined, { signal: interruption.signal });
    }
  } catch (error) {
    const code = interruption.exitCode();
    if (code === undefined) throw error;
    return code;
  } finally {
    interruption.dispose();
  }
}
