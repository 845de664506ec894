import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Origin } from '../config/places.js';
import { diskError } from '../disk/errors.js';
import { ensureFolder, isTemporaryName, writeFileAtomic } from '../disk/files.js';
import { readJson, toJson } from '../disk/json.js';
import { Lock, type LockOptions } from '../disk/lock.js';
import { refuseLink } from '../disk/own-file.js';
import { isThere } from '../disk/reading.js';
import { RethinkError, readOr } from '../errors.js';
import type { Findings, TheoryConditions } from '../results/findings.js';
import { type Predictions, predictions } from '../results/predictions.js';
import { writtenTheory } from '../results/theory.js';
import { type WrittenResult, writtenResult } from '../results/training.js';
import type { Recorder } from '../train/types.js';
import { checkpointPath } from './checkpoint.js';
import { type CutPoint, cutRecord, renewRecord } from './cut.js';
import { publishRun, type RunDirectoryStart } from './publish.js';
import { DirectoryRecorder, type RecorderOptions } from './recorder.js';
import { predictionsPath } from './runs.js';
import { Heartbeat, type RunState, readStatus } from './status.js';

/** What a resumed run must do again as the first session did. */
interface ReadAgain {
  /** Which images of the user's own the run has, and whether they are streamed. */
  data: { streamed: boolean };
  /** How labels change, where the loss is corrected for it. */
  transition: number[][];
}
const READ_AGAIN: { [Name in keyof ReadAgain]: z.ZodType<ReadAgain[Name]> } = {
  data: z.looseObject({ streamed: z.boolean() }),
  transition: z.array(z.array(z.number())),
};

/** An `Origin` as it is stored. */
export const originSchema = z.object({
  folder: z.string(),
  moved: z.record(z.string(), z.object({ from: z.string().nullable(), to: z.string() })),
});
const storedOrigin = originSchema.extend({
  /** As the run was started with it. */
  config: z.record(z.string(), z.unknown()).optional(),
});
export type StoredOrigin = z.output<typeof storedOrigin>;

/** As `RunDirectory.readOrigin`, of a run that somebody else may hold. */
export function readOrigin(directory: string): StoredOrigin | null {
  const path = join(directory, 'origin.json');
  return isThere(path) ? readJson(path, storedOrigin) : null;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The directory of one run, held by this process alone until `close`.
 *
 * Created whole or not at all: at every instant it is a run that can be resumed.
 */
export class RunDirectory {
  private heartbeat: Heartbeat | null;

  private constructor(
    /** Absolute. */
    readonly path: string,
    private readonly lock: Lock,
    position: { epoch: number; step: number },
  ) {
    this.heartbeat = new Heartbeat(path, position, () => lock.confirm());
  }

  /**
   * Makes `<root>/<name>/<UTC time>-<first 8 of the hash>/`, with a suffix where that exists already.
   *
   * @throws RethinkError (`failed`) naming the path where the disk refuses; at most a run that can be
   * resumed is left behind then.
   */
  static create(
    root: string,
    name: string,
    configHash: string,
    start: RunDirectoryStart,
  ): RunDirectory {
    if (!NAME.test(name)) {
      throw new RethinkError('usage', `${JSON.stringify(name)} can't be the name of a run.`, {
        hint: 'Letters, digits, ".", "_" and "-" are allowed.',
      });
    }
    const parent = join(resolve(root), name);
    const stamp = (start.now ?? new Date()).toISOString().replace(/[-:]|\.\d+/g, '');
    const wanted = join(parent, `${stamp}-${configHash.slice(0, 8)}`);
    const { path, lock } = publishRun(wanted, start);
    return new RunDirectory(path, lock, { epoch: 0, step: 0 });
  }

  /**
   * Takes a run directory to go on with it.
   *
   * @param options What to do where another process holds it.
   * @throws RethinkError: `data` where it is no run directory; `busy` where another process has it; `failed` where the disk
   * refuses.
   */
  static async open(path: string, options: Omit<LockOptions, 'signOfLife'> = {}) {
    const directory = resolve(path);
    if (!isThere(join(directory, 'config.json'))) {
      const hint = 'Run directories look like results/<name>/20261124T101530Z-1a2b3c4d.';
      const what = `${directory} is not a run directory: it has no config.json.`;
      throw new RethinkError('data', what, { hint });
    }
    refuseLinks(directory);
    // One that is damaged is written anew in a moment; nothing else depends on it.
    const status = () => readOr(() => readStatus(directory), null);
    const signOfLife = () => status()?.heartbeat ?? null;
    const lock = await Lock.acquire(directory, { ...options, signOfLife });
    try {
      removeLeftovers(directory);
      ensureFolder(join(directory, 'checkpoints'));
      const seen = status();
      // Whoever had it and came to no end may only have been stopped for a while, elsewhere.
      const mayWakeUp = (seen?.state ?? 'running') === 'running' && lock.predecessor !== 'dead';
      if (mayWakeUp) renewRecord(directory, () => lock.confirm());
      const position = { epoch: seen?.epoch ?? 0, step: seen?.step ?? 0 };
      const run = new RunDirectory(directory, lock, position);
      run.heartbeat?.write('running', null);
      return run;
    } catch (error) {
      lock.release();
      throw diskError(error, 'open', directory);
    }
  }

  /** @throws RethinkError (`lost`) where another process has the run by now. */
  confirm(): void {
    this.lock.confirm();
  }

  /** The checkpoint to go on from; `null` where the run has none yet. */
  get lastCheckpoint(): string | null {
    const path = checkpointPath(join(this.path, 'checkpoints'), 'last');
    return isThere(path) ? path : null;
  }

  /**
   * `origin.json`; `null` where there is none: of an earlier version.
   *
   * @throws RethinkError (`data`) where it is damaged.
   */
  readOrigin(): StoredOrigin | null {
    return readOrigin(this.path);
  }

  /** Remembers where the run's data lies now. */
  writeOrigin(origin: Origin): void {
    this.writeJson('origin.json', { ...this.readOrigin(), ...origin });
  }

  /** Writes one of the files that say what a run was made with. */
  write(name: 'environment' | 'corruption' | keyof ReadAgain, content: object): void {
    this.writeJson(`${name}.json`, content);
  }

  /**
   * What was written before; `null` where there is none.
   *
   * @throws RethinkError (`data`) where it is damaged.
   */
  read<Name extends keyof ReadAgain>(name: Name): ReadAgain[Name] | null {
    const path = join(this.path, `${name}.json`);
    return isThere(path) ? readJson(path, READ_AGAIN[name]) : null;
  }

  /** The engine in `environment.json`, as whatever version wrote it; `null` where none can be read: it is written anew. */
  readEngine(): Record<string, unknown> | null {
    const path = join(this.path, 'environment.json');
    if (!existsSync(path)) return null;
    const read = () => readJson(path, z.looseObject({ engine: z.looseObject({}) })).engine;
    return readOr(read, null);
  }

  /** @throws TypeError where a key is unknown or missing: a bug. */
  writeResult(result: WrittenResult | (TheoryConditions & Findings)): void {
    const isTheory = 'experiment' in result;
    this.writeJson('result.json', isTheory ? writtenTheory(result) : writtenResult(result));
  }

  /** @throws TypeError where a key is unknown or missing: a bug. */
  writePredictions(content: Predictions): void {
    const text = `${toJson(predictions.written(content))}\n`;
    writeFileAtomic(predictionsPath(this.path), text, 'run', () => this.confirm());
  }

  /**
   * Cuts everything past a checkpoint before the run goes on from it; `START` where it starts over.
   *
   * @returns sentences about rows that were lost, for the person.
   * @throws RethinkError as `cutRecord`.
   */
  cutAfter(point: CutPoint): string[] {
    const notes = cutRecord(this.path, point, () => this.confirm());
    this.heartbeat?.moveTo(point);
    return notes;
  }

  /** Removes the checkpoints of a run that has ended and whose weights nobody needs. @throws RethinkError where the disk refuses. */
  forgetCheckpoints(): void {
    this.confirm();
    for (const kind of ['best', 'last'] as const) {
      const path = checkpointPath(join(this.path, 'checkpoints'), kind);
      try {
        rmSync(path, { force: true });
      } catch (error) {
        throw diskError(error, 'cut', path);
      }
    }
  }

  /** What the training loop writes through. */
  recorder(options: RecorderOptions): Recorder {
    if (this.heartbeat === null) throw new TypeError(`${this.path} is closed`);
    return new DirectoryRecorder(this.path, this.heartbeat, options, () => this.confirm());
  }

  /**
   * Says how the run ended and gives the directory back. Safe to call twice: the first word counts.
   *
   * @throws RethinkError (`failed`) where the disk refuses the last word, but for a run that failed anyway.
   */
  close(state: Exclude<RunState, 'running'>, reason: string | null = null): void {
    const { heartbeat } = this;
    if (heartbeat === null) return;
    this.heartbeat = null;
    heartbeat.stop();
    try {
      heartbeat.write(state, reason);
    } catch (error) {
      // The error that ended the run is the one to tell; most likely it is this very disk, or that the run is another's.
      if (state !== 'failed') throw error;
    } finally {
      this.lock.release();
    }
  }

  private writeJson(name: string, content: object): void {
    writeFileAtomic(join(this.path, name), `${toJson(content, 2)}\n`, 'run', () => this.confirm());
  }
}

/** The cut point of a run that starts over. */
export const START: CutPoint = { epoch: 0, step: 0, last: null };

/** Of a run directory, the folders whose files are opened by what they are called. */
const FOLDERS = ['checkpoints', 'examples', 'tensorboard', 'lock'];

/** A run directory from a stranger must not lead what is read, written or tidied up to somewhere else. */
function refuseLinks(directory: string): void {
  for (const folder of [directory, ...FOLDERS.map((name) => join(directory, name))]) {
    try {
      const names = existsSync(folder) ? readdirSync(folder) : [];
      for (const name of names) refuseLink(join(folder, name));
    } catch (error) {
      throw diskError(error, 'read', folder);
    }
  }
}

/** What a killed process left: temporary files, and locks it was about to take. */
function removeLeftovers(directory: string): void {
  const HOUR = 3_600_000;
  for (const folder of ['.', 'checkpoints', 'examples'].map((name) => join(directory, name))) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const path = join(folder, name);
      // A young one may be of a process that tries to take the lock right now.
      const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
      const oldLock = /^\.lock[-.]/.test(name) && Date.now() - made > HOUR;
      if (isTemporaryName(name) || oldLock) rmSync(path, { recursive: true, force: true });
    }
  }
}
