import { loadExperiment } from '../config/experiment.js';
import { canonicalJson } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import { describeDataset } from '../data/source.js';
import { tolerate } from '../errors.js';
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
  const secondsAt = ({ train_images_per_second: rate, other_seconds_per_image: other }: Timing) =>
    work.trained / rate + work.evaluated * other;
  const { kind, engine } = kindOf(config);
  const same = timings.find((timing) => timing.kind === kind);
  if (same !== undefined) return { seconds: secondsAt(same), basis: 'same' };
  const comparable = timings.find((timing) => timing.engine === engine);
  if (comparable === undefined) return undefined;
  // It may have been written by another version, whose configs this one does not take.
  const loaded = await loadExperiment(comparable.config).catch(tolerate(() => undefined));
  const measured = loaded?.trials[0]?.config;
  if (measured === undefined) return undefined;
  const [mine, its] = [await flops(config), await flops(measured)];
  if (mine === undefined || its === undefined) return undefined;
  return { seconds: (mine / its) * secondsAt(comparable), basis: 'other' };
}

/** `estimateTime` of many trials, which mostly share their network: its operations are counted once. */
export function estimator(
  timings: readonly Timing[],
  flops: CountFlops,
): (config: Config) => Promise<Estimate | undefined> {
  const known = new Map<string, ReturnType<CountFlops>>();
  const count: CountFlops = (config) => {
    const key = canonicalJson([config.data, config.model, config.regularization]);
    const counted = known.get(key) ?? flops(config);
    known.set(key, counted);
    return counted;
  };
  return (config) => estimateTime(config, timings, count);
}

/** Images to be trained on and to be evaluated. */
function workOf({ data, train }: Config) {
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
