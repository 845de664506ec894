import { setTimeout as sleep } from 'node:timers/promises';
import { RethinkError } from '../errors.js';
import { hasJobEnded, isLaterStart, type Job } from '../machine/scheduler.js';
import { ago, roughly } from '../text.js';
import { diskError } from './errors.js';
import { quietly } from './files.js';
import { keepBeating } from './heart.js';
import {
  type HolderRecord,
  type LockFiles,
  LockFolder,
  lockFolder,
  type SeenHolder,
} from './lock-folder.js';
import {
  type Liveness,
  livenessOf,
  type ProcessIdentity,
  thisProcess,
  toldProcess,
} from './process-identity.js';

/** Whoever holds a folder. */
export interface Holder extends HolderRecord {
  liveness: Liveness;
  /** Name of its file in the lock's folder. */
  file: string;
}

/**
 * How long to wait for a lock that is held: not at all; until a holder on another machine has given a sign of life or is
 * known to be gone; until it is free, where nobody keeps it for long.
 */
export type LockWait = 'never' | 'gone' | 'free';

export interface LockOptions {
  /** Default: `gone`. A holder that is known to be dead is never waited for. */
  wait?: LockWait | undefined;
  /** When the holder last said that it lives (UTC), where it says so elsewhere: any change of it is a sign of life. */
  signOfLife?: (() => string | null) | undefined;
  /** Told once that there is something to wait for, and for how long. */
  onWait?: ((sentence: string) => void) | undefined;
  /** Aborting it ends the waiting. */
  signal?: AbortSignal | undefined;
}

/** Milliseconds of this process's own clock: clocks of two machines are never compared. */
export interface LockTimes {
  /** A holder's file grows this often. */
  beat: number;
  /** One that hasn't for so long is gone. */
  silence: number;
  /** How often who waits looks. */
  look: number;
  /** How long to wait for a living holder, with `free`. */
  patience: number;
}

const TIMES: LockTimes = { beat: 10_000, silence: 90_000, look: 1000, patience: 30_000 };
let times = TIMES;

/** For tests alone: other times; none: the usual ones. */
export function setLockTimes(others: Partial<LockTimes> = {}): void {
  times = { ...TIMES, ...others };
}

/** A scheduler is asked this many looks apart: seldom, and not of a holder that lives. */
const LOOKS_PER_QUESTION = 15;
/** Each one means that a holder came and went just now, or that a network file system lags behind. */
const ATTEMPTS = 30;
const LONGEST_PAUSE_MS = 100;

/** What a lock depends on beside its files. */
export interface LockWorld {
  identity(): ProcessIdentity;
  liveness(identity: ProcessIdentity): Liveness;
  hasEnded(job: Job): Promise<boolean>;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  keepBeating(path: string, ms: number): () => void;
}

const HERE: LockWorld = {
  identity: thisProcess,
  liveness: livenessOf,
  hasEnded: (job) => hasJobEnded(job),
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
  keepBeating,
};

/** Whom a lock was taken from: `free` had none, `dead` ran here, `elsewhere` is gone as far as anybody can tell. */
export type Predecessor = 'free' | 'dead' | 'elsewhere';

/**
 * An exclusive lock on a folder, on one machine or several that share its disk, that needs no one to clean up after a crash.
 *
 * A holder that died on this machine is replaced at once. Elsewhere one is gone if its scheduler says so, or if its file has
 * not grown for 90 seconds of the clock of whoever watches. No lock of files can keep such a holder from waking up again:
 * so whoever holds one calls `confirm` between opening a file and changing it, and whoever takes one over opens no file
 * that the other may have open (`predecessor`).
 */
export class Lock {
  private readonly stopBeating: () => void;
  private released = false;

  private constructor(
    private readonly directory: string,
    private readonly files: LockFiles & { path?: string },
    /** Whom it was taken from. */
    readonly predecessor: Predecessor,
    world: LockWorld,
  ) {
    this.stopBeating = world.keepBeating(files.path ?? files.file, times.beat);
  }

  /**
   * @throws RethinkError: `busy` naming the holder, where it lives or can't be seen from here; `data` where the lock is
   * damaged or a symbolic link; `interrupted`.
   */
  static async acquire(
    directory: string,
    options: LockOptions = {},
    files: LockFiles = new LockFolder(directory),
    world: LockWorld = HERE,
  ): Promise<Lock> {
    let predecessor: Predecessor = 'free';
    try {
      const record = { ...world.identity(), beats: true };
      await files.prepare({ ...record, inherited: true });
      for (let attempt = 1; !(await files.place()); attempt++) {
        if (attempt > ATTEMPTS) throw unusable(directory);
        const found = await clear(directory, options, files, world);
        if (found !== predecessor) await files.prepare({ ...record, inherited: found !== 'dead' });
        predecessor = found;
        if (attempt > 1) await world.sleep(Math.min(LONGEST_PAUSE_MS, 2 ** attempt));
      }
    } catch (error) {
      await files.discard();
      // Moved already, where the disk failed only then: this process lives on and must not hold it.
      await forget(files);
      throw diskError(error, 'lock', directory);
    }
    return new Lock(directory, files, predecessor, world);
  }

  /** Sees to it that no holder that is gone has the lock. @throws RethinkError as `acquire`. */
  static async clear(directory: string, options: LockOptions = {}): Promise<void> {
    await clear(directory, options, new LockFolder(directory), HERE);
  }

  /**
   * Locks a folder that is about to get its name: who renames it to `directory` holds that from its first instant.
   *
   * @returns Makes it the lock of the folder's new name.
   */
  static prepareIn(prepared: string): (directory: string) => Lock {
    const { file } = new LockFolder(prepared);
    LockFolder.put(prepared, file, { ...thisProcess(), beats: true, inherited: false });
    return (directory) => new Lock(directory, new LockFolder(directory, file), 'free', HERE);
  }

  /**
   * To be called between opening a file and changing it. What was opened before is then this holder's to change, however
   * long it takes: see the class.
   *
   * @throws RethinkError (`lost`) where another process has taken the lock over.
   */
  confirm(): void {
    if (!this.released && this.files.owns()) return;
    this.stopBeating();
    throw lost(this.directory);
  }

  /** Gives the lock back. Safe to call twice, where the folder is gone, and where another process has it by now. */
  release(): void {
    this.released = true;
    this.stopBeating();
    void this.files.remove(this.files.file);
  }
}

/**
 * Who holds the lock of a folder; `null` where it is free.
 *
 * @throws RethinkError (`data`) where the lock is damaged.
 */
export function holderOf(directory: string): Holder | null {
  const seen = new LockFolder(directory).look();
  return seen && { ...seen.holder, liveness: livenessOf(seen.holder), file: seen.file };
}

async function forget(files: LockFiles): Promise<void> {
  try {
    await files.remove(files.file);
  } catch {
    // The error that kept the lock from being taken is the one to tell.
  }
}

/** Looks who holds the lock, waits as far as is asked, and removes a holder that is gone. */
async function clear(
  directory: string,
  options: LockOptions,
  files: LockFiles,
  world: LockWorld,
): Promise<Predecessor> {
  const { wait = 'gone' } = options;
  const since = world.now();
  for (;;) {
    const seen = await files.look();
    if (seen === null) return 'free';
    const liveness = world.liveness(seen.holder);
    const gone =
      liveness === 'dead' ||
      (liveness === 'elsewhere' && (await isGone(directory, seen, options, files, world)));
    if (gone) {
      await files.remove(seen.file);
      return liveness === 'elsewhere' || seen.holder.inherited ? 'elsewhere' : 'dead';
    }
    const now = await files.look();
    const left = now?.file !== seen.file;
    if (!left && (wait !== 'free' || world.now() - since > times.patience)) {
      throw busy(directory, seen, liveness, options);
    }
    if (!left) await pause(times.look / 10, options, world);
  }
}

/** Whether a holder on another machine is gone, by its scheduler or by its silence. */
async function isGone(
  directory: string,
  seen: SeenHolder,
  options: LockOptions,
  files: LockFiles,
  world: LockWorld,
): Promise<boolean> {
  const { holder } = seen;
  if (holder.job && isLaterStart(holder.job)) return true;
  const hasEnded = async () => !!holder.job && (await world.hasEnded(holder.job));
  const sign = options.signOfLife?.() ?? null;
  // A holder of an earlier version that says nothing anywhere looks the same, dead or alive.
  if (options.wait === 'never' || !(holder.beats || sign !== null)) return await hasEnded();
  options.onWait?.(waiting(directory, holder, sign));
  let quiet = 0;
  let last = world.now();
  for (let looks = 1; quiet < times.silence; looks++) {
    await pause(times.look, options, world);
    const next = await files.look();
    const moved = next?.size !== seen.size || (options.signOfLife?.() ?? null) !== sign;
    if (next?.file !== seen.file || moved) return false;
    if (looks % LOOKS_PER_QUESTION === 0 && (await hasEnded())) return true;
    const now = world.now();
    // Who was stopped, or hung at the same server as the holder, has seen nothing in that time.
    quiet += Math.min(now - last, 2 * times.look);
    last = now;
  }
  return true;
}

async function pause(ms: number, { signal }: LockOptions, world: LockWorld): Promise<void> {
  await world.sleep(ms, signal).catch(() => {});
  if (signal?.aborted) throw new RethinkError('interrupted', 'Interrupted while waiting.');
}

function waiting(directory: string, holder: ProcessIdentity, sign: string | null): string {
  const last = sign === null ? '' : `, last sign of life ${ago(sign)}`;
  const most = roughly(times.silence / 1000);
  return `${directory} is held by ${toldProcess(holder)}${last}; waiting up to ${most} for the next one.`;
}

function busy(
  directory: string,
  { holder }: SeenHolder,
  liveness: Liveness,
  { wait, signOfLife }: LockOptions,
): RethinkError {
  const sign = signOfLife?.() ?? null;
  const last = sign === null ? '' : ` (last sign of life ${ago(sign)})`;
  const unseen = `That process can't be seen from here. If it is gone, remove ${lockFolder(directory)} and try again.`;
  const isWatched = wait !== 'never' && (holder.beats || sign !== null);
  return new RethinkError('busy', `${directory} is in use by ${toldProcess(holder)}${last}.`, {
    hint: liveness === 'alive' || isWatched ? 'Wait for it to end, or stop it.' : unseen,
  });
}

function lost(directory: string): RethinkError {
  let by = 'its lock is gone';
  quietly(() => {
    const holder = holderOf(directory);
    if (holder !== null) by = `${toldProcess(holder)} has taken it over`;
  });
  return new RethinkError('lost', `${directory} no longer belongs to this process: ${by}.`, {
    hint: 'This process gave no sign of life for too long, or the folder was moved; what it wrote before is in the run.',
  });
}

function unusable(directory: string): RethinkError {
  const folder = lockFolder(directory);
  return new RethinkError('failed', `${folder} holds something that is not a lock.`, {
    hint: `If no process uses ${directory}, remove ${folder} and try again.`,
  });
}
