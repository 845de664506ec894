import type { Command } from 'commander';
import { loadExperiment } from '../config/experiment.js';
import type { CliContext, ExitWith } from './context.js';
import { dryRun } from './dry-run.js';
import { type Expectation, parseExpectation } from './expect.js';
import { printInterrupted, runExitCode } from './finish.js';
import { emit } from './json-events.js';
import {
  addConfigOptions,
  addOutputOptions,
  type ConfigOptions,
  collect,
  dataDirOption,
  type OutputOptions,
  optionOverrides,
  positiveInteger,
} from './options.js';
import { singleResult, sweepResult, type TrialResult } from './results.js';
import { isInterruption, listenForInterruption } from './signals.js';
import { type Job, runTrials } from './trials.js';

export interface RunOptions extends OutputOptions, ConfigOptions {
  dryRun?: boolean;
  expect: Expectation[];
  out?: string;
  dataDir?: string;
  maxTrials?: number;
}

const EXAMPLES = `
Examples:
  rethink-gen run configs/quickstart.yaml
  rethink-gen run configs/random-labels.json data.limit=1000 train.learningRate=0.05
  rethink-gen run my.yaml corruption.kind=partial-labels corruption.fraction=0.5 --seed 3
  rethink-gen run my.yaml sweep.seed=[0,1,2]
  rethink-gen run configs/smoke.json --quiet --expect 'train_accuracy>=0.9'
  rethink-gen run my.yaml --dry-run

Keys are those of the config file; an unknown one is an error that names the nearest.
Exit codes: 0 done, 1 failed or not as expected, 2 usage or config, 3 data missing or damaged, 4 diverged,
130 or 143 interrupted after a checkpoint.`;

/** `rethink-gen run CONFIG [key.path=value …]` */
export function registerRunCommand(program: Command, context: CliContext, exit: ExitWith): void {
  const command = program
    .command('run')
    .summary('run an experiment, or a sweep')
    .description('Runs the experiment of a config file, or every trial where it has a sweep.')
    .argument('<config>', 'a .yaml or .json file')
    .argument('[overrides...]', 'key.path=value, over the file')
    .option(
      '--dry-run',
      'say what would be run and what is missing for it; needs no data, no engine',
    )
    .option(
      '--expect <condition>',
      "exit 1 unless it holds at the last epoch: 'train_accuracy>=0.9' (repeatable)",
      collect(parseExpectation),
      [],
    )
    .option('--out <dir>', 'the root under which run directories are made (default: results)')
    .addOption(dataDirOption())
    .option('--max-trials <n>', 'stop a sweep after this many trials', positiveInteger);
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
  const experiment = await loadExperiment(path, {
    overrides: [...overrides, ...optionOverrides(options)],
    env: context.env,
  });
  const trials = experiment.trials.slice(0, options.maxTrials);
  if (options.dryRun) return dryRun({ ...experiment, trials }, options, context);
  const skipped = experiment.trials.length - trials.length;
  if (skipped > 0 && !options.quiet) {
    context.stderr.write(
      `running ${trials.length} of ${experiment.trials.length} trials (--max-trials)\n`,
    );
  }
  const interruption = listenForInterruption(context);
  const runner = await context.loadRunner();
  const job = { experiment, trials, options, context, interruption, runner, results: [] };
  try {
    await runTrials(job);
  } catch (error) {
    if (!interruption.signal.aborted || !isInterruption(error)) throw error;
  } finally {
    interruption.dispose();
  }
  return finish(job);
}

function finish(job: Job): number {
  const { experiment, trials, results, options, context, interruption } = job;
  if (!options.json) printResults(results, experiment.isSweep, context);
  else if (experiment.isSweep) emit(context, 'summary', { trials: results.map(summary) });
  const stoppedBy = interruption.exitCode();
  const complete =
    results.length === trials.length &&
    results.every(({ result }) => result.outcome !== 'interrupted');
  if (stoppedBy !== undefined && !complete) {
    printInterrupted(results.at(-1), trials.length - results.length, context);
    return stoppedBy;
  }
  return runExitCode(results, experiment.isSweep, options.expect, context);
}

function printResults(results: TrialResult[], isSweep: boolean, { stdout }: CliContext): void {
  const [only] = results;
  if (only === undefined) return;
  stdout.write(isSweep ? sweepResult(results) : singleResult(only.result, only.runDir));
}

function summary({ trial, result, runDir }: TrialResult): object {
  return {
    id: trial.id,
    label: trial.label,
    overrides: trial.overrides,
    run_dir: runDir,
    outcome: result.outcome,
    epochs: result.epochs,
    train_accuracy: result.last?.train_accuracy ?? null,
    test_accuracy: result.last?.test_accuracy ?? null,
    generalization_gap: result.last?.generalization_gap ?? null,
  };
}
