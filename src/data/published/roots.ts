import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The folders in which data sets are looked for, in this order: the one given (`--data-dir`), RETHINK_GEN_DATA, the
 * per-user cache. New data goes to the first.
 */
export function dataRoots(
  dataDir?: string,
  env: NodeJS.ProcessEnv = process.env,
): [string, ...string[]] {
  const cacheHome = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const cache = join(cacheHome, 'rethink-gen', 'data');
  const asked = [dataDir, env.RETHINK_GEN_DATA].filter((path) => path !== undefined && path !== '');
  const roots = [...asked.map((path) => resolve(path!)), cache];
  return [...new Set(roots)] as [string, ...string[]];
}
