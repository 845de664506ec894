import { loadExperiment } from '../config/experiment.js';
import type { Config } from '../config/resolve.js';
import { describeDataset } from '../data/source.js';
import { RethinkError } from '../errors.js';
import { kindOf, type Timing } from './timings.js';

/** How long a trial takes at most. */
export interface Estimate {
  seconds: number;
  /** `same`: an earlier run of the same network here; `other`: another network's speed, by their arithmetic. */
  basis: 'same' | 'other';
}

/** Floating-point operations to train on an image; `undefined` where only the data could tell. */
export type CountFlops = (config: Config) => Promise<number | undefined>;

/**
 * How long a trial takes if it needs all its epochs, by what was measured on this machine before; `undefined` where
 * nothing was that could be compared.
 *
 * @param flops Asked only where no earlier run was of the same kind.
 */
export async function estimateTime(
  config: Config,
  timings: readonly Timing[],
  flops: CountFlops,
): Promise<Estimate | undefined> {
  const work = workOf(config);
  if (config.experiment !== 'train' || work === undefined) return undefined;
  const { kind, engine } = kindOf(config);
  const same = timings.find((timing) => timing.kind === kind);
  if (same !== undefined) return { seconds: secondsFor(work, same, 1), basis: 'same' };
  const comparable = timings.find((timing) => timing.engine === engine);
  const measured = comparable && (await configOf(comparable));
  if (comparable === undefined || measured === undefined) return undefined;
  const [mine, its] = [await flops(config), await flops(measured)];
  if (mine === undefined || its === undefined) return undefined;
  return { seconds: secondsFor(work, comparable, mine / its), basis: 'other' };
}

/** A timing may have been written by another version, whose configs this one does not take. */
async function configOf({ config }: Timing): Promise<Config | undefined> {
  try {
    return (await loadExperiment(config)).trials[0]!.config;
  } catch (error) {
    if (error instanceof RethinkError) return undefined;
    throw error;
  }
}

/** Images to be trained on and to be evaluated. */
interface Work {
  trained: number;
  evaluated: number;
}

function workOf({ data, train }: Config): Work | undefined {
  const counts = describeDataset(data)?.counts;
  if (counts === undefined) return undefined;
  const n = data.split?.train ?? Math.min(data.limit ?? counts.train, counts.train);
  const test = data.split?.test ?? Math.min(data.testLimit ?? counts.test, counts.test);
  const batch = Math.min(train.batchSize, n);
  return {
    trained: train.epochs * Math.floor(n / batch) * batch,
    evaluated: Math.ceil(train.epochs / train.evaluateEvery) * (n + test),
  };
}

function secondsFor({ trained, evaluated }: Work, timing: Timing, times: number): number {
  const { train_images_per_second: rate, other_seconds_per_image: other } = timing;
  return times * (trained / rate + evaluated * other);
}
