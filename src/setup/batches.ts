import type { TrainBatches } from '../batches/batches.js';
import type { ExtraName } from '../batches/extras.js';
import { openBatches, type StreamedBatches } from '../batches/open-batches.js';
import type { Config } from '../config/resolve.js';
import type { Images } from '../data/types.js';
import type { Model } from '../models/types.js';
import { deriveSeed } from '../random.js';
import type { PreparedData } from './data.js';

/**
 * The mini-batches that a training takes of its data.
 *
 * @param given What of a step images don't depend on: masks of the network, for dropout, and extras of the program.
 * @throws RethinkError: `data` for an empty training set, `usage` where the crop is larger than the images.
 */
export function trainBatches(
  { seeds, train, regularization, memorization }: Config,
  { info, data, crop }: Pick<PreparedData<Images>, 'info' | 'data' | 'crop'>,
  { masks = [], extras = [] }: { masks?: Model['masks']; extras?: readonly ExtraName[] } = {},
): TrainBatches | StreamedBatches {
  const member = memorization?.member;
  return openBatches({
    examples: data.train,
    size: info,
    batchSize: train.batchSize,
    crop,
    augment: regularization.augment,
    masks,
    dropout: regularization.dropout,
    extras,
    mixup: regularization.mixup ?? 0,
    // Members have orders of their own.
    seed: member === undefined ? seeds.data : deriveSeed(seeds.data, `member/${member}`),
  });
}
