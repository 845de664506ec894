import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RethinkError } from '../../errors.js';
import { inTurns, type Watching } from '../../progress.js';
import { listRuns, readListed } from '../../record/listing/listed.js';
import { isSweepDirectory, readFoundSweep } from '../../record/listing/sweeps.js';
import { parseWhere } from '../../record/listing/where.js';
import { refuseRunning, removeRun, sizeOf } from '../../record/remove.js';
import { findRunFolders } from '../../record/runs.js';
import { locateRun, ROOT } from '../../sweep/locate.js';
import { refuseSweepUnderWay, removeSweep, renewTable, sweepOfRun } from '../../sweep/remove.js';
import { counted, grouped, size } from '../../text.js';
import type { CliContext } from '../context.js';
import { RUN, whereOption } from '../options.js';
import { roomOf, shownPath, table } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen runs rm latest
  rethink-gen runs rm 1a2b3c 5d6e7f --yes
  rethink-gen runs rm results/figure1b                   a sweep, with all of its runs
  rethink-gen runs rm --where 'state=failed'

It shows what it would remove, and how large that is, and asks. A run that is running is never removed.`;

interface RemoveFlags {
  where?: string[];
  yes?: boolean;
  json?: boolean;
}

/** What is to be removed. */
interface Target {
  /** Absolute. */
  path: string;
  /** For people: `interrupted, epoch 3`, `sweep, 12 runs`. */
  what: string;
  runs: number;
  isSweep: boolean;
  bytes: number;
  /** The sweep that a run is a trial of. */
  sweep: string | null;
}

/** `rethink-gen runs rm RUN…` */
export function registerRunsRemove(parent: Command, context: CliContext): void {
  parent
    .command('rm')
    .summary('remove runs')
    .description('Removes runs, after it has shown them and asked; never one that is running.')
    .argument('[runs...]', `${RUN}; or the folder of a sweep; with --where: folders to look in`)
    .addOption(whereOption())
    .option('--yes', 'without asking')
    .option('--json', 'a line of JSON on stdout for each that was removed')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], flags: RemoveFlags) => remove(given, flags, context));
}

async function remove(given: string[], flags: RemoveFlags, context: CliContext): Promise<void> {
  if (given.length === 0 && flags.where === undefined) {
    throw new RethinkError('usage', 'runs rm wants to know which runs.', {
      hint: "Name them, or choose them: --where 'state=failed'.",
    });
  }
  const quiet = { json: true, quiet: true };
  const { targets, left } = await watched(quiet, context, (job) => chosen(given, flags, job));
  for (const path of left)
    context.stderr.write(`${shownPath(path)} is running, and is left as it is.\n`);
  if (targets.length === 0) {
    context.stderr.write('There is nothing to remove.\n');
    return;
  }
  if (!flags.yes && !(await agreed(targets, context))) {
    context.stderr.write('Nothing was removed.\n');
    return;
  }
  const removed: Target[] = [];
  try {
    await watched({ json: true }, context, async ({ signal, note }) => {
      for (const target of targets) {
        signal.throwIfAborted();
        const wait = { signal, onWait: note };
        await (target.isSweep ? removeSweep(target.path, wait) : removeRun(target.path, wait));
        removed.push(target);
        if (flags.json) emit(context, 'removed', { path: target.path, bytes: target.bytes });
      }
    });
  } finally {
    const sweeps = new Set(removed.flatMap(({ sweep }) => sweep ?? []));
    for (const sweep of sweeps) if (isSweepDirectory(sweep)) await renewTable(sweep);
    if (!flags.json) context.stdout.write(`Removed ${amount(removed)}.\n`);
  }
}

/** Which runs are meant, and those among them that can't be removed because they are running. */
async function chosen(
  given: readonly string[],
  { where }: RemoveFlags,
  watching: Watching,
): Promise<{ targets: Target[]; left: string[] }> {
  const left: string[] = [];
  const paths = new Set<string>();
  if (where === undefined) {
    for (const one of given) paths.add(resolve(locateRun(one, 'removable')));
    for (const path of paths) {
      if (isSweepDirectory(path)) await refuseSweepUnderWay(path);
      else refuseRunning(path);
    }
  } else {
    const choose = parseWhere(where);
    const dirs = (given.length > 0 ? given : [ROOT]).map((dir) => locateRun(dir, 'folder'));
    const { runs } = await inTurns(listRuns(dirs), watching, 'looking for runs');
    for (const run of runs.filter(choose)) {
      if (run.state === 'running') left.push(run.path);
      else paths.add(run.path);
    }
  }
  const targets: Target[] = [];
  for (const path of paths) targets.push(await targetOf(path, watching));
  return { targets, left };
}

async function targetOf(path: string, watching: Watching): Promise<Target> {
  const { bytes } = await inTurns(sizeOf(path), watching, 'adding up sizes');
  if (isSweepDirectory(path)) {
    const runs = findRunFolders([path]).length;
    const trials = readFoundSweep(path).trials.length;
    const what = `sweep of ${counted(trials, 'trial')}, ${counted(runs, 'run')}`;
    return { path, what, runs, isSweep: true, bytes, sweep: null };
  }
  const { state, epoch } = readListed(path);
  const sweep = sweepOfRun(path);
  const of = sweep === null ? '' : `, a trial of ${shownPath(sweep)}`;
  const what = `${state}${epoch === null ? '' : `, epoch ${grouped(epoch)}`}${of}`;
  return { path, what, runs: 1, isSweep: false, bytes, sweep };
}

/** @throws RethinkError (`usage`) where there is nobody to ask. */
async function agreed(targets: readonly Target[], context: CliContext): Promise<boolean> {
  const { stderr } = context;
  const rows = targets.map(({ path, what, bytes }) => [shownPath(path), what, size(bytes)]);
  stderr.write(
    table([['run', 'what', 'size'], ...rows], [1], { width: roomOf(stderr), header: true }),
  );
  const answer = await context.ask(`Remove ${amount(targets)}? [y/N] `);
  if (answer === null) {
    throw new RethinkError(
      'usage',
      'runs rm asks before it removes, and nobody is there to answer.',
      {
        hint: 'With --yes it removes without asking.',
      },
    );
  }
  return /^\s*y(es)?\s*$/i.test(answer);
}

/** `3 runs, 1.2 GB` */
function amount(targets: readonly Target[]): string {
  const runs = targets.reduce((sum, target) => sum + target.runs, 0);
  const bytes = targets.reduce((sum, target) => sum + target.bytes, 0);
  return `${counted(runs, 'run')}, ${size(bytes)}`;
}
