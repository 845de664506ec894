import type { Command } from 'commander';
import type { CliContext, ExitWith } from './context.js';
import { reportError } from './errors.js';
import { divergedError, printInterrupted } from './finish.js';
import { addOutputOptions, dataDirOption, type OutputOptions } from './options.js';
import { singleResult } from './results.js';
import { isInterruption, listenForInterruption } from './signals.js';
import { createWatcher } from './watch.js';

const EXAMPLES = `
Examples:
  rethink-gen resume results/quickstart/20261124T101530Z-1a2b3c4d
  rethink-gen resume RUN_DIR --json > events.jsonl

A run that is finished says so; one without a checkpoint starts over.`;

type ResumeOptions = OutputOptions & { dataDir?: string };

/** `rethink-gen resume RUN_DIR` */
export function registerResumeCommand(program: Command, context: CliContext, exit: ExitWith): void {
  const command = program
    .command('resume')
    .summary('continue an interrupted run')
    .description('Continues an interrupted run from its last checkpoint, with its own config.')
    .argument('<run-dir>', 'the directory of the run')
    .addOption(dataDirOption());
  addOutputOptions(command).addHelpText('after', EXAMPLES);
  command.action(async (runDir: string, options: ResumeOptions) => {
    exit(await resume(runDir, options, context));
  });
}

async function resume(
  runDir: string,
  options: ResumeOptions,
  context: CliContext,
): Promise<number> {
  const interruption = listenForInterruption(context);
  const watcher = createWatcher(context, options);
  try {
    const runner = await context.loadRunner();
    const { dataDir } = options;
    const { events } = watcher;
    const { signal } = interruption;
    const done = await runner.resumeRun(runDir, { dataDir, events, signal });
    watcher.close();
    if (!options.json) context.stdout.write(singleResult(done.result, done.runDir));
    const { outcome } = done.result;
    if (outcome === 'diverged') return reportError(divergedError(done.result), context);
    if (outcome !== 'interrupted') return 0;
    printInterrupted(done, 0, context);
    return interruption.exitCode() ?? 130;
  } catch (error) {
    const code = interruption.exitCode();
    if (code === undefined || !isInterruption(error)) throw error;
    printInterrupted(undefined, 0, context);
    return code;
  } finally {
    watcher.close();
    interruption.dispose();
  }
}
