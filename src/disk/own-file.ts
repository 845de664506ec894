import { fstatSync, lstatSync, type Stats } from 'node:fs';
import { RethinkError } from '../errors.js';

/**
 * A run directory may come from a stranger: what is read there must not be somebody else's file, and what is written
 * must not end up in one.
 */

/** What a symbolic link in a run directory is answered with. */
export function linkError(path: string, cause?: unknown): RethinkError {
  return new RethinkError(
    'data',
    `${path} is a symbolic link, and a run neither reads nor writes through one.`,
    {
      hint: 'Put the file or folder itself in its place, or move the whole run directory.',
      cause,
    },
  );
}

/**
 * Refuses a symbolic link, also one that leads nowhere; a path with nothing there passes.
 *
 * @throws RethinkError (`data`).
 */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw linkError(path);
}

/**
 * Refuses a file that would be changed in place and is not this directory's alone: a link, or a file that has another
 * name elsewhere (a hard link). A path with nothing there passes.
 *
 * @throws RethinkError (`data`).
 */
export function requireOwn(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isSymbolicLink()) throw linkError(path);
  refuseShared(found, path);
}

/** The same of a file that is open. */
export function requireOwnOpen(fd: number, path: string): void {
  refuseShared(fstatSync(fd), path);
}

function refuseShared(found: Stats, path: string): void {
  if (!found.isFile() || found.nlink < 2) return;
  throw new RethinkError(
    'data',
    `${path} has another name elsewhere (a hard link), and what a run writes would change that file too.`,
    { hint: 'Copy the run directory without links (cp -r), and use the copy.' },
  );
}
