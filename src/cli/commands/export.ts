import { type Command, Option } from 'commander';
import { nearest } from '../../config/nearest.js';
import { SINK_KINDS, SINK_NAMES, type SinkKind } from '../../config/sinks.js';
import { RethinkError } from '../../errors.js';
import { findRunFolders } from '../../record/runs.js';
import { locateRun } from '../../sweep/locate.js';
import { counted, grouped } from '../../text.js';
import type { CliContext } from '../context.js';
import { addOutputOptions, examplesOf, type OutputOptions, RUN } from '../options.js';
import { roomOf, shownPath, table } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `${examplesOf('export', [
  'latest --to mlflow http://127.0.0.1:5000',
  'results/figure1b --to trackio http://127.0.0.1:7860 --experiment figure1b',
  'results/table1 results/table2 --to parquet tables.parquet',
  'results --to tensorboard events',
])}

Rows that a tracker has are never sent again, whatever was cut off before; files are written anew. What a tracker wants to be
shown stands in the environment: ${SINK_NAMES.flatMap((name) => SINK_KINDS[name].secrets).join(', ')}.
record.sinks in a config sends rows while a run goes on.`;

interface ExportFlags extends OutputOptions {
  to: string[];
  experiment?: string;
}

/** `rethink-gen export RUN… --to KIND ADDRESS` */
export function registerExportCommand(program: Command, context: CliContext): void {
  const kinds = SINK_NAMES.map((name) => `${name} ${SINK_KINDS[name].address}`);
  const command = program
    .command('export')
    .summary('send runs to MLflow or Trackio, or write them for TensorBoard or as Parquet')
    .description(
      'Sends the rows, config and result of runs to a tracker, or writes them as files of another form. What was exported before is not repeated.',
    )
    .argument('[runs...]', `${RUN}; or any folders that hold runs`)
    .addOption(
      new Option(
        '--to <kind-and-address...>',
        `where to: ${kinds.join(', ')}`,
      ).makeOptionMandatory(),
    )
    .option(
      '--experiment <name>',
      "MLflow's experiment, Trackio's project (default: each run's name)",
    );
  addOutputOptions(command).addHelpText('after', EXAMPLES);
  command.action((given: string[], flags: ExportFlags) => exportCommand(given, flags, context));
}

async function exportCommand(
  given: string[],
  flags: ExportFlags,
  context: CliContext,
): Promise<void> {
  const { kind, address, rest } = destination(flags.to);
  // An option that takes several words takes those of runs behind it as well.
  const wanted = [...given, ...rest];
  if (wanted.length === 0) {
    throw new RethinkError('usage', 'No run is named.', {
      hint: 'For example: latest, or results.',
    });
  }
  const exported = await watched(flags, context, async ({ signal, note, onProgress }) => {
    const runs = findRunFolders(wanted.map((run) => locateRun(run, 'folder')));
    if (runs.length === 0) {
      throw new RethinkError('data', `There is no run in ${wanted.join(', ')}.`);
    }
    const { exportRuns } = await import('../../record/sinks/index.js');
    const { experiment } = flags;
    return exportRuns(runs, { kind, address }, { experiment, signal, note, onProgress });
  });
  if (flags.json) return emit(context, 'export', { kind, runs: exported });
  const rows = exported.map((run) => [
    shownPath(run.run_dir),
    grouped(run.rows),
    grouped(run.before),
    SINK_KINDS[kind].address === 'URL' ? run.target : shownPath(run.target),
  ]);
  const header = ['run', 'rows written', 'there before', SINK_KINDS[kind].label];
  const width = roomOf(context.stdout);
  context.stdout.write(table([header, ...rows], [1, 2], { width, header: true }));
  const sum = exported.reduce((total, run) => total + run.rows, 0);
  context.stdout.write(`\n${counted(exported.length, 'run')}, ${counted(sum, 'row')} written\n`);
}

/** @throws RethinkError (`usage`) naming what is there. */
function destination(to: string[]): { kind: SinkKind; address: string; rest: string[] } {
  const [given = '', address, ...rest] = to;
  const kind = SINK_NAMES.find((name) => name === given);
  if (kind === undefined) {
    const close = nearest(given, SINK_NAMES);
    throw new RethinkError('usage', `There is no ${JSON.stringify(given)} to export to.`, {
      hint: close ? `Did you mean ${close}?` : `There are ${SINK_NAMES.join(', ')}.`,
    });
  }
  if (address === undefined || address === '') {
    const wanted = SINK_KINDS[kind].address;
    throw new RethinkError('usage', `--to ${kind} needs an address.`, {
      hint: `--to ${kind} ${wanted}`,
    });
  }
  return { kind, address, rest };
}
