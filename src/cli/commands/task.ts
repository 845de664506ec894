import { createWriteStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Trial } from '../../config/experiment.js';
import { exitCodeOf } from '../../errors.js';
import { STOP_SIGNALS } from '../../machine/signals.js';
import { readSweep, SweepDirectory } from '../../sweep/directory.js';
import { LaunchFolder } from '../../sweep/launch/folder.js';
import { recordsOf, sweepStates } from '../../sweep/launch/states.js';
import { runTask, type TaskEnd } from '../../sweep/launch/task.js';
import type { SweepWatcher } from '../../sweep/options.js';
import type { CliContext, ExitWith, Output } from '../context.js';
import { dataDirOption, examplesOf, wholeNumber } from '../options.js';
import { endedLine } from '../show/results.js';
import { stateCounts } from '../show/states.js';
import { createWatcher } from '../watch/watch.js';

interface TaskCommandOptions {
  submission?: string;
  task?: number;
  last?: boolean;
  dataDir?: string;
}

/** `rethink-gen task DIR`: what the script of a submitted sweep calls, and nobody else. */
export function registerTaskCommand(program: Command, context: CliContext, exit: ExitWith): void {
  program
    .command('task', { hidden: true })
    .summary('one task of a submitted sweep')
    .description('Runs one task of a submitted sweep: what its script calls.')
    .argument('<sweep>', 'the folder of the sweep')
    .option('--submission <id>', 'which submission')
    .option('--task <n>', 'which of its tasks, from 0', wholeNumber)
    .option('--last', 'write the table and the report of all')
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      examplesOf('task', ['results/table1 --submission 20261130T101500Z --task 0']),
    )
    .action(async (directory: string, options: TaskCommandOptions) => {
      exit(
        options.last
          ? await writeTables(directory, context)
          : await runOne(directory, options, context),
      );
    });
}

const SENTENCES: Record<TaskEnd['end'], string> = {
  done: 'All trials of this task have ended.',
  cancelled: 'Cancelled; trials under way have written a checkpoint.',
  requeued: 'Out of time: this task is in the queue again and goes on when it is its turn.',
  stuck: 'Out of time without a step of progress: it is not queued again.',
  'often enough': 'Out of time, and queued again as often as launcher.requeues allows.',
  stopped: 'Too many trials have failed: no further one is begun.',
};

async function runOne(
  directory: string,
  { submission = '', task = 0, dataDir }: TaskCommandOptions,
  context: CliContext,
): Promise<number> {
  const folder = new LaunchFolder(directory);
  const { launcher } = folder.readSubmission(submission);
  const cancelled = new AbortController();
  const outOfTime = new AbortController();
  let code: number = STOP_SIGNALS.SIGTERM.exitCode;
  // Slurm may send one signal to every process and once more to this one: a second changes nothing.
  for (const [signal, { exitCode }] of Object.entries(STOP_SIGNALS)) {
    if (signal === `SIG${launcher.signal}`) continue;
    process.on(signal, () => {
      code = exitCode;
      cancelled.abort(new DOMException(signal, 'AbortError'));
    });
  }
  process.on(`SIG${launcher.signal}`, () =>
    outOfTime.abort(new DOMException('out of time', 'AbortError')),
  );
  const { end, records } = await runTask(directory, {
    out: dirname(resolve(directory)),
    submission,
    task,
    dataDir,
    cancelled: cancelled.signal,
    outOfTime: outOfTime.signal,
    watcher: taskWatcher(folder, context),
  });
  context.stderr.write(`${SENTENCES[end]}\n`);
  await writeTables(directory, context, false);
  if (end === 'cancelled' || end === 'requeued') return code;
  const failed = records.flatMap((record) => (record.state === 'failed' ? [record] : []));
  if (failed.length === 0) return end === 'done' ? 0 : 1;
  const codes = new Set(failed.map(({ error }) => exitCodeOf(error.kind)));
  return codes.size === 1 && failed.length === records.length ? [...codes][0]! : 1;
}

/** Each trial into a log of its own; in that of the task a line for each. */
function taskWatcher(folder: LaunchFolder, context: CliContext): SweepWatcher {
  const say = (sentence: string) => context.stderr.write(`${sentence}\n`);
  return {
    started: (_records, toRun) => say(`${toRun} trials to run.`),
    trial(trial: Trial) {
      const path = folder.logOf(trial.id);
      const log: Output = createWriteStream(path, { flags: 'a' });
      log.on('error', () => {});
      say(`${trial.label || trial.id}: ${path}`);
      const watching = createWatcher({ ...context, stdout: log, stderr: log }, {});
      return {
        events: watching.events,
        close() {
          watching.close();
          log.end();
        },
      };
    },
    ended: (record) => say(endedLine(record)),
    note: say,
  };
}

/** Writes the sweep's table as it stands now. */
async function writeTables(directory: string, context: CliContext, report = true): Promise<number> {
  const definition = await readSweep(directory);
  const look = async () => (await sweepStates(definition, directory)).trials;
  await SweepDirectory.open(directory).writeTable(async () => recordsOf(await look()));
  if (!report) return 0;
  const { writeReport } = await import('../../report/index.js');
  const { page } = await writeReport([directory]);
  context.stdout.write(`${stateCounts(await look())}\npage   ${page}\n`);
  return 0;
}
