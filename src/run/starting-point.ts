import { CHANGEABLE_ON_RESUME, canonicalJson, configHash, resumeHash } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import { sha256 } from '../disk/digest.js';
import type { HostState } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { type CheckpointMeta, loadCheckpoint, type StoredMeta } from '../record/checkpoint.js';
import type { RunDirectory } from '../record/run-directory.js';
import { isTheoryResult, type TheoryResult } from '../results/theory.js';
import { noProgress, type Progress, type RunResult } from '../results/training.js';
import type { Prepared } from '../setup/training.js';
import { initialState } from '../train/init.js';
import { version } from '../version.js';
import { checkProgress, type Schedule } from './position.js';

/** State and position that a run starts or goes on from. */
export interface Start {
  state: HostState;
  progress: Progress;
}

/** Where every new run starts. */
export function beginning(config: Config, { model }: Prepared): Start {
  return { state: initialState(model, config.seeds.init), progress: noProgress() };
}

/**
 * Where a run directory's last checkpoint was taken, with the rows past it cut; the beginning where it has none.
 *
 * @throws RethinkError (`data`) where config, data or corruption are not those of the checkpoint, or it or a table is
 * damaged; every file is as it was then.
 */
export function startingPoint(
  config: Config,
  prepared: Prepared,
  directory: RunDirectory,
  note: (message: string) => void,
): Start {
  const path = directory.lastCheckpoint;
  if (path === null) {
    note('No checkpoint yet: the run starts over.');
    directory.cutAfter({ epoch: 0, step: 0, last: null });
    return beginning(config, prepared);
  }
  const { checkpoint, meta } = loadCheckpoint(path, prepared.program.state, note);
  checkUnchanged(directory.path, meta, checkpointMeta(config, prepared));
  checkProgress(checkpoint.progress, scheduleOf(config, prepared), path);
  if (meta.configHash !== configHash(config)) {
    note(
      'The config has other epochs, engine threads or data.memory than when the checkpoint was written: the run goes on with these.',
    );
  }
  for (const lost of directory.cutAfter(checkpoint.progress)) note(lost);
  return checkpoint;
}

/** How far the run goes that a config asks for. */
export function scheduleOf({ train }: Config, { batches }: Prepared): Schedule {
  return { stepsPerEpoch: batches.stepsPerEpoch, epochs: train.epochs };
}

/** @throws RethinkError (`data`) where a resumed run would not be the one that wrote the checkpoint. */
function checkUnchanged(path: string, then: StoredMeta, now: CheckpointMeta): void {
  const checks = [
    // Files of early versions know only the hash of the whole config.
    [then.resumeHash === undefined ? 'configHash' : 'resumeHash', 'config'],
    ['dataHash', 'data'],
    ['corruptionHash', 'corruption'],
  ] as const;
  for (const [key, what] of checks) {
    if (then[key] === now[key]) continue;
    const digits = (meta: StoredMeta) => meta[key]?.slice(0, 8);
    const hint =
      what === 'config'
        ? `Bring back what was changed in config.json; only these may change: ${CHANGEABLE_ON_RESUME.join(', ')}.`
        : 'Start a new run, or bring back what was changed.';
    throw new RethinkError(
      'data',
      `${path} can't be resumed: its ${what} is not the one it was started with (${digits(then)}, now ${digits(now)}).`,
      { hint },
    );
  }
}

/** A run that used up its epochs is not finished where its config has been given more of them since. */
export function isFinished(done: RunResult | TheoryResult, config: Config): boolean {
  if (isTheoryResult(done)) return true;
  if (done.outcome === 'finished')
    return (done.epochs ?? config.train.epochs) >= config.train.epochs;
  return done.outcome !== 'interrupted';
}

/** What a checkpoint must agree with to be resumed. */
export function checkpointMeta(config: Config, prepared: Prepared): CheckpointMeta {
  const { train, test } = prepared.corruption;
  return {
    configHash: configHash(config),
    resumeHash: resumeHash(config),
    dataHash: prepared.dataHash,
    corruptionHash: sha256(canonicalJson({ train, test })),
    version,
    seeds: config.seeds,
  };
}
