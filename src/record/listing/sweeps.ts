import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../disk/json.js';
import { refuseLink } from '../../disk/own-file.js';
import { isThere } from '../../disk/reading.js';
import { readOr } from '../../errors.js';

/** What of a folder says that it is a sweep's, and what its trials are. */
export const SWEEP_FILE = 'sweep.json';

/** Whether a folder is one that a sweep was started in. */
export function isSweepDirectory(path: string): boolean {
  return isThere(join(path, SWEEP_FILE));
}

/** A trial as `sweep.json` tells of it, far from all that is there. */
const trialSchema = z.looseObject({
  id: z.string(),
  label: z.string(),
  config_hash: z.string(),
  overrides: z.record(z.string(), z.unknown()),
  config: z.looseObject({ name: z.string() }),
});
const sweepSchema = z.looseObject({ trials: z.array(trialSchema) });

export interface FoundTrial {
  id: string;
  label: string;
  /** What the sweep sets, by key path. */
  overrides: Record<string, unknown>;
  /** The folder that its runs lie in, absolute. */
  folder: string;
}

/** A sweep as its folder tells of it, without a look at its runs. */
export interface FoundSweep {
  /** Absolute. */
  path: string;
  name: string;
  /** In their order; none where `sweep.json` is damaged. */
  trials: FoundTrial[];
  /** A sentence then. */
  problem: string | null;
}

/** Reads what a folder says of its sweep. What is damaged is told, not thrown. */
export function readFoundSweep(directory: string): FoundSweep {
  const path = resolve(directory);
  let problem: string | null = null;
  const read = () => {
    const file = join(path, SWEEP_FILE);
    refuseLink(file);
    return readJson(file, sweepSchema).trials;
  };
  const trials = readOr(read, [], (message) => {
    problem = message;
  }).map(({ config_hash, label, overrides, config }) => ({
    id: config_hash.slice(0, 8),
    label,
    overrides,
    folder: join(dirname(path), config.name),
  }));
  return { path, name: basename(path), trials, problem };
}

/** A sweep with the run of each trial: what is not begun has none. */
export interface SweepProgress<Run> extends FoundSweep {
  runs: (Run | null)[];
}

/**
 * The runs of sweeps among those that were found: of a trial a finished one before any other, else the newest.
 *
 * @returns The sweeps, and the runs that are no trial's, or an earlier attempt at one.
 */
export function runsOfSweeps<Run extends { path: string; state: string }>(
  sweeps: readonly FoundSweep[],
  runs: readonly Run[],
): { sweeps: SweepProgress<Run>[]; others: Run[] } {
  const byTrial = new Map<string, Run[]>();
  for (const run of runs) {
    const [, hash] = /-([0-9a-f]{8})(?:-\d+)?$/.exec(basename(run.path)) ?? [];
    if (hash === undefined) continue;
    const key = join(dirname(run.path), hash);
    const known = byTrial.get(key);
    if (known === undefined) byTrial.set(key, [run]);
    else known.push(run);
  }
  const taken = new Set<Run>();
  const progress = sweeps.map((sweep) => ({
    ...sweep,
    runs: sweep.trials.map(({ folder, id }) => {
      const found = byTrial.get(join(folder, id)) ?? [];
      const run = found.findLast(({ state }) => state === 'finished') ?? found.at(-1) ?? null;
      if (run !== null) taken.add(run);
      return run;
    }),
  }));
  return { sweeps: progress, others: runs.filter((run) => !taken.has(run)) };
}
