import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Lock, type LockOptions } from '../disk/lock.js';
import { refuseLink } from '../disk/own-file.js';
import { RethinkError, tolerate } from '../errors.js';
import { isSweepDirectory, readFoundSweep } from '../record/listing/sweeps.js';
import { refuseRunning, removeFolder } from '../record/remove.js';
import { findRunFolders } from '../record/runs.js';
import { readSweep, SweepDirectory, TABLES } from './directory.js';
import { recordsOf, sweepStates, type TrialState } from './launch/states.js';

/** The folder of the sweep that a run is a trial of; `null` where there is none. */
export function sweepOfRun(runDir: string): string | null {
  const folder = dirname(runDir);
  const root = dirname(folder);
  const [, hash] = /-([0-9a-f]{8})(?:-\d+)?$/.exec(basename(runDir)) ?? [];
  if (hash === undefined) return null;
  // Mostly it lies in the sweep's own folder, but a sweep may give its trials other names.
  const near = [folder, ...siblings(root)].filter(isSweepDirectory);
  const isTrial = (sweep: string) =>
    readFoundSweep(sweep).trials.some((trial) => trial.id === hash && trial.folder === folder);
  return near.find(isTrial) ?? null;
}

function siblings(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(root, name));
}

/** Writes the table of a sweep whose runs were removed, as far as it can be read; one that has none gets none. */
export async function renewTable(sweep: string): Promise<void> {
  if (!existsSync(join(sweep, TABLES.csv))) return;
  const definition = await readSweep(sweep).catch(tolerate(() => null));
  if (definition === null) return;
  await SweepDirectory.open(sweep).writeTable(async () =>
    recordsOf((await sweepStates(definition, sweep)).trials),
  );
}

const UNDER_WAY: readonly TrialState['state'][] = ['running', 'waiting'];

/** @throws RethinkError (`busy`) where a trial of a sweep runs, or waits in a queue. */
export async function refuseSweepUnderWay(sweep: string): Promise<void> {
  for (const run of findRunFolders([sweep])) refuseRunning(run);
  const definition = await readSweep(sweep).catch(tolerate(() => null));
  if (definition === null) return;
  const { trials } = await sweepStates(definition, sweep);
  const busy = trials.find(({ state }) => UNDER_WAY.includes(state));
  if (busy === undefined) return;
  throw new RethinkError(
    'busy',
    `${sweep} is left as it is: its trial ${busy.trial.label} is ${busy.state}.`,
    {
      hint: `rethink-gen cancel ${sweep} takes a submitted sweep out of the queue.`,
    },
  );
}

/**
 * Removes the folder of a sweep with all runs in it, at once, as `removeRun` does one.
 *
 * @throws RethinkError: `busy` where one of them runs or waits in a queue, `data` where it is a symbolic link, `failed`.
 */
export async function removeSweep(sweep: string, options: LockOptions = {}): Promise<void> {
  refuseLink(sweep);
  await refuseSweepUnderWay(sweep);
  const locks: Lock[] = [];
  try {
    locks.push(await Lock.acquire(sweep, options));
    for (const run of findRunFolders([sweep])) locks.push(await Lock.acquire(run, options));
    await removeFolder(sweep);
  } finally {
    for (const lock of locks) lock.release();
  }
}
