import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { LAUNCHERS, type LauncherKind, LOCAL } from '../../config/launcher.js';
import { type Move, moved, parseMoves, startedHere } from '../../config/places.js';
import { isSweepDirectory } from '../../record/listing/sweeps.js';
import type { RunOptions } from '../../setup/options.js';
import { readSweep } from '../../sweep/directory.js';
import { LaunchFolder } from '../../sweep/launch/folder.js';
import { locateRun } from '../../sweep/locate.js';
import type { CliContext, ExitWith } from '../context.js';
import {
  addOutputOptions,
  countOrAll,
  dataDirOption,
  type OutputOptions,
  oneOf,
  positiveInteger,
  RUN_OR_SWEEP,
  wholeNumber,
} from '../options.js';
import { endedCode } from '../show/finish.js';
import { launchCommand } from './launch.js';
import { watchedRun } from './run.js';
import { sweepCommand } from './sweep.js';

const EXAMPLES = `
Examples:
  rethink-gen resume results/quickstart/20261124T101530Z-1a2b3c4d
  rethink-gen resume latest                              the run or sweep that was begun last
  rethink-gen resume results/figure1b --jobs 2           a sweep
  rethink-gen resume RUN_DIR --devices 2                 on two GPUs, however many it had
  rethink-gen resume RUN_DIR --json > events.jsonl
  rethink-gen resume RUN_DIR data.dir=/scratch/data      its data has been moved: its hash is compared

A run that another machine has is gone on with where that gives no sign of life for 90 seconds, or its scheduler says that
its job has ended.

A run that is finished says so; one without a checkpoint starts over. The folder of a sweep (with a sweep.json) goes on
with all of its trials that are not finished; so does the command that began it, given again.`;

type ResumeOptions = OutputOptions & {
  dataDir?: string;
  jobs?: number;
  device?: number;
  devices?: number | 'all';
  launcher?: LauncherKind;
  wait?: boolean;
};

/** `rethink-gen resume RUN_DIR` */
export function registerResumeCommand(program: Command, context: CliContext, exit: ExitWith): void {
  const command = program
    .command('resume')
    .summary('continue an interrupted run or sweep')
    .description('Continues an interrupted run from its last checkpoint, with its own config.')
    .argument('<run-dir>', RUN_OR_SWEEP)
    .argument(
      '[places...]',
      'where its data lies now: data.dir=PATH, corruption.file=PATH, loss.file=PATH',
    )
    .addOption(dataDirOption())
    .option('--device <n>', 'the GPU to go on with, by index; default: as before', wholeNumber)
    .option('--devices <n>', 'so many GPUs to go on with, or all; default: as before', countOrAll)
    .option('--jobs <n>', 'of a sweep, this many trials at once', positiveInteger)
    .option('--wait', 'with a launcher: follow the trials to their end')
    .option('--no-wait', 'where another machine has it, do not wait to see whether it still lives')
    .option(
      '--launcher <kind>',
      `${LAUNCHERS.join(', ')}: where the missing trials of a sweep run; default: where they were submitted before`,
      oneOf(LAUNCHERS),
    );
  addOutputOptions(command).addHelpText('after', EXAMPLES);
  command.action(async (given: string, places: string[], options: ResumeOptions) => {
    const moves = parseMoves(places);
    const runDir = locateRun(given, 'resumable');
    exit(
      isSweepDirectory(runDir)
        ? await resumeSweep(runDir, moves, options, context)
        : await resumeOne(runDir, moves, options, context),
    );
  });
}

async function resumeSweep(
  directory: string,
  moves: readonly Move[],
  options: ResumeOptions,
  context: CliContext,
): Promise<number> {
  const definition = await readSweep(directory);
  // Wherever the folder lies now and whatever it is called now, its runs lie in it.
  const name = basename(resolve(directory));
  const out = dirname(resolve(directory));
  const trials = definition.trials.map(({ config, ...trial }) => {
    const engine = { ...config.engine, ...runsOn(options) };
    return { ...trial, config: { ...config, engine } };
  });
  const configs = trials.map(({ config }) => config);
  const origin = moved(definition.origin ?? startedHere(), configs, moves);
  const before = new LaunchFolder(directory).submissions().at(-1)?.launcher ?? LOCAL;
  const launcher = { ...before, kind: options.launcher ?? before.kind };
  if (launcher.kind !== 'local') {
    const launched = { ...definition, trials, name, origin };
    return launchCommand(launched, launcher, { ...options, out }, context);
  }
  return sweepCommand({ ...definition, trials, name, origin }, { ...options, out }, context);
}

/** The devices that were given: a run may go on with others than it had. */
function runsOn({ device, devices }: ResumeOptions): NonNullable<RunOptions['runsOn']> {
  return { ...(device === undefined ? {} : { device }), ...(devices && { devices }) };
}

async function resumeOne(
  runDir: string,
  moves: readonly Move[],
  options: ResumeOptions,
  context: CliContext,
): Promise<number> {
  return watchedRun(options, context, async (watched) => {
    const runner = await context.loadRunner();
    const { dataDir } = options;
    const wait = options.wait === false ? 'never' : 'gone';
    const also = { dataDir, moves, runsOn: runsOn(options), wait } as const;
    const done = await runner.resumeRun(runDir, { ...watched, ...also });
    return { ...done, exitCode: () => endedCode(done.result, context) };
  });
}
