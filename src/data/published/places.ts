import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { expandHome } from '../../config/paths.js';
import { RethinkError } from '../../errors.js';
import { cacheRoot, homeFolder } from '../../machine/cache-folder.js';

/**
 * The folders in which data sets are looked for, in this order: the one given (`--data-dir`), RETHINK_GEN_DATA, the
 * per-user cache. New data goes to the first.
 */
export function dataRoots(
  dataDir?: string,
  env: NodeJS.ProcessEnv = process.env,
): [string, ...string[]] {
  const cache = join(cacheRoot(env), 'data');
  const roots = [...askedRoots(dataDir, env).map(({ path }) => path), cache];
  return [...new Set(roots)] as [string, ...string[]];
}

/** The folders that a person has named. */
function askedRoots(dataDir: string | undefined, env: NodeJS.ProcessEnv) {
  return [
    { what: '--data-dir', path: dataDir },
    { what: 'RETHINK_GEN_DATA', path: env.RETHINK_GEN_DATA },
  ].flatMap(({ what, path }) =>
    path ? [{ what, path: resolve(expandHome(path, homeFolder(env))) }] : [],
  );
}

/**
 * Refuses folders that a person has named and that aren't there: another copy is not what they meant.
 *
 * @throws RethinkError (`data`) naming the first.
 */
export function requireRoots(dataDir?: string, env: NodeJS.ProcessEnv = process.env): void {
  const missing = askedRoots(dataDir, env).find(({ path }) => !existsSync(path));
  if (missing === undefined) return;
  const { what, path } = missing;
  throw new RethinkError('data', `${what} is ${path}, and there is no such folder.`, {
    hint: `Name one that is there, or leave ${what} out. data fetch and data import make it.`,
  });
}

/** Whether a copy lies in one of these folders. */
export function isOurs(path: string, dataDir?: string): boolean {
  return dataRoots(dataDir).some((root) => path.startsWith(join(root, sep)));
}

/**
 * Folders in which other programs and their users keep data sets. They are only read, and only where our own hold
 * nothing: PyTorch's, Keras' and Hugging Face's as each of them finds its own.
 */
export function othersRoots(env: NodeJS.ProcessEnv = process.env): string[] {
  const home = homeFolder(env);
  const atHome = (...names: string[]) => (home === undefined ? undefined : join(home, ...names));
  const below = (folder: string | undefined, ...names: string[]) =>
    folder ? join(expandHome(folder, home), ...names) : undefined;
  const caches = env.XDG_CACHE_HOME || atHome('.cache');
  const torch = env.TORCH_HOME || below(caches, 'torch');
  const keras = env.KERAS_HOME || atHome('.keras');
  const hub = env.HF_HUB_CACHE || below(env.HF_HOME || below(caches, 'huggingface'), 'hub');
  const roots = [
    'data',
    atHome('data'),
    below(torch),
    below(torch, 'data'),
    below(torch, 'datasets'),
    below(keras, 'datasets'),
    below(hub),
  ];
  return [...new Set(roots.filter((root) => root !== undefined).map((root) => resolve(root)))];
}
