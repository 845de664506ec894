import { existsSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, syncFolder } from '../data/files.js';

/**
 * A temporary name beside a folder, hidden, which says whose it is: a process that was killed can't tidy up, so the next
 * one does.
 */
export function temporaryName(target: string, pid = process.pid): string {
  return join(dirname(target), `.${basename(target)}.${pid}.new`);
}

/**
 * Puts a finished folder in the place of another, or of none. Killed at any instant, it leaves the old folder or the new
 * one, whole, though for a moment under its temporary name.
 */
export async function replaceFolder(finished: string, target: string): Promise<void> {
  const old = `${finished}.old`;
  if (existsSync(target)) await rename(target, old);
  try {
    await rename(finished, target);
  } catch (error) {
    if (existsSync(old)) await rename(old, target);
    throw error;
  }
  await syncFolder(dirname(target));
  await rm(old, { recursive: true, force: true });
}

/** Removes what killed processes left beside `target`. */
export async function removeAbandoned(target: string): Promise<void> {
  const prefix = `.${basename(target)}.`;
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const pid = /^(\d+)\.new(\.old)?$/.exec(name.slice(prefix.length))?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}
