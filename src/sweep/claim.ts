import { join } from 'node:path';
import type { Trial } from '../config/experiment.js';
import { seenLate } from '../disk/again.js';
import { ensureFolder } from '../disk/files.js';
import { holderOf, Lock, type LockOptions } from '../disk/lock.js';
import { toldProcess } from '../disk/process-identity.js';
import { isThere } from '../disk/reading.js';
import { type ErrorReport, RethinkError } from '../errors.js';
import { isLaterStart } from '../machine/scheduler.js';
import type { FinishedRun } from '../setup/options.js';
import { claimFolder, claimsOf, type EarlierRun, findEarlierRun } from './find.js';

/** What came of claiming a trial. */
export type TrialClaim =
  | { state: 'claimed'; trial: ClaimedTrial }
  | { state: 'finished'; run: FinishedRun }
  | { state: 'failed'; runDir: string | null; error: ErrorReport }
  /** Another process has it. */
  | { state: 'busy'; by: string };

/** A trial that is this process's to run until `release`. */
export interface ClaimedTrial {
  /** The run to go on with; `null`: a new one is to be made. */
  runDir: string | null;
  /** For `NewRunOptions.claim`: decides which directory a new run gets. */
  claim: string;
  release(): void;
}

export interface ClaimOptions extends Pick<LockOptions, 'wait' | 'signal' | 'onWait'> {
  /** Failures that were there before: such a trial is tried again. One that failed since, elsewhere, is left so. */
  failedBefore?: ReadonlySet<string> | undefined;
}

/**
 * Claims a trial among all processes and machines that work on a sweep: one of them has it at a time, and all of them
 * together make one run directory of it.
 *
 * @param root Under which run directories are made.
 * @throws RethinkError: `failed` where the disk refuses, `data` where a claim is damaged or a symbolic link, `interrupted`.
 */
export async function claimTrial(
  root: string,
  trial: Pick<Trial, 'config'>,
  { failedBefore = new Set(), ...lock }: ClaimOptions = {},
): Promise<TrialClaim> {
  const before = endOf(await findEarlierRun(root, trial), failedBefore);
  if (before !== undefined) return before;
  const folder = claimFolder(root, trial);
  const held = await hold(folder, lock);
  if (typeof held === 'string') return { state: 'busy', by: held };
  try {
    const claims = claimsOf(folder);
    const last = claims.at(-1);
    // On some disks it is seen late what another machine has made just now.
    const made = last && (await seenLate(() => existing(join(folder, '../..', last.name))));
    const earlier = await findEarlierRun(root, trial);
    const now = endOf(earlier, failedBefore);
    if (now !== undefined) {
      held.release();
      return now;
    }
    const next = join(folder, `run-${claims.length + 1}.json`);
    const claimed = {
      runDir: earlier !== undefined && canGoOn(earlier) ? earlier.runDir : null,
      // Of one that was killed before it made its directory, or whose directory somebody removed.
      claim: last !== undefined && made === undefined ? last.path : next,
      release: () => held.release(),
    };
    return { state: 'claimed', trial: claimed };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Where no process has a trial any more that was busy: waits for a sign of life. @throws RethinkError (`busy`) at one. */
export async function awaitTrial(
  root: string,
  trial: Pick<Trial, 'config'>,
  options: Pick<LockOptions, 'signal' | 'onWait'>,
): Promise<void> {
  await Lock.clear(claimFolder(root, trial), options);
}

/** Runs that are whole, and failures that are news. */
function endOf(
  earlier: EarlierRun | undefined,
  failedBefore: ReadonlySet<string>,
): TrialClaim | undefined {
  if (earlier?.found === 'finished') return { state: 'finished', run: earlier.run };
  if (earlier?.found !== 'failed' || failedBefore.has(earlier.id)) return undefined;
  return { state: 'failed', runDir: earlier.runDir, error: earlier.error };
}

/** One that failed before its first checkpoint is run anew. */
export function canGoOn(
  earlier: EarlierRun,
): earlier is Exclude<EarlierRun, { found: 'finished' }> {
  return earlier.found === 'resumable' || (earlier.found === 'failed' && earlier.resumable);
}

/** The lock, or who has it. */
async function hold(folder: string, options: LockOptions): Promise<Lock | string> {
  ensureFolder(folder);
  const before = holderOf(folder);
  const mayBeGone = before?.job && isLaterStart(before.job);
  // No scheduler is asked of each of a thousand trials that run elsewhere.
  if (before?.liveness === 'elsewhere' && options.wait === 'never' && !mayBeGone) {
    return toldProcess(before);
  }
  try {
    return await Lock.acquire(folder, options);
  } catch (error) {
    if (!(error instanceof RethinkError) || error.kind !== 'busy') throw error;
    const holder = holderOf(folder);
    return holder === null ? 'another process' : toldProcess(holder);
  }
}

function existing(path: string): string | undefined {
  return isThere(path) ? path : undefined;
}
