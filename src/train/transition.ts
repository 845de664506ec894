import { correctionOf } from '../config/loss.js';
import type { Config } from '../config/resolve.js';
import {
  empiricalTransition,
  followsLaws,
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
 * @throws RethinkError (`data`) for a file that holds none.
 */
export function namedTransition(
  { loss, corruption }: Pick<Config, 'loss' | 'corruption'>,
  { info, train }: CorruptedDataset<Images>,
): TransitionMatrix | null {
  const classes = info.classes.length;
  const correction = correctionOf(loss);
  if (correction === undefined || correction.transition === 'estimated') return null;
  if (correction.transition === 'file') return readTransition(correction.file!, classes);
  return followsLaws(corruption)
    ? transitionMatrix(corruption, classes)
    : empiricalTransition(train.trueLabels, train.labels, classes);
}
