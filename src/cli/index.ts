import { Command } from 'commander';
import { printable } from '../errors.js';
import { onTemporaryCache } from '../machine/cache-folder.js';
import { ignoresHangup } from '../machine/signals.js';
import { listed, reflowed } from '../text.js';
import { version } from '../version.js';
import { askOnTerminal } from './ask.js';
import { registerBenchCommand } from './commands/bench.js';
import { registerCompletionCommand } from './commands/completion.js';
import { registerDataCommand } from './commands/data.js';
import { registerDoctorCommand } from './commands/doctor.js';
import { registerEngineCommand } from './commands/engine.js';
import { registerEvaluateCommand } from './commands/evaluate.js';
import { registerExamplesCommand } from './commands/examples.js';
import { registerExportCommand } from './commands/export.js';
import { registerInitCommand } from './commands/init.js';
import { registerReportCommand } from './commands/report.js';
import { registerResumeCommand } from './commands/resume.js';
import { registerRunCommand } from './commands/run.js';
import { registerRunsCommand } from './commands/runs.js';
import { registerServeCommand } from './commands/serve.js';
import { registerCancelCommand, registerStatusCommand } from './commands/status.js';
import { registerTaskCommand } from './commands/task.js';
import { registerValidateCommand } from './commands/validate.js';
import { type CliContext, type ExitWith, isFancy, type Output } from './context.js';
import { guarded } from './guard.js';
import { HELP, type OutputOptions } from './options.js';
import { openOutput, WatchedOutput } from './output.js';
import { reportError } from './show/errors.js';
import { createLog } from './watch/log.js';
import { Screen, Terminal } from './watch/screen.js';

const DESCRIPTION = `Reruns 'Understanding deep learning requires rethinking generalization': corrupts labels or pixels in a defined way, trains a network on them, and writes down what it fitted and what it learned.`;

const EXAMPLES = `
Examples:
  rethink-gen run quickstart
  rethink-gen run random-labels data.limit=1000
  rethink-gen init -o my.yaml
  rethink-gen doctor

rethink-gen COMMAND --help tells more. Results go to stdout, messages and bars to stderr.`;

/**
 * Runs one command line, without the words `node` and `rethink-gen`.
 *
 * @returns The exit code: 0 done, 1 failed, 2 usage or config, 3 data missing or damaged, 4 diverged, 128 + the
 *   number of the signal that interrupted it.
 */
export async function main(
  argv: readonly string[],
  overrides: Partial<CliContext> = {},
): Promise<number> {
  const context: CliContext = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    loadRunner: () => import('../run/index.js'),
    loadEvaluator: () => import('../run/evaluate.js'),
    loadInspector: () => import('../run/inspect.js'),
    loadTimings: async () => new (await import('../sweep/timings.js')).Timings(),
    ask: (question) => askOnTerminal(question, context.stderr),
    ...overrides,
  };
  // It listens to the streams themselves, beneath the guards.
  const output = new WatchedOutput(context);
  context.stdout = guarded(context.stdout, context.env);
  context.stderr = guarded(context.stderr, context.env);
  if (context.stderr.isTTY) {
    // Bars draw on a screen, and whatever else is written makes way for them.
    const Kind = isFancy(context.stderr, context.env) ? Screen : Terminal;
    context.stderr = new Kind(context.stderr);
  }
  let exitCode = 0;
  try {
    await createProgram(context, (code) => {
      exitCode = code;
    }).parseAsync(argv, { from: 'user' });
  } catch (error) {
    exitCode = reportError(error, context);
  }
  return output.exitCode(exitCode);
}

/** Runs the process's own command line and ends the process. */
export async function start(): Promise<void> {
  const stdout = openOutput(process.stdout);
  const stderr = openOutput(process.stderr);
  // Node writes its own warnings there.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('uncaughtException', (error) =>
    process.exit(reportError(error, { stderr, env: process.env })),
  );
  // Node has put this signal back to its default: nohup would be of no use.
  if (ignoresHangup()) process.on('SIGHUP', () => {});
  process.exitCode = await main(process.argv.slice(2), { stdout, stderr });
  // Libraries leave threads and timers behind; what was written must still reach a pipe.
  stderr.write('', () => process.exit());
}

/** Columns of a help; off a terminal, of a page. */
const room = (stream: Output) => stream.columns ?? 100;

/** All commands, with what each takes: `--help` and completions are made of it. */
export function createProgram(context: CliContext, exit: ExitWith): Command {
  const { stdout, stderr } = context;
  const program = new Command('rethink-gen')
    .description(DESCRIPTION)
    .version(version, '-V, --version')
    .helpOption('-h, --help', 'show this, or what a command takes')
    .showSuggestionAfterError()
    // A command and one below it may have options of one name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      // What stands after the options comes as it was written, after an empty line.
      writeOut: (text) =>
        stdout.write(
          text.startsWith('\n')
            ? `${reflowed(text.trimEnd(), room(stdout))}\n`
            : listed(text, room(stdout)),
        ),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(withHint(text, 'rethink-gen --help lists the commands.')),
      getOutHelpWidth: () => room(stdout),
      getErrHelpWidth: () => room(stderr),
    })
    .configureHelp(HELP)
    .hook('preAction', (_program, command) => {
      const { json = false, quiet = false } = command.opts<OutputOptions>();
      onTemporaryCache((sentence) => createLog(context, { json, quiet }).info(sentence));
    })
    .addHelpText('after', EXAMPLES);
  registerRunCommand(program, context, exit);
  registerResumeCommand(program, context, exit);
  registerEvaluateCommand(program, context, exit);
  registerExamplesCommand(program, context);
  registerRunsCommand(program, context);
  registerStatusCommand(program, context);
  registerCancelCommand(program, context);
  registerTaskCommand(program, context, exit);
  registerReportCommand(program, context);
  registerExportCommand(program, context);
  registerServeCommand(program, context);
  registerInitCommand(program, context);
  registerValidateCommand(program, context, exit);
  registerDataCommand(program, context);
  registerEngineCommand(program, context, exit);
  registerBenchCommand(program, context, exit);
  registerDoctorCommand(program, context, exit);
  registerCompletionCommand(program, context);
  for (const command of program.commands)
    hintAtHelp(command, `${program.name()} ${command.name()}`);
  return program;
}

/** What is wrong in the words after a command is told with where it says what it takes. */
function hintAtHelp(command: Command, name: string): void {
  const hint = `${name} --help tells what it takes.`;
  command.configureOutput({ outputError: (text, write) => write(withHint(text, hint)) });
  for (const child of command.commands) hintAtHelp(child, `${name} ${child.name()}`);
}

/** Commander's errors, with its suggestion or another hint in the form of our own. */
function withHint(text: string, hint: string): string {
  const [, message, suggestion] = /^(.*?)(?:\n\((Did you mean [^\n]*\?)\))?\n?$/s.exec(text)!;
  return `${printable(message!)}\nhint: ${suggestion ?? hint}\n`;
}
