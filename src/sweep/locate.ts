import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RethinkError } from '../errors.js';
import { findRunFolders } from '../record/runs.js';
import { isSweepDirectory } from './directory.js';

/** Where runs are made unless another place is named. */
const ROOT = 'results';
const LATEST = 'latest';

/**
 * What somebody means who is asked for a run: a run directory; the folder of a run's name, `results/quickstart`, or the name
 * alone, for the newest run in it; `latest` for the newest of all.
 *
 * @param wanted `run`: nothing but a run directory; `resumable`: the folder of a sweep as well, also where the newest run
 *   is one of its trials; `folder`: any folder that holds runs.
 * @returns A path as it was given, or below it.
 * @throws RethinkError (`data`) where there is no such folder, or no run in it.
 */
export function locateRun(
  given: string,
  wanted: 'run' | 'resumable' | 'folder',
  root = ROOT,
): string {
  const alone = basename(given) === given;
  // A folder as it was given goes before one of that name under the root.
  const places = alone ? [given, join(root, given)] : [given];
  const folder = places.find((path) => existsSync(path));
  const latest = folder === undefined && basename(given) === LATEST;
  const within = latest ? (alone ? root : dirname(given)) : folder;
  if (within === undefined || !existsSync(within)) {
    throw latest || given === root ? noRun(within ?? given) : noFolder(given);
  }
  if (wanted === 'folder' && !latest) return within;
  if (wanted === 'resumable' && isSweepDirectory(within)) return within;
  const newest = newestRun(within);
  if (newest === undefined) throw noRun(within);
  const parent = dirname(newest);
  return wanted === 'resumable' && latest && isSweepDirectory(parent) ? parent : newest;
}

/** The run directory itself, or the one below that was begun last, by its name. */
function newestRun(folder: string): string | undefined {
  return findRunFolders([folder]).reduce<string | undefined>(
    (newest, path) => (newest === undefined || basename(path) > basename(newest) ? path : newest),
    undefined,
  );
}

function noRun(folder: string): RethinkError {
  return new RethinkError('data', `There is no run in ${folder}.`, {
    hint: `Run directories are called ${ROOT}/<name>/20261124T101530Z-1a2b3c4d; rethink-gen run quickstart makes some.`,
  });
}

function noFolder(given: string): RethinkError {
  return new RethinkError('data', `There is no folder ${given}.`, {
    hint: `Give a run directory, the name of a run under ${ROOT}, or ${LATEST} for the newest one there.`,
  });
}
