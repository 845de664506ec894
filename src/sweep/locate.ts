import { existsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { nearest } from '../config/nearest.js';
import { RethinkError } from '../errors.js';
import { runsCalled, shortIds } from '../record/listing/ids.js';
import { isSweepDirectory } from '../record/listing/sweeps.js';
import { findRunFolders } from '../record/runs.js';

/** Where runs are made unless another place is named. */
export const ROOT = 'results';
const LATEST = 'latest';

/** What may be asked for, and where the folder of a sweep will do. */
const WANTED = {
  /** Nothing but a run directory. */
  run: { sweep: false, latestSweep: false, folder: false },
  /** The folder of a sweep as well, also where the newest run is one of its trials. */
  resumable: { sweep: true, latestSweep: true, folder: false },
  /** The folder of a sweep that is named itself. */
  removable: { sweep: true, latestSweep: false, folder: false },
  /** Any folder that holds runs. */
  folder: { sweep: false, latestSweep: false, folder: true },
};

/**
 * What somebody means who is asked for a run: a run directory; the folder of a run's name, `results/quickstart`, or the name
 * alone, for the newest run in it; `latest` for the newest of all; or a short id as `rethink-gen runs` lists them, or a part of
 * a directory's name, where only one run has it.
 *
 * @returns A path as it was given, or below it.
 * @throws RethinkError: `data` where there is no such folder, or no run in it; `usage` where several runs have the id.
 */
export function locateRun(given: string, wanted: keyof typeof WANTED, root = ROOT): string {
  const { sweep, latestSweep, folder: anyFolder } = WANTED[wanted];
  const alone = basename(given) === given;
  // A folder as it was given goes before one of that name under the root.
  const places = alone ? [given, join(root, given)] : [given];
  const folder = places.find((path) => existsSync(path));
  const latest = folder === undefined && basename(given) === LATEST;
  const around = alone ? root : dirname(given);
  const within = latest ? around : folder;
  if (within === undefined || !existsSync(within)) {
    if (latest || given === root) throw noRun(within ?? given);
    return runWithId(given, around);
  }
  if (anyFolder && !latest) return within;
  if (sweep && isSweepDirectory(within)) return within;
  const newest = newestRun(within);
  if (newest === undefined) throw noRun(within);
  const parent = dirname(newest);
  return latestSweep && latest && isSweepDirectory(parent) ? parent : newest;
}

/** The run directory itself, or the one below that was begun last, by its name. */
function newestRun(folder: string): string | undefined {
  return findRunFolders([folder]).reduce<string | undefined>(
    (newest, path) => (newest === undefined || basename(path) > basename(newest) ? path : newest),
    undefined,
  );
}

/** The one run below a folder that an id can mean. */
function runWithId(given: string, around: string): string {
  const paths = existsSync(around) ? findRunFolders([around]) : [];
  const found = runsCalled(basename(given), paths);
  if (found.length > 1) throw ambiguous(given, found, shortIds(paths));
  if (found.length === 0) throw noFolder(given, paths);
  return found[0]!;
}

/** More of them tell nobody more. */
const MOST_LISTED = 10;

function ambiguous(given: string, found: string[], ids: ReadonlyMap<string, string>): RethinkError {
  const lines = found
    .slice(0, MOST_LISTED)
    .map((path) => `  ${ids.get(path)}  ${relative(process.cwd(), path)}`);
  if (found.length > MOST_LISTED) lines.push(`  … and ${found.length - MOST_LISTED} more`);
  return new RethinkError('usage', [`${found.length} runs are called ${given}:`, ...lines], {
    hint: 'Give the id at the beginning of a line, or the directory.',
  });
}

function noRun(folder: string): RethinkError {
  return new RethinkError('data', `There is no run in ${folder}.`, {
    hint: `Run directories are called ${ROOT}/<name>/20261124T101530Z-1a2b3c4d; rethink-gen run quickstart makes some.`,
  });
}

function noFolder(given: string, paths: readonly string[]): RethinkError {
  const names = [...new Set(paths.map((path) => basename(dirname(path))))];
  const close = nearest(given, names);
  return new RethinkError('data', `There is no folder ${given}.`, {
    hint:
      close === undefined
        ? `Give a run directory, the name of a run under ${ROOT}, an id that rethink-gen runs lists, or ${LATEST} for the newest one there.`
        : `Did you mean ${close}?`,
  });
}
