import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Trial } from '../config/experiment.js';
import { configHash } from '../config/hash.js';
import { diskError } from '../disk/errors.js';
import { refuseLink } from '../disk/own-file.js';
import { tolerate } from '../errors.js';
import { findRuns, readConfig } from '../record/runs.js';
import type { FinishedRun } from '../setup/options.js';

/** An earlier run of a trial: to be taken as it is, or to be gone on with. */
export type EarlierRun =
  | { found: 'finished'; run: FinishedRun }
  | { found: 'resumable'; runDir: string };

/**
 * The run of a trial that lies under `<root>/<name>/` already, known by the hash of its config: a finished one before
 * any other, then the newest that can be gone on with. One that failed before its first checkpoint is run anew.
 *
 * @throws RethinkError: `failed` where the folder can't be read, `data` where such a run is a symbolic link.
 */
export async function findEarlierRun(
  root: string,
  { config }: Pick<Trial, 'config'>,
): Promise<EarlierRun | undefined> {
  const hash = configHash(config);
  const candidates = findRuns(directoriesOf(join(resolve(root), config.name), hash)).reverse();
  let resumable: string | undefined;
  for (const candidate of candidates) {
    const { path, result } = candidate;
    if (result !== null && result.outcome !== 'interrupted') {
      if (result.config_hash === hash) return { found: 'finished', run: { result, runDir: path } };
      continue;
    }
    const checkpoint = join(path, 'checkpoints', 'last.safetensors');
    const canBeResumed = candidate.status?.state !== 'failed' || existsSync(checkpoint);
    if (resumable !== undefined || !canBeResumed) continue;
    if ((await hashOf(path)) === hash) resumable = path;
  }
  return resumable === undefined ? undefined : { found: 'resumable', runDir: resumable };
}

/** Run directories carry the first digits of the hash in their names, so that few files need to be read. */
function directoriesOf(folder: string, hash: string): string[] {
  if (!existsSync(folder)) return [];
  const name = new RegExp(`-${hash.slice(0, 8)}(-\\d+)?$`);
  try {
    const paths = readdirSync(folder)
      .filter((entry) => name.test(entry))
      .map((entry) => join(folder, entry));
    // What is resumed is written to, and a link would lead that to somewhere else.
    for (const path of paths) refuseLink(path);
    return paths;
  } catch (error) {
    throw diskError(error, 'read', folder);
  }
}

async function hashOf(runDir: string): Promise<string | undefined> {
  // Damaged: it can't be gone on with, and the trial is run anew beside it.
  const config = await readConfig(runDir).catch(tolerate(() => undefined));
  return config && configHash(config);
}
