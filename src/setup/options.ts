import type { ConfigExtension } from '../config/file/load.js';
import type { Move, Origin } from '../config/places.js';
import type { Config } from '../config/resolve.js';
import type { ExperimentName } from '../config/theory.js';
import type { LockWait } from '../disk/lock.js';
import type { ExperimentResult } from '../results/theory.js';
import type { CheckpointRequests } from '../train/due.js';
import type { RunEvents } from './events.js';
import type { DataShelf } from './member.js';

export interface RunOptions {
  /** What a process keeps from one member of `experiment: memorization` to the next. */
  shelf?: DataShelf | undefined;
  /** Where data sets are looked for; default: `RETHINK_GEN_DATA`, then the per-user cache. */
  dataDir?: string | undefined;
  events?: RunEvents | undefined;
  /** Aborting it ends the run after the steps under way, with a checkpoint. */
  signal?: AbortSignal | undefined;
  /** Counting it up makes the run write a checkpoint after the steps under way, and go on. */
  checkpointRequests?: CheckpointRequests | undefined;
  /** Where relative paths of the config are meant from, and what lies elsewhere now; default: as the run was started. */
  origin?: Origin | undefined;
  /** For a run that is resumed: what to do where another process holds it. Default: wait for a sign of life of one elsewhere. */
  wait?: LockWait | undefined;
  /** Other places of the same data, as `data.dir=PATH`: for a run that is resumed. */
  moves?: readonly Move[] | undefined;
  /** Of a run that is resumed: the devices it goes on with, where they aren't those of its config. */
  runsOn?: Partial<Pick<Config['engine'], 'device' | 'devices'>> | undefined;
  /** Whether other networks run in this process later: an engine's settings for the process then have to suit all. */
  othersFollow?: boolean | undefined;
}

export interface NewRunOptions extends RunOptions {
  /** Root under which run directories are made; default `results`. */
  out?: string | undefined;
  /** The config as written, kept beside the resolved one. */
  source?: { text: string; extension: ConfigExtension } | undefined;
  /** The file by which the run's directory is claimed: see `claim`. Of several processes, one makes the directory. */
  claim?: string | undefined;
}

export interface FinishedRun<E extends ExperimentName = ExperimentName> {
  result: ExperimentResult<E>;
  /** Absolute path of the run directory. */
  runDir: string;
}
