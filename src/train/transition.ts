import { correctionOf } from '../config/loss.js';
import type { Config } from '../config/resolve.js';
import {
  empiricalTransition,
  followsLaws,
  type Given,
  type TransitionMatrix,
  transitionMatrix,
} from '../corrupt/index.js';
import { readTransition } from '../corrupt/transition-file.js';
import type { CorruptedDataset } from '../corrupt/types.js';
import type { Images } from '../data/types.js';

/**
 * The matrix that a config names, where it does not take a training to know it; `null` where nothing is corrected or it
 * is to be estimated.
 *
 * @param given What the corruptions of the data have read.
 * @throws RethinkError (`data`) for a file that holds none.
 */
export function namedTransition(
  { loss, corruption }: Pick<Config, 'loss' | 'corruption'>,
  { info: { classes }, train }: CorruptedDataset<Images>,
  given: Given,
): TransitionMatrix | null {
  const correction = correctionOf(loss);
  if (correction === undefined || correction.transition === 'estimated') return null;
  if (correction.transition === 'file') return readTransition(correction.file!, classes.length);
  return followsLaws(corruption, classes, given)
    ? transitionMatrix(corruption, classes, given)
    : empiricalTransition(train.trueLabels, train.labels, classes.length);
}
