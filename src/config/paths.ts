import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** A path whose `~/` is the home folder, as a shell has it: none expands it behind `data.dir=`. */
export function expandHome(path: string, home = homeOrNone()): string {
  return home !== undefined && isAbsolute(home) && /^~(\/|$)/.test(path)
    ? join(home, path.slice(1))
    : path;
}

function homeOrNone(): string | undefined {
  try {
    return homedir();
  } catch {
    // A user without an entry and without HOME, as in some containers.
    return undefined;
  }
}
