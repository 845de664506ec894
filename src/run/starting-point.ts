import { loadExperiment } from '../config/experiment.js';
import {
  canonicalJson,
  changeableIn,
  configHash,
  resumeHash,
  resumeHashWithPaths,
} from '../config/hash.js';
import { placesOf, withPlaces } from '../config/places.js';
import { showValue } from '../config/problems.js';
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
export function beginning({ seeds }: Config, { model, program }: Prepared): Start {
  return { state: initialState(model, seeds.init, program.state), progress: noProgress() };
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
  checkUnchanged(directory.path, config, meta, checkpointMeta(config, prepared));
  checkProgress(checkpoint.progress, scheduleOf(config, prepared), path);
  if (meta.configHash !== configHash(config)) {
    note(
      'The config has other epochs, engine threads, data.memory or paths than when the checkpoint was written: the run goes on with these.',
    );
  }
  for (const lost of directory.cutAfter(checkpoint.progress)) note(lost);
  return checkpoint;
}

/** How far the run goes that a config asks for. */
export function scheduleOf({ train }: Config, { batches }: Prepared): Schedule {
  return { stepsPerEpoch: batches.stepsPerEpoch, epochs: train.epochs };
}

/**
 * Looks whether the config of a run that has a checkpoint is still the one it was started with.
 *
 * @param then That one, where the run directory holds it.
 * @throws RethinkError (`data`) naming the keys that were changed.
 */
export async function checkSameConfig(
  directory: RunDirectory,
  config: Config,
  then: object | undefined,
): Promise<void> {
  if (then === undefined || directory.lastCheckpoint === null) return;
  const before = (await loadExperiment(then)).trials[0]!.config;
  if (resumeHash(before) === resumeHash(config)) return;
  const changes = changesOf(withPlaces(before, placesOf(config)), config).filter(
    ({ key }) => !changeableIn(config).some((may) => key === may || key.startsWith(`${may}.`)),
  );
  const told = changes.map(
    ({ key, was, is }) => `${key} was ${showValue(was)}, is ${showValue(is)}`,
  );
  throw new RethinkError(
    'data',
    `${directory.path} can't be resumed: its config is not the one it was started with (${told.join('; ')}).`,
    { hint: onlyThese(config) },
  );
}

/** The keys in which two values differ, as deep as they are mappings. */
function changesOf(
  was: unknown,
  is: unknown,
  key = '',
): { key: string; was: unknown; is: unknown }[] {
  const isMapping = (value: unknown) => typeof value === 'object' && value !== null;
  if (isMapping(was) && isMapping(is)) {
    const [before, now] = [was, is] as Record<string, unknown>[];
    const keys = [...new Set([...Object.keys(before!), ...Object.keys(now!)])];
    return keys.flatMap((k) => changesOf(before![k], now![k], key === '' ? k : `${key}.${k}`));
  }
  return canonicalJson([was]) === canonicalJson([is]) ? [] : [{ key, was, is }];
}

function onlyThese(config: Config): string {
  return `Bring back what was changed in config.json; only these may change: ${changeableIn(config).join(', ')}, and where its data lies (data.dir, corruption.file, loss.file).`;
}

/** @throws RethinkError (`data`) where a resumed run would not be the one that wrote the checkpoint. */
function checkUnchanged(path: string, config: Config, then: StoredMeta, now: CheckpointMeta): void {
  const checks = [
    // Files of early versions know only the hash of the whole config.
    [then.resumeHash === undefined ? 'configHash' : 'resumeHash', 'config'],
    ['dataHash', 'data'],
    ['corruptionHash', 'corruption'],
  ] as const;
  for (const [key, what] of checks) {
    if (then[key] === now[key]) continue;
    if (key === 'resumeHash' && then[key] === resumeHashWithPaths(config)) continue;
    const digits = (meta: StoredMeta) => meta[key]?.slice(0, 8);
    const hint =
      what === 'config' ? onlyThese(config) : 'Start a new run, or bring back what was changed.';
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
