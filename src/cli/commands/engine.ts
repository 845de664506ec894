import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import { ENGINES, type EngineName, PRECISIONS, type Precision } from '../../config/engines.js';
import { MODEL_NAMES, type ModelName } from '../../config/models.js';
import { nearest } from '../../config/nearest.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { type EngineStatus, INSTALL_TARGETS, type InstallTarget } from '../../engines/kind.js';
import { CHECK_TARGETS, CHECKED_ENGINES, ENGINE_KINDS } from '../../engines/table.js';
import { printable, RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import type { CliContext, ExitWith } from '../context.js';
import { examplesOf, listOf, oneOf, positiveInteger } from '../options.js';
import { checkConditions, checkHeading, checkJson, checkRow } from '../show/check-report.js';
import { roomOf, table } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';
import { interruptible } from '../watch/signals.js';

const columns = (rows: string[][], width?: number) =>
  table(rows, [0, 1], { width }).replace(/^/gm, '  ').trimEnd();

const kinds = (width: number) =>
  columns(
    ENGINES.map((name) => [name, ENGINE_KINDS[name].summary]),
    width - 2,
  );

const EXAMPLES = columns(
  ENGINES.flatMap((name) => ENGINE_KINDS[name].install?.examples ?? []).map(([args, note]) => [
    `rethink-gen engine install ${args}`,
    note,
  ]),
);

interface InstallFlags extends Partial<Record<InstallTarget, boolean>> {
  plugin?: string;
  from?: string;
  force?: boolean;
  json?: boolean;
}

interface CheckFlags {
  target?: string[];
  plugin?: string;
  model?: ModelName[];
  precision?: Precision[];
  batch: number;
  devices: number;
  deterministic?: boolean;
  hlo?: string;
  json?: boolean;
}

/** `rethink-gen engine list`, `engine install NAME` and `engine check NAME` */
export function registerEngineCommand(program: Command, context: CliContext, exit: ExitWith): void {
  const engine = program
    .command('engine')
    .summary('engines found here, and getting one')
    .description('What can train here: engines that are installed, and installing one.')
    .addHelpText(
      'after',
      () => `\nEngines:\n${kinds(roomOf(context.stdout))}\n\nExamples:\n${EXAMPLES}`,
    );
  engine
    .command('list')
    .summary('which are installed, and why others are not')
    .description('Lists the engines: which are installed, where, on what they run, and why not.')
    .option('--json', 'a line of JSON for each engine')
    .addHelpText('after', examplesOf('engine list', ['', '--json']))
    .action((options: { json?: boolean }) => list(options, context));
  const installs = engine
    .command('install')
    .summary('get one')
    .description("Fetches an engine's libraries into the per-user cache; whole, or not at all.")
    .argument('<name>', ENGINES.join(', '))
    .option('--plugin <path>', 'a PJRT plugin that is there already (xla; experimental, unproved)')
    .option(
      '--from <dir>',
      'a folder of wheels instead of the package index (also RETHINK_GEN_WHEELS)',
    )
    .option('--force', 'install again what is there')
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', `\nExamples:\n${EXAMPLES}`)
    .action((name: string, options: InstallFlags) => install(name, options, context));
  for (const [target, note] of Object.entries(INSTALL_TARGETS)) {
    installs.option(`--${target}`, note);
  }
  engine
    .command('check')
    .summary('compile for a GPU that is not there')
    .description(
      'Compiles the programs of every model and precision without running them: for a GPU that need not be there, to say what a step costs on it (no driver is needed); or with any PJRT plugin, to say which operations it refuses.',
    )
    .argument('<name>', CHECKED_ENGINES.join(', '))
    .option(
      '--target <names>',
      `${CHECK_TARGETS.join(', ')}; default: the device of this machine`,
      listOf(oneOf(CHECK_TARGETS)),
    )
    .option('--plugin <path>', 'a PJRT plugin to compile with; default: the one that a run takes')
    .option('--model <names>', MODEL_NAMES.join(', '), listOf(oneOf(MODEL_NAMES)))
    .option('--precision <names>', PRECISIONS.join(', '), listOf(oneOf(PRECISIONS)))
    .option('--batch <n>', 'images in a batch', positiveInteger, 128)
    .option('--devices <n>', 'as with engine.devices: GPUs that share it', positiveInteger, 1)
    .option('--deterministic', 'as with engine.deterministic')
    .option('--hlo <dir>', 'a folder for the text of each compiled program')
    .option('--json', 'a line of JSON for each program')
    .addHelpText(
      'after',
      examplesOf('engine check', [
        'xla --target h200',
        'xla --target h100,b200 --model mlp,inception --precision bfloat16',
        'xla --target h200 --devices 8',
        'xla --plugin ./libtpu.so --model mlp',
      ]),
    )
    .action(async (name: string, flags: CheckFlags) =>
      exit(await interruptible(context, (signal) => check(name, flags, context, signal))),
    );
}

async function list(options: { json?: boolean }, context: CliContext): Promise<void> {
  const { listEngines } = await import('../../engines/index.js');
  const engines = await listEngines();
  if (options.json) {
    for (const status of engines) emit(context, 'engine', status);
    return;
  }
  context.stdout.write(
    table([['engine', 'version', 'runs on', 'state', 'where'], ...engines.map(row)], [1, 2, 3, 4], {
      width: roomOf(context.stdout),
      header: true,
    }),
  );
}

function row({ name, version, device, problem, install, where }: EngineStatus): string[] {
  const state = problem ?? 'ready';
  return [name, version ?? '–', device ?? '–', state, where ?? install ?? '–'];
}

async function install(name: string, flags: InstallFlags, context: CliContext): Promise<void> {
  const engine = engineNamed(name);
  const { installEngine } = await import('../../engines/index.js');
  const where = await watched(flags, context, ({ events, signal }) =>
    installEngine(
      engine,
      {
        target: targetOf(flags),
        plugin: flags.plugin,
        from: flags.from,
        force: flags.force,
      },
      { note: events.note, onProgress: events.preparing, signal },
    ),
  );
  if (flags.json) return emit(context, 'installed', { name: engine, where: where ?? null });
  context.stdout.write(`${engine} is installed${where ? ` in ${where}` : ' with rethink-gen'}.\n`);
}

/** Exit code 1 where a program isn't compiled. */
async function check(
  name: string,
  flags: CheckFlags,
  context: CliContext,
  signal: AbortSignal,
): Promise<number> {
  const checker = ENGINE_KINDS[engineNamed(name)].check;
  if (checker === null) {
    throw new RethinkError('usage', `The engine ${name} has nothing to check.`, {
      hint: `Engines that compile for a device that isn't there: ${CHECKED_ENGINES.join(', ')}.`,
    });
  }
  const { checkPrograms } = await import('../../bench/check.js');
  const { stdout, stderr } = context;
  const width = roomOf(stdout);
  let failed = false;
  // Not before something was compiled.
  let heading = checkHeading(flags.devices, width);
  const { target, plugin, model, precision, deterministic = false, devices, batch } = flags;
  const plan = {
    targets: target ?? [],
    plugin,
    models: model ?? MODEL_NAMES,
    precisions: precision ?? PRECISIONS,
    deterministic,
    devices,
    batchSize: batch,
  };
  for await (const outcome of checkPrograms(checker, plan)) {
    await setImmediate();
    throwIfInterrupted(signal, 'compiling');
    if (flags.json) emit(context, 'compiled', checkJson(outcome, devices));
    else stdout.write(`${heading}${checkRow(outcome, devices, width)}`);
    heading = '';
    const { target, model, precision, part } = outcome;
    if ('compiled' in outcome) {
      const { text } = outcome.compiled;
      if (flags.hlo === undefined || text === null) continue;
      ensureFolder(flags.hlo);
      writeFileAtomic(join(flags.hlo, `${target}-${model}-${precision}-${part}.hlo.txt`), text);
      continue;
    }
    failed = true;
    const { problem } = outcome;
    if (!flags.json) {
      const why = [problem.message, problem.hint].filter(Boolean).join(' ');
      stderr.write(`${model}, ${precision}, ${part}: ${printable(why)}\n`);
    }
  }
  if (!flags.json) stdout.write(checkConditions(batch, devices, width));
  return failed ? 1 : 0;
}

function engineNamed(name: string): EngineName {
  const found = ENGINES.find((known) => known === name);
  if (found !== undefined) return found;
  const close = nearest(name, ENGINES);
  throw new RethinkError('usage', `There is no engine '${name}'.`, {
    hint: close ? `Did you mean ${close}?` : `Engines: ${ENGINES.join(', ')}.`,
  });
}

function targetOf(flags: InstallFlags): InstallTarget | undefined {
  const targets = Object.keys(INSTALL_TARGETS) as InstallTarget[];
  const given = targets.filter((target) => flags[target]);
  const all = [...given, ...(flags.plugin === undefined ? [] : ['plugin'])];
  if (all.length < 2) return given[0];
  throw new RethinkError('usage', `--${all.join(' and --')} exclude each other.`);
}
