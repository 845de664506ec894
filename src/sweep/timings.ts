import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../config/hash.js';
import { portableConfig } from '../config/portable.js';
import type { Config } from '../config/resolve.js';
import { ensureFolder, quietly, writeFileAtomic } from '../disk/files.js';
import { readJson, toJson } from '../disk/json.js';
import { cacheRoot } from '../machine/cache-folder.js';
import { isTheoryResult, type TheoryResult } from '../results/theory.js';
import type { RunResult } from '../results/training.js';

const timingSchema = z.object({
  /** What was trained and how, without what does not change the speed. */
  kind: z.string(),
  /** What it ran on. */
  engine: z.string(),
  /** A config of the kind, as a file would say it. */
  config: z.record(z.string(), z.unknown()),
  /** Of training alone. */
  train_images_per_second: z.number().positive(),
  /** Everything else of a run, for each image evaluated: evaluation, writing, compiling. */
  other_seconds_per_image: z.number().min(0),
});
export type Timing = z.output<typeof timingSchema>;

/** Newest first; enough for every kind that somebody works with. */
const MOST_TIMINGS = 200;

/** How fast earlier runs on this machine were: kept in the cache, shared by all projects. */
export class Timings {
  constructor(private readonly path = join(cacheRoot(), 'timings.json')) {}

  /** Newest first; none where the file is missing or damaged, as it is only a help. */
  read(): Timing[] {
    let timings: Timing[] = [];
    quietly(() => {
      if (existsSync(this.path)) timings = readJson(this.path, z.array(timingSchema));
    });
    return timings;
  }

  /** Notes how fast a run was. Never fails: a run must not end badly for the sake of a guess at the next one. */
  note(config: Config, result: RunResult | TheoryResult): void {
    const timing = isTheoryResult(result) ? undefined : timingOf(config, result);
    if (timing === undefined) return;
    const others = this.read().filter(({ kind }) => kind !== timing.kind);
    quietly(() => {
      ensureFolder(join(this.path, '..'));
      writeFileAtomic(this.path, toJson([timing, ...others].slice(0, MOST_TIMINGS)));
    });
  }
}

/** What decides how long an image takes. */
export function kindOf(config: Config): { kind: string; engine: string } {
  const { model, data, train, regularization } = config;
  const { device: _device, ...engine } = config.engine;
  const shape = { name: data.name, size: data.size, crop: data.crop };
  const kind = { model, shape, batchSize: train.batchSize, regularization, engine };
  return { kind: canonicalJson(kind), engine: canonicalJson(engine) };
}

function timingOf(config: Config, result: RunResult): Timing | undefined {
  // A resumed run's seconds are those of all its sessions, and so are its epochs.
  const { epochs, seconds } = result;
  const { steps_per_epoch, batch_size } = result.schedule ?? {};
  const { train, test } = result.data ?? {};
  const rate = result.last?.images_per_second ?? 0;
  if (!epochs || seconds === undefined || !(rate > 0)) return undefined;
  if (!steps_per_epoch || !batch_size || train === undefined || test === undefined)
    return undefined;
  const trained = epochs * steps_per_epoch * batch_size;
  const evaluations = Math.max(1, Math.floor(epochs / config.train.evaluateEvery));
  const other = Math.max(0, seconds - trained / rate);
  return {
    ...kindOf(config),
    config: portableConfig(config),
    train_images_per_second: rate,
    other_seconds_per_image: other / (evaluations * (train + test)),
  };
}
