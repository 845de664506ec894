import type { Experiment, Trial } from '../config/experiment.js';
import type { CliContext, Runner } from './context.js';
import type { TrialPosition } from './progress.js';
import type { TrialResult } from './results.js';
import type { RunOptions } from './run.js';
import type { Interruption } from './signals.js';
import { createWatcher } from './watch.js';

/** The trials of one command, and what has come of them so far. */
export interface Job {
  experiment: Experiment;
  trials: Trial[];
  options: RunOptions;
  context: CliContext;
  interruption: Interruption;
  runner: Runner;
  /** Filled in as trials end, so that an interruption or an error leaves those that are done. */
  results: TrialResult[];
}

/** Runs the trials one after another, until they are done or somebody interrupts. */
export async function runTrials(job: Job): Promise<void> {
  for (const [i, trial] of job.trials.entries()) {
    if (job.interruption.signal.aborted) return;
    const position = { index: i + 1, total: job.trials.length, label: trial.label, id: trial.id };
    job.results.push(await runTrial(job, trial, job.experiment.isSweep ? position : undefined));
  }
}

async function runTrial(job: Job, trial: Trial, position?: TrialPosition): Promise<TrialResult> {
  const { experiment, options, context, interruption, runner } = job;
  const { text, extension } = experiment.source;
  const watcher = createWatcher(context, options, position);
  try {
    const { result, runDir } = await runner.runExperiment(trial.config, {
      out: options.out,
      dataDir: options.dataDir,
      source: { text, extension },
      events: watcher.events,
      signal: interruption.signal,
    });
    return { trial, result, runDir };
  } finally {
    watcher.close();
  }
}
