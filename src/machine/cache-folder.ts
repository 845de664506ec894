import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The folder under which this program keeps engines and caches: `$XDG_CACHE_HOME/rethink-gen`. */
export function cacheRoot(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  // The XDG specification: a relative path is to be ignored.
  const base = xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache');
  return join(base, 'rethink-gen');
}

/** Where an engine of this name and version lives: `engines/tensorflow-2.21.0-cpu`. */
export function engineDir(name: string): string {
  return join(cacheRoot(), 'engines', name);
}
