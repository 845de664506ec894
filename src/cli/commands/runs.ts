import type { Command } from 'commander';
import { sweptKeys } from '../../config/swept.js';
import { RethinkError } from '../../errors.js';
import { inTurns } from '../../progress.js';
import { namedValue } from '../../record/listing/columns.js';
import { type ListedRun, listRuns, type RunList } from '../../record/listing/listed.js';
import { type Order, orderGroups, orderRuns, sortedBy } from '../../record/listing/order.js';
import { groupSeeds, isSeed } from '../../record/listing/seeds.js';
import { runsOfSweeps, type SweepProgress } from '../../record/listing/sweeps.js';
import { parseWhere } from '../../record/listing/where.js';
import { locateRun, ROOT } from '../../sweep/locate.js';
import type { CliContext } from '../context.js';
import { positiveInteger, whereOption } from '../options.js';
import { groupAsJson, groupsAsCsv, runAsJson, runsAsCsv, sweepAsJson } from '../show/runs-data.js';
import {
  type Entry,
  runCounts,
  runsTable,
  type ShownColumn,
  SWEPT,
  startOf,
} from '../show/runs-table.js';
import { roomOf } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';
import { registerRunsDiff } from './runs-diff.js';
import { registerRunsRemove } from './runs-rm.js';

const EXAMPLES = `
Examples:
  rethink-gen runs                                       all runs under results, the newest first
  rethink-gen runs --where 'model.name=mlp' --where 'test_accuracy>=0.5' --sort -test_accuracy
  rethink-gen runs results/figure1b --group              mean and range over seeds
  rethink-gen runs --columns id,model.name,train.epochs,best_test_accuracy --csv > runs.csv
  rethink-gen runs diff latest 1a2b3c
  rethink-gen runs rm --where 'state=failed'

Conditions are on columns and on keys of the config: = != < <= > >=, ~ (contains) and !~; all of them must hold. Columns:
those of the table (train_accuracy, test_accuracy, generalization_gap, seconds, started …), those of metrics.csv as of the last
epoch, best_test_accuracy, outcome, label_noise and findings of the theory. Accuracies are fractions: 0.9, or 90%.

A sweep is one line, unless runs are chosen or sorted. Ids name a run in every command that takes one.`;

interface ListFlags {
  where?: string[];
  sort?: string;
  group?: boolean;
  columns?: string;
  limit?: number;
  trials?: boolean;
  json?: boolean;
  csv?: boolean;
}

const COLUMNS = [
  'name',
  SWEPT,
  'state',
  'epoch',
  'train_accuracy',
  'test_accuracy',
  'generalization_gap',
  'seconds',
  'started',
  'id',
];
/** What of a group is one run's says nothing of it. */
const NOT_OF_GROUPS = ['started', 'id'];

/** `rethink-gen runs [DIR…]`, `runs diff`, `runs rm` */
export function registerRunsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('runs')
    // What diff and rm are given is theirs.
    .enablePositionalOptions()
    .summary('list, compare and remove runs')
    .description('Lists runs and sweeps, chosen, sorted, and grouped over seeds.')
    .argument('[dirs...]', `folders that hold runs, names or ids of runs (default: ${ROOT})`)
    .addOption(whereOption())
    .option('--sort <column>', 'by a column or a key of the config; -COLUMN: the greatest first')
    .option('--group', 'a line for runs that differ in their seeds alone: mean, range and n')
    .option(
      '--columns <names>',
      `columns and keys of the config, with commas (${SWEPT}: what differs)`,
    )
    .option('--limit <n>', 'at most so many lines', positiveInteger)
    .option('--trials', 'the trials of sweeps beneath them')
    .option('--json', 'newline-delimited JSON on stdout instead of text')
    .option('--csv', 'CSV on stdout instead of text, a line for each run')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], flags: ListFlags) => list(given, flags, context));
  registerRunsDiff(command, context);
  registerRunsRemove(command, context);
}

/** A list as it was asked for, before it is read. */
interface Query {
  choose: ((run: ListedRun) => boolean) | undefined;
  columns: ShownColumn[];
  order: Order | undefined;
}

async function list(given: string[], flags: ListFlags, context: CliContext): Promise<void> {
  if (flags.json && flags.csv) {
    throw new RethinkError('usage', '--json and --csv are two forms of one list.', {
      hint: 'Give one of them.',
    });
  }
  const query = readQuery(flags);
  const dirs = (given.length > 0 ? given : [ROOT]).map((dir) => locateRun(dir, 'folder'));
  const all = await watched({ json: true, quiet: true }, context, (job) =>
    inTurns(listRuns(dirs), job, 'looking for runs'),
  );
  const chosen = query.choose === undefined ? all.runs : all.runs.filter(query.choose);
  const runs = orderRuns(chosen, query.order);
  if (flags.json) writeJson(all, runs, flags, query, context);
  else if (flags.csv) writeCsv(runs, flags, query, context);
  else writeText(all, runs, flags, query, context);
}

function readQuery({ where, sort, group, columns }: ListFlags): Query {
  const byDefault = group ? COLUMNS.filter((name) => !NOT_OF_GROUPS.includes(name)) : COLUMNS;
  const names = columns?.split(',').map((name) => name.trim()) ?? byDefault;
  const order = sort && {
    column: namedValue(sort.replace(/^-/, ''), `--sort ${sort}`),
    descending: sort.startsWith('-'),
  };
  return {
    choose: where && parseWhere(where),
    columns: names.map((name) =>
      name === SWEPT ? SWEPT : namedValue(name, `--columns ${columns}`),
    ),
    order: order || undefined,
  };
}

const sweptOf = (runs: readonly ListedRun[]) => sweptKeys(runs.map(({ config }) => config));

function writeText(
  all: RunList,
  runs: ListedRun[],
  flags: ListFlags,
  { columns, order }: Query,
  { stdout }: CliContext,
): void {
  const entries = entriesOf(all, runs, flags, order).slice(0, flags.limit);
  const shown = entries.flatMap((entry) =>
    entry.kind === 'run' ? [entry.run] : entry.kind === 'group' ? entry.group.runs.slice(0, 1) : [],
  );
  if (entries.length > 0) {
    const fit = { width: roomOf(stdout), spares: flags.columns === undefined };
    const swept = sweptOf(shown).filter((key) => !flags.group || !isSeed(key));
    stdout.write(`${runsTable(entries, columns, swept, fit)}\n`);
  }
  stdout.write(`${runCounts(runs, all.runs.length)}\n`);
}

function entriesOf(
  all: RunList,
  runs: ListedRun[],
  { group, trials, where }: ListFlags,
  order: Order | undefined,
): Entry[] {
  if (group) {
    return orderGroups(groupSeeds(runs), order).map((group) => ({ kind: 'group', group }));
  }
  if (where !== undefined || order !== undefined) return runs.map((run) => ({ kind: 'run', run }));
  const { sweeps, others } = runsOfSweeps(all.sweeps, all.runs);
  const blocks: { started: string | null; entries: Entry[] }[] = [
    ...sweeps.map((sweep) => ({
      started: startOf(sweep),
      entries: [{ kind: 'sweep' as const, sweep }, ...(trials ? trialsOf(sweep) : [])],
    })),
    ...others.map((run) => ({ started: run.started, entries: [{ kind: 'run' as const, run }] })),
  ];
  return sortedBy(blocks, ({ started }) => started, true).flatMap(({ entries }) => entries);
}

function trialsOf(sweep: SweepProgress<ListedRun>): Entry[] {
  return sweep.runs.flatMap((run, i) =>
    run === null ? [] : [{ kind: 'run' as const, run, of: sweep, label: sweep.trials[i]!.label }],
  );
}

function writeJson(
  all: RunList,
  runs: ListedRun[],
  flags: ListFlags,
  { columns, order }: Query,
  context: CliContext,
): void {
  if (flags.group) {
    const groups = orderGroups(groupSeeds(runs), order).slice(0, flags.limit);
    const swept = sweptOf(groups.map(({ runs }) => runs[0]!)).filter((key) => !isSeed(key));
    for (const group of groups) emit(context, 'group', groupAsJson(group, columns, swept));
    return;
  }
  const { sweeps } = runsOfSweeps(all.sweeps, all.runs);
  // Who chooses runs wants nothing else.
  if (flags.where === undefined && flags.limit === undefined) {
    for (const sweep of sweeps) emit(context, 'sweep', sweepAsJson(sweep));
  }
  const sweepOf = new Map(sweeps.flatMap((sweep) => sweep.runs.map((run) => [run, sweep.path])));
  const listed = runs.slice(0, flags.limit);
  const swept = sweptOf(listed);
  for (const run of listed) {
    const config = flags.columns === undefined ? { config: Object.fromEntries(run.config) } : {};
    const row = runAsJson(run, columns, swept, sweepOf.get(run) ?? null);
    emit(context, 'run', { ...row, ...config });
  }
}

function writeCsv(
  runs: ListedRun[],
  flags: ListFlags,
  { columns, order }: Query,
  { stdout }: CliContext,
): void {
  const text = flags.group
    ? groupsAsCsv(orderGroups(groupSeeds(runs), order).slice(0, flags.limit), columns)
    : runsAsCsv(runs.slice(0, flags.limit), columns);
  stdout.write(text);
}
