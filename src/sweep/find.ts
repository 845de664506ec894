import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Trial } from '../config/experiment.js';
import { configHash } from '../config/hash.js';
import { again } from '../disk/again.js';
import { readClaim } from '../disk/claim.js';
import { diskError, errorCode } from '../disk/errors.js';
import { refuseLink } from '../disk/own-file.js';
import { isThere } from '../disk/reading.js';
import { type ErrorReport, tolerate } from '../errors.js';
import { findRuns, readConfig } from '../record/runs.js';
import type { RunStatus } from '../record/status.js';
import type { FinishedRun } from '../setup/options.js';

/** An earlier run of a trial: to be taken as it is, to be gone on with, or one that failed. */
export type EarlierRun =
  | { found: 'finished'; run: FinishedRun }
  | { found: 'resumable'; runDir: string }
  | {
      found: 'failed';
      runDir: string;
      error: ErrorReport;
      /** Whether it can be gone on with: it failed after its first checkpoint. */
      resumable: boolean;
      /** Tells this failure from a later one of the same run. */
      id: string;
    };

type Identified = Pick<Trial, 'config'>;

/** In a run's parent folder: what is claimed, a folder for each trial. */
const CLAIMS = '.claims';
const CLAIM = /^run-[1-9]\d{0,5}\.json$/;

/** The folder that stands for a trial, on all machines: it holds the trial's lock and its claims. */
export function claimFolder(root: string, { config }: Identified): string {
  return join(resolve(root), config.name, CLAIMS, configHash(config));
}

/** The runs that a trial's claims name, oldest first. */
export function claimsOf(folder: string): { path: string; name: string }[] {
  refuseLink(join(folder, '..'));
  refuseLink(folder);
  const number = (file: string) => Number(/\d+/.exec(file)![0]);
  return namesIn(folder)
    .filter((file) => CLAIM.test(file))
    .sort((a, b) => number(a) - number(b))
    .map((file) => join(folder, file))
    .map((path) => ({ path, name: readClaim(path) }));
}

/** What lies under a root: each folder is read once, however many trials are looked for. */
export class RunListing {
  private readonly folders = new Map<string, Map<string, string[]>>();

  constructor(private readonly root: string) {}

  /** Run directories of a trial: those with the first digits of its hash in their names, and those that are claimed. */
  runsOf(trial: Identified): string[] {
    const folder = join(resolve(this.root), trial.config.name);
    const hash = configHash(trial.config);
    const named = this.named(folder).get(hash.slice(0, 8)) ?? [];
    const claimed = this.isClaimed(trial)
      ? claimsOf(claimFolder(this.root, trial)).map(({ name }) => name)
      : [];
    const paths = [...new Set([...named, ...claimed])].map((name) => join(folder, name));
    const there = paths.filter(isThere);
    // What is resumed is written to, and a link would lead that to somewhere else.
    for (const path of there) refuseLink(path);
    return there;
  }

  /** Whether any process has ever run the trial, or does so now. */
  isClaimed(trial: Identified): boolean {
    const folder = join(resolve(this.root), trial.config.name);
    return this.claimed(folder).has(configHash(trial.config));
  }

  private named(folder: string): Map<string, string[]> {
    return this.list(folder, (name) => /-([0-9a-f]{8})(-\d+)?$/.exec(name)?.[1]);
  }

  private claimed(folder: string): Map<string, string[]> {
    return this.list(join(folder, CLAIMS), (name) => name);
  }

  private list(folder: string, keyOf: (name: string) => string | undefined) {
    const known = this.folders.get(folder);
    if (known !== undefined) return known;
    const listed = new Map<string, string[]>();
    for (const name of namesIn(folder)) {
      const key = keyOf(name);
      if (key !== undefined) listed.set(key, [...(listed.get(key) ?? []), name]);
    }
    this.folders.set(folder, listed);
    return listed;
  }
}

/**
 * The run of a trial that lies under `<root>/<name>/` already, known by the hash of its config: a finished one before
 * any other, then the newest that can be gone on with or that failed.
 *
 * @throws RethinkError: `failed` where the folder can't be read, `data` where such a run is a symbolic link.
 */
export async function findEarlierRun(
  root: string,
  trial: Identified,
  listing = new RunListing(root),
): Promise<EarlierRun | undefined> {
  const hash = configHash(trial.config);
  const candidates = findRuns(listing.runsOf(trial)).reverse();
  let newest: EarlierRun | undefined;
  let failed: EarlierRun | undefined;
  for (const { path, result, status } of candidates) {
    if (result !== null && result.outcome !== 'interrupted') {
      if (result.config_hash === hash) return { found: 'finished', run: { result, runDir: path } };
      continue;
    }
    if (newest !== undefined || (await hashOf(path)) !== hash) continue;
    if (status?.state !== 'failed') newest = { found: 'resumable', runDir: path };
    else {
      const run = failedRun(path, status);
      if (run.resumable) newest = run;
      else failed ??= run;
    }
  }
  return newest ?? failed;
}

function failedRun(runDir: string, { reason, heartbeat }: RunStatus) {
  const message = reason ?? 'It failed, and left no word why.';
  return {
    found: 'failed' as const,
    runDir,
    error: { kind: 'failed' as const, message, hint: undefined, bug: false },
    resumable: isThere(join(runDir, 'checkpoints', 'last.safetensors')),
    id: `${runDir} ${heartbeat}`,
  };
}

function namesIn(folder: string): string[] {
  try {
    return again(() => readdirSync(folder));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw diskError(error, 'read', folder);
  }
}

async function hashOf(runDir: string): Promise<string | undefined> {
  // Damaged: it can't be gone on with, and the trial is run anew beside it.
  const config = await readConfig(runDir).catch(tolerate(() => undefined));
  return config && configHash(config);
}
