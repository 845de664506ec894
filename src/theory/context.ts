import { setImmediate } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs-core';
import type { Config } from '../config/resolve.js';
import type { TheoryConfig } from '../config/theory.js';
import type { Images } from '../data/types.js';
import type { Confirm } from '../disk/files.js';
import type { HostTensor } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import type { Preparing } from '../progress.js';
import type { PreparedData } from '../setup/data.js';
import type { RunOptions } from '../setup/options.js';

/** Often enough for a bar and for Ctrl-C, seldom enough to cost nothing. */
const TURNS = 200;

/** What an experiment of the theory works with. */
export interface TheoryContext<I extends Images = Uint8Array> {
  config: Config;
  theory: TheoryConfig;
  prepared: PreparedData<I>;
  /** The run directory, for tables. */
  runDir: string;
  /** Throws where the run directory is another process's by now: before each row. */
  confirm?: Confirm | undefined;
  options: RunOptions;
}

/** Makes features, [batch, …], of images, [batch, height, width, channels] in 0…1: a pure function of them and weights. */
export interface FeatureLayer {
  weights: HostTensor[];
  apply(images: tf.Tensor4D, ...weights: tf.Tensor4D[]): tf.Tensor;
  /** How many there are at each place. */
  filters: number;
}

/**
 * Says how far a long computation is, lets signals come through, and ends it where somebody asked for that. Does
 * something only every half percent of the way.
 *
 * @throws RethinkError (`interrupted`).
 */
export async function breathe(
  { options }: Pick<TheoryContext, 'options'>,
  what: string,
  done: number,
  total: number,
  unit: Preparing['unit'] = 'images',
): Promise<void> {
  const every = Math.max(1, Math.floor(total / TURNS));
  if (done % every !== 0 && done !== total) return;
  options.events?.preparing?.({ what, done, total, unit });
  await setImmediate();
  if (options.signal?.aborted) throw new RethinkError('interrupted', `Interrupted while ${what}.`);
}
