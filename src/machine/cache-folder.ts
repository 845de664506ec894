import { accessSync, constants, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { RethinkError } from '../errors.js';

/**
 * The folder under which this program keeps engines, caches and data: `$XDG_CACHE_HOME/rethink-gen`, else that below
 * `~/.cache`. Where there is no home, or one that nobody can write to (a container run under some user id), a folder of this
 * user's alone among the temporary files.
 *
 * @throws RethinkError (`failed`) where somebody else has taken that one's name.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  // The XDG specification: a relative path is to be ignored.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'rethink-gen');
  const home = homeFolder(env);
  const usual = home === undefined ? undefined : join(home, '.cache', 'rethink-gen');
  if (usual !== undefined && isUsable(usual)) return usual;
  const root = temporaryRoot();
  tell?.(
    `There is no home folder to write to: engines, caches and data are kept in ${root}. Set HOME, XDG_CACHE_HOME or RETHINK_GEN_DATA for another place.`,
  );
  tell = undefined;
  return root;
}

let tell: ((sentence: string) => void) | undefined;

/** Has `listener` told, once, where a folder among the temporary files is used. */
export function onTemporaryCache(listener: (sentence: string) => void): void {
  tell = listener;
}

/** Where an engine of this name and version lives: `engines/tensorflow-2.21.0-cpu`. */
export function engineDir(name: string): string {
  return join(cacheRoot(), 'engines', name);
}

/** The user's home folder, there or not; `undefined` for a user without one: no HOME, no entry in the system's list. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  // What the system says of an empty HOME is an empty path, which would be the working folder.
  for (const ask of [() => (env.HOME === '' ? '' : homedir()), () => userInfo().homedir]) {
    try {
      const home = ask();
      if (isAbsolute(home)) return home;
    } catch {
      // This user id has no entry.
    }
  }
  return undefined;
}

/** Whether a folder can be made there; one that is there may be for reading alone, with engines that an image brought. */
function isUsable(folder: string): boolean {
  try {
    if (existsSync(folder)) {
      accessSync(folder, constants.R_OK | constants.X_OK);
      return statSync(folder).isDirectory();
    }
    let above = dirname(folder);
    while (!existsSync(above)) above = dirname(above);
    accessSync(above, constants.W_OK | constants.X_OK);
    return statSync(above).isDirectory();
  } catch {
    return false;
  }
}

/** A folder of this user's alone: libraries are loaded from it. Made if it isn't there. */
function temporaryRoot(): string {
  const uid = process.getuid?.() ?? -1;
  const candidates = [...new Set([tmpdir(), '/tmp', '/var/tmp'])].map((parent) =>
    join(parent, `rethink-gen-${uid}`),
  );
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') continue;
    }
    const found = lstatSync(folder);
    const own = found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
    if (own) return folder;
    throw new RethinkError(
      'failed',
      `${folder} is not this user's alone, and engines are loaded from there.`,
      { hint: 'Set HOME or XDG_CACHE_HOME to a folder that you can write to.' },
    );
  }
  // Nothing is found there, and whatever is to be written there is refused in a sentence.
  return candidates[0]!;
}
