import { dirname } from 'node:path';
import type { Command } from 'commander';
import { type Experiment, loadExperiment } from '../../config/experiment.js';
import { withMembers } from '../../config/members.js';
import { RethinkError } from '../../errors.js';
import { STOP_SIGNALS } from '../../machine/signals.js';
import type { FinishedRun, NewRunOptions } from '../../setup/options.js';
import { sweepOf } from '../../sweep/directory.js';
import { type SweepPart, wantedTrials } from '../../sweep/part.js';
import type { CliContext, ExitWith } from '../context.js';
import {
  addConfigOptions,
  addLauncherOptions,
  addOutputOptions,
  type ConfigOptions,
  collect,
  dataDirOption,
  type OutputOptions,
  optionOverrides,
  partOfSweep,
  positiveInteger,
} from '../options.js';
import { dryRun } from '../show/dry-run.js';
import { type Expectation, parseExpectation } from '../show/expect.js';
import { printInterrupted, printNext, runExitCode } from '../show/finish.js';
import { singleResult } from '../show/results.js';
import { roomOf } from '../show/table.js';
import { withInterruption } from '../watch/signals.js';
import { createWatcher } from '../watch/watch.js';
import { launchCommand, previewCommand } from './launch.js';
import { sweepCommand } from './sweep.js';

export interface RunOptions extends OutputOptions, ConfigOptions {
  dryRun?: boolean;
  expect?: Expectation[];
  out?: string;
  dataDir?: string;
  maxTrials?: number;
  trial?: SweepPart;
  jobs?: number;
  wait?: boolean;
}

const EXAMPLES = `
Examples:
  rethink-gen run quickstart
  rethink-gen run random-labels data.limit=1000 train.learningRate=0.05
  rethink-gen run my.yaml corruption.kind=partial-labels corruption.fraction=0.5 --seed 3
  rethink-gen run my.yaml sweep.seed=[0,1,2] --jobs 3
  rethink-gen run my.yaml --trial 3/40                   on one of 40 machines: docs/cluster.md
  rethink-gen run smoke --quiet --expect 'train_accuracy>=0.9'
  rethink-gen run my.yaml --dry-run

Keys are those of the config file; an unknown one is an error that names the nearest.

A sweep run again takes its finished trials as they are, goes on with interrupted ones and runs the rest; trials.csv in
its folder lists all of them. A trial that fails does not stop the others; diverging or not fitting is no failure.

Exit codes: 0 done, 1 failed or not as expected, 2 usage or config, 3 data missing or damaged, 4 diverged,
75 the run is another process's by now, 128 + the signal's number where one interrupted it after a checkpoint (130 Ctrl-C, 143 SIGTERM,
129 SIGHUP, 152 SIGXCPU). SIGUSR1 and SIGUSR2 make a run write a checkpoint and go on.`;

/** `rethink-gen run CONFIG [key.path=value …]` */
export function registerRunCommand(program: Command, context: CliContext, exit: ExitWith): void {
  const command = program
    .command('run')
    .summary('run an experiment, or a sweep')
    .description('Runs the experiment of a config file, or every trial where it has a sweep.')
    .argument('<config>', 'a .yaml or .json file, or the name of a shipped config (init --list)')
    .argument('[overrides...]', 'key.path=value, over the file')
    .option(
      '--dry-run',
      'say what would be run and what is missing for it; needs no data, no engine',
    )
    .option(
      '--expect <condition>',
      "exit 1 unless it holds at the last epoch: 'train_accuracy>=0.9' (repeatable)",
      collect(parseExpectation),
    )
    .option('--out <dir>', 'the root under which run directories are made (default: results)')
    .addOption(dataDirOption())
    .option(
      '--max-trials <n>',
      'of a sweep, only this many trials from the first on',
      positiveInteger,
    )
    .option(
      '--trial <k/n>',
      'of a sweep, only the k-th of n parts: side by side on machines that share a disk',
      partOfSweep,
    )
    .option(
      '--jobs <n>',
      'of a sweep, this many trials at once, each in a process of its own, spread over the GPUs',
      positiveInteger,
    );
  addLauncherOptions(command);
  addConfigOptions(command);
  addOutputOptions(command).addHelpText('after', EXAMPLES);
  command.action(async (config: string, overrides: string[], options: RunOptions) => {
    exit(await run(config, overrides, options, context));
  });
}

async function run(
  path: string,
  overrides: string[],
  options: RunOptions,
  context: CliContext,
): Promise<number> {
  const loaded = await loadExperiment(path, {
    overrides: [...overrides, ...optionOverrides(options)],
    env: context.env,
  });
  const all = withMembers(loaded.trials);
  const experiment = {
    ...loaded,
    trials: all,
    isSweep: loaded.isSweep || all.length > loaded.trials.length,
  };
  const { trial: part, maxTrials } = options;
  if (part !== undefined && !experiment.isSweep) {
    throw new RethinkError(
      'usage',
      `${path} has no sweep, so there are no trials to take a part of.`,
      {
        hint: 'Leave --trial out, or add a sweep: sweep.seeds=5.',
      },
    );
  }
  const trials = wantedTrials(experiment.trials, { part, maxTrials });
  const { launcher } = experiment;
  if (launcher.kind !== 'local') {
    const definition = { ...sweepOf(experiment), trials };
    return options.dryRun
      ? previewCommand(definition, launcher, options, context)
      : launchCommand(definition, launcher, options, context);
  }
  if (options.dryRun) return dryRun({ ...experiment, trials }, options, context);
  if (!experiment.isSweep) return runSingle(experiment, options, context);
  const skipped = experiment.trials.length - trials.length;
  if (skipped > 0 && !options.quiet) {
    const by = part === undefined ? '--max-trials' : `--trial ${part.index}/${part.of}`;
    context.stderr.write(
      `running ${trials.length} of ${experiment.trials.length} trials (${by})\n`,
    );
  }
  return sweepCommand(sweepOf(experiment), options, context);
}

async function runSingle(
  { source, trials }: Experiment,
  options: RunOptions,
  context: CliContext,
): Promise<number> {
  const trial = trials[0]!;
  return watchedRun(options, context, async (watched) => {
    const runner = await context.loadRunner();
    const done = await runner.runExperiment(trial.config, {
      ...watched,
      out: options.out,
      dataDir: options.dataDir,
      source: { text: source.text, extension: source.extension },
    });
    (await context.loadTimings()).note(trial.config, done.result);
    return {
      ...done,
      exitCode: () => runExitCode([{ trial, ...done }], false, options.expect ?? [], context),
    };
  });
}

/** What a run that is watched and can be interrupted is given. */
type Watched = Pick<NewRunOptions, 'events' | 'signal' | 'checkpointRequests'>;

/**
 * Runs or resumes one experiment before whoever watches it, and prints its result, or how to go on where it was interrupted.
 *
 * @param work Gives back also which exit code a run has that came to its end.
 */
export async function watchedRun(
  options: OutputOptions,
  context: CliContext,
  work: (watched: Watched) => Promise<FinishedRun & { exitCode: () => number }>,
): Promise<number> {
  const watcher = createWatcher(context, options);
  const { events } = watcher;
  try {
    return await withInterruption(
      context,
      async ({ signal, checkpointRequests, exitCode }) => {
        const done = await work({ events, signal, checkpointRequests });
        watcher.close();
        if (!options.json) {
          context.stdout.write(singleResult(done.result, done.runDir, roomOf(context.stdout)));
        }
        if (done.result.outcome !== 'interrupted') {
          printNext(dirname(done.runDir), options, context);
          return done.exitCode();
        }
        printInterrupted(done, context);
        return exitCode() ?? STOP_SIGNALS.SIGINT.exitCode;
      },
      (sentence) => {
        watcher.close();
        printInterrupted(sentence, context);
      },
    );
  } finally {
    watcher.close();
  }
}
