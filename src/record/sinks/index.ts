import { setTimeout as sleep } from 'node:timers/promises';
import { isHttpUrl, SINK_KINDS, type SinkKind, type TrackerKind } from '../../config/sinks.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted, type Watching } from '../../progress.js';
import { TrackerError } from './ask.js';
import { parquet, tensorboard } from './files.js';
import { TrackerSession } from './session.js';
import type { Exported, FileSink } from './types.js';

export interface ExportOptions extends Watching {
  /** MLflow's experiment or Trackio's project; default: each run's name. */
  experiment?: string | undefined;
  note?(sentence: string): void;
}

/** Writes runs as a whole to an address of one kind. */
type Sink = (
  runDirs: readonly string[],
  address: string,
  options: ExportOptions,
) => Promise<Exported[]>;

/** How runs come to each kind of sink after the fact. */
const SINKS: Record<SinkKind, Sink> = {
  mlflow: toTracker('mlflow'),
  trackio: toTracker('trackio'),
  tensorboard: toFiles(tensorboard),
  parquet: toFiles(parquet),
};

/**
 * Exports runs, each row once however often it is called.
 *
 * @param address URL of a server, folder or file: see `SINK_KINDS`.
 * @throws RethinkError: `usage` for what is no such address; `data` where a run is damaged; `busy` where another process
 * sends one of them to the same place; `failed` where the tracker can't be reached or refuses, or the disk does.
 */
export async function exportRuns(
  runDirs: readonly string[],
  to: { kind: SinkKind; address: string },
  options: ExportOptions = {},
): Promise<Exported[]> {
  const { holds, label } = SINK_KINDS[to.kind];
  if (options.experiment !== undefined && holds === null) {
    throw new RethinkError('usage', `${label} has no experiments: --experiment is for trackers.`);
  }
  return SINKS[to.kind](runDirs, to.address, options);
}

function toFiles(sink: FileSink): Sink {
  return (runDirs, address, options) => sink.write(runDirs, address, options);
}

function toTracker(kind: TrackerKind): Sink {
  return async (runDirs, url, { experiment, signal, note, onProgress }) => {
    if (!isHttpUrl(url)) {
      throw new RethinkError(
        'usage',
        `${SINK_KINDS[kind].label} is a server, and this is no URL of one.`,
        {
          hint: `It looks like http://tracker.example:5000.`,
        },
      );
    }
    const exported: Exported[] = [];
    for (const [done, runDir] of runDirs.entries()) {
      onProgress?.({ what: 'sending runs', done, total: runDirs.length, unit: 'runs' });
      const session = new TrackerSession(runDir, { kind, url, experiment }, { signal, note });
      try {
        await persistently(() => session.finish(), { signal, note });
        exported.push(session.summary());
      } finally {
        session.close();
      }
    }
    return exported;
  };
}

/** Seconds between tries. */
const PAUSES = [1, 2, 4, 8];

/** Tries again what may pass, a few times. */
async function persistently(
  work: () => Promise<void>,
  { signal, note }: Pick<ExportOptions, 'signal' | 'note'>,
): Promise<void> {
  for (const pause of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TrackerError) || !error.mayPass) throw error;
      const seconds = Math.max(pause, error.pause);
      note?.(`${error.message} Trying again in ${Math.ceil(seconds)} s.`);
      await sleep(seconds * 1000, undefined, signal && { signal }).catch(() => undefined);
      throwIfInterrupted(signal, 'sending runs');
    }
  }
  return work();
}
