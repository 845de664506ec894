import type { Command } from 'commander';
import { ENGINES, type EngineName } from '../../config/engines.js';
import { nearest } from '../../config/nearest.js';
import type { EngineStatus, InstallTarget } from '../../engines/kind.js';
import { ENGINE_KINDS } from '../../engines/table.js';
import { RethinkError } from '../../errors.js';
import type { CliContext } from '../context.js';
import { examplesOf } from '../options.js';
import { roomOf, table } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

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

interface InstallFlags {
  cpu?: boolean;
  cuda?: boolean;
  cuda12?: boolean;
  cuda13?: boolean;
  from?: string;
  force?: boolean;
  json?: boolean;
}

/** `rethink-gen engine list` and `rethink-gen engine install NAME` */
export function registerEngineCommand(program: Command, context: CliContext): void {
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
    .description('Lists the engines: which are installed, where, on what they run, and why not.')
    .option('--json', 'a line of JSON for each engine')
    .addHelpText('after', examplesOf('engine list', ['', '--json']))
    .action((options: { json?: boolean }) => list(options, context));
  engine
    .command('install')
    .description('Fetches an engine’s libraries into the per-user cache; whole, or not at all.')
    .argument('<name>', ENGINES.join(', '))
    .option('--cuda', 'for NVIDIA GPUs, whatever version of CUDA fits the driver')
    .option('--cuda12', 'for CUDA 12')
    .option('--cuda13', 'for CUDA 13 (xla)')
    .option('--cpu', 'for the CPU, even where there is a GPU')
    .option(
      '--from <dir>',
      'a folder of wheels instead of the package index (also RETHINK_GEN_WHEELS)',
    )
    .option('--force', 'install again what is there')
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', `\nExamples:\n${EXAMPLES}`)
    .action((name: string, options: InstallFlags) => install(name, options, context));
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
      { target: targetOf(flags), from: flags.from, force: flags.force },
      { note: events.note, onProgress: events.preparing, signal },
    ),
  );
  if (flags.json) return emit(context, 'installed', { name: engine, where: where ?? null });
  context.stdout.write(`${engine} is installed${where ? ` in ${where}` : ' with rethink-gen'}.\n`);
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
  const given = (['cpu', 'cuda', 'cuda12', 'cuda13'] as const).filter((target) => flags[target]);
  if (given.length < 2) return given[0];
  throw new RethinkError('usage', `--${given.join(' and --')} exclude each other.`);
}
