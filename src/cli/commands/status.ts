import type { Command } from 'commander';
import { RethinkError } from '../../errors.js';
import { isSweepDirectory } from '../../record/listing/sweeps.js';
import { readSweep } from '../../sweep/directory.js';
import { LaunchFolder } from '../../sweep/launch/folder.js';
import { schedulerOf } from '../../sweep/launch/schedulers.js';
import { sweepStates } from '../../sweep/launch/states.js';
import { locateRun } from '../../sweep/locate.js';
import type { CliContext } from '../context.js';
import { examplesOf } from '../options.js';
import { stateAsJson, stateCounts, statesTable } from '../show/states.js';
import { roomOf } from '../show/table.js';
import { emit } from '../watch/json-events.js';

const SWEEP = 'the folder of a sweep; results/NAME or NAME; latest: of the one that was begun last';

/** `rethink-gen status DIR` */
export function registerStatusCommand(program: Command, context: CliContext): void {
  program
    .command('status')
    .summary('where the trials of a sweep stand')
    .description(
      'Says of each trial whether it is done, running (epoch, accuracy), waiting, failed or lost: from the files of its runs, and one question to the scheduler where it was submitted.',
    )
    .argument('<sweep>', SWEEP)
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', examplesOf('status', ['latest', 'results/table1 --json']))
    .action(async (given: string, options: { json?: boolean }) => {
      const directory = sweepOrNothing(given);
      const definition = await readSweep(directory);
      const { trials, problem } = await sweepStates(definition, directory);
      if (options.json) {
        emit(context, 'status', { sweep: directory, problem, trials: trials.map(stateAsJson) });
        return;
      }
      context.stdout.write(
        `${statesTable(trials, roomOf(context.stdout))}\n${stateCounts(trials)}\n`,
      );
      if (problem !== null) context.stderr.write(`${problem} Only files were looked at.\n`);
    });
}

/** `rethink-gen cancel DIR` */
export function registerCancelCommand(program: Command, context: CliContext): void {
  program
    .command('cancel')
    .summary('take a submitted sweep out of the queue')
    .description(
      'Cancels the jobs of a sweep that was submitted. Trials under way write a checkpoint; resume submits what is missing.',
    )
    .argument('<sweep>', SWEEP)
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', examplesOf('cancel', ['latest', 'results/table1']))
    .action(async (given: string, options: { json?: boolean }) => {
      const directory = sweepOrNothing(given);
      const jobs: string[] = [];
      const submissions = new LaunchFolder(directory).submissions();
      for (const submission of submissions) {
        const scheduler = schedulerOf(submission.launcher.kind);
        jobs.push(...((await scheduler?.cancel([submission])) ?? []));
      }
      if (options.json) emit(context, 'cancelled', { jobs });
      else if (jobs.length === 0) context.stdout.write('Nothing of it was submitted.\n');
      else {
        context.stdout.write(
          `Cancelled: ${jobs.join(', ')}. Go on with: rethink-gen resume ${given}\n`,
        );
      }
    });
}

function sweepOrNothing(given: string): string {
  const directory = locateRun(given, 'resumable');
  if (isSweepDirectory(directory)) return directory;
  throw new RethinkError('data', `${directory} is not the folder of a sweep.`, {
    hint: 'It has a sweep.json: results/NAME where NAME is that of the config.',
  });
}
