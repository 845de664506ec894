import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type Experiment, loadExperiment, type Trial } from '../config/experiment.js';
import type { ConfigExtension } from '../config/file/load.js';
import { configHash } from '../config/hash.js';
import { withMembers } from '../config/members.js';
import { type Origin, startedHere } from '../config/places.js';
import { portableConfig } from '../config/portable.js';
import { type Confirm, ensureFolder, writeFileAtomic } from '../disk/files.js';
import { readJson, toJson } from '../disk/json.js';
import { Lock, type LockOptions } from '../disk/lock.js';
import { refuseLink } from '../disk/own-file.js';
import { RethinkError } from '../errors.js';
import { SWEEP_FILE } from '../record/listing/sweeps.js';
import { originSchema } from '../record/run-directory.js';
import { tableAsCsv, tableAsJson } from './table.js';
import type { TrialRecord } from './types.js';

/** A sweep, complete: what `resume` needs to go on without the file it came from. */
export interface SweepDefinition {
  name: string;
  source: { text: string; extension: ConfigExtension };
  trials: Trial[];
  /** Where it was started, and what has been moved since; default: here. */
  origin?: Origin | undefined;
}

const definitionSchema = z.looseObject({
  name: z.string(),
  origin: originSchema.optional(),
  source: z.object({ text: z.string(), extension: z.enum(['yaml', 'yml', 'json']) }),
  trials: z
    .array(
      z.object({
        id: z.string(),
        config_hash: z.string(),
        label: z.string(),
        overrides: z.record(z.string(), z.unknown()),
        config: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1),
});

/** What is written of all trials. */
export const TABLES = { csv: 'trials.csv', json: 'trials.json' };
const FILES = [SWEEP_FILE, ...Object.values(TABLES)];

/** What a sweep is called: the folder under the root, whatever its trials call themselves. */
export function sweepName({ base, trials }: Pick<Experiment, 'base' | 'trials'>): string {
  return base?.name ?? trials[0]!.config.name;
}

/** The sweep of an experiment: complete, and apart from the file it came from. */
export function sweepOf({ source, trials, base }: Experiment): SweepDefinition {
  const { text, extension } = source;
  const all = withMembers(trials);
  return { name: sweepName({ base, trials }), source: { text, extension }, trials: all };
}

/** The folder of a sweep, `<root>/<name>/`. Any number of processes may work in it: each file is held while it is written. */
export class SweepDirectory {
  private constructor(
    /** Absolute. */
    readonly path: string,
    private readonly options: Pick<LockOptions, 'signal' | 'onWait'>,
  ) {}

  /**
   * @throws RethinkError: `failed` where the disk refuses, `data` where a file of a sweep is a symbolic link.
   */
  static open(path: string, options: Pick<LockOptions, 'signal' | 'onWait'> = {}): SweepDirectory {
    const directory = resolve(path);
    ensureFolder(directory);
    for (const name of FILES) refuseLink(join(directory, name));
    return new SweepDirectory(directory, options);
  }

  /** Writes `sweep.json`: the source and every trial. @throws RethinkError as `Lock.acquire`. */
  async writeDefinition({
    name,
    source,
    trials,
    origin = startedHere(),
  }: SweepDefinition): Promise<void> {
    const definition = {
      name,
      origin,
      source: { text: source.text, extension: source.extension },
      trials: trials.map(({ id, label, overrides, config }) => ({
        id,
        config_hash: configHash(config),
        label,
        overrides,
        config: portableConfig(config),
      })),
    };
    await this.hold(async (confirm) =>
      this.write(SWEEP_FILE, `${toJson(definition, 2)}\n`, confirm),
    );
  }

  /**
   * Writes `trials.csv` and `trials.json`: all trials as far as they are.
   *
   * @param look Called when nobody else writes them, so that none of two processes leaves out what the other knew.
   */
  async writeTable(look: () => Promise<readonly TrialRecord[]>): Promise<void> {
    await this.hold(async (confirm) => {
      const records = await look();
      this.write(TABLES.csv, tableAsCsv(records, this.path), confirm);
      this.write(TABLES.json, tableAsJson(records, this.path), confirm);
    });
  }

  private write(name: string, text: string, confirm: Confirm): void {
    writeFileAtomic(join(this.path, name), text, 'run', confirm);
  }

  private async hold(use: (confirm: Confirm) => Promise<void>): Promise<void> {
    const lock = await Lock.acquire(this.path, { ...this.options, wait: 'free' });
    try {
      await use(() => lock.confirm());
    } finally {
      lock.release();
    }
  }
}

/**
 * Reads `sweep.json` back.
 *
 * @throws RethinkError (`data`) where it is damaged, or this version makes other runs of its configs.
 */
export async function readSweep(directory: string): Promise<SweepDefinition> {
  const path = join(resolve(directory), SWEEP_FILE);
  const { name, source, trials, origin } = readJson(path, definitionSchema);
  const read: Trial[] = [];
  for (const { id, label, overrides, config_hash, config } of trials) {
    const loaded = (await loadExperiment(config)).trials[0]!.config;
    if (configHash(loaded) !== config_hash) {
      throw new RethinkError(
        'data',
        `${path} is damaged: trial ${id} is not of the config it holds.`,
        {
          hint: 'Run the sweep again from its config file.',
        },
      );
    }
    read.push({ id, label, overrides, config: loaded });
  }
  return { name, source, trials: read, origin };
}
