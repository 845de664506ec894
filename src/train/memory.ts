import * as tf from '@tensorflow/tfjs-core';
import type { ExtraName } from '../batches/extras.js';
import type { State, StateSpec, TrainInputs } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { grouped } from '../text.js';
import type { RememberingLoss } from './types.js';

/** What it takes of a step. */
export const MEMORY_EXTRAS = ['position'] as const satisfies ExtraName[];

/** What begins the name of a state that has a row for each training example: it is of the training alone. */
export const PER_EXAMPLE = 'example/';
const MEMORY = `${PER_EXAMPLE}target`;

/** 1 GiB of float32: it lies on the device, and in every checkpoint. */
const MOST_NUMBERS = 2 ** 28;

/**
 * What a loss remembers of all training examples, [examples, classes].
 *
 * @throws RethinkError (`usage`) where that is too much.
 */
export function memorySpec(examples: number, classes: number): StateSpec {
  if (examples * classes > MOST_NUMBERS) {
    throw new RethinkError(
      'usage',
      `This loss remembers ${grouped(classes)} numbers of each of ${grouped(examples)} training examples, more than 1 GiB.`,
      { hint: 'Use fewer examples (data.limit) or classes (data.subset), or another loss.name.' },
    );
  }
  return { name: MEMORY, shape: [examples, classes] };
}

/** The batch's part of what is remembered: what was, and how the whole is after the step. */
export function recall(
  state: State,
  { extras }: Pick<TrainInputs, 'extras'>,
  loss: RememberingLoss,
) {
  const memory = state[MEMORY] as tf.Tensor2D;
  const position = extras.position as tf.Tensor1D;
  const last = tf.gather(memory, position);
  return {
    /** The loss of each example, [batch], and what is remembered of it from now on, [batch, classes]. */
    of(logits: tf.Tensor2D, labels: tf.Tensor1D) {
      const remembered = loss.remember(withoutGradient(logits), last);
      return { each: loss.of(logits, labels, remembered), remembered };
    },
    /** The state after the step. */
    after(remembered: tf.Tensor): State {
      const rows = tf.expandDims(position, 1);
      return { [MEMORY]: tf.tensorScatterUpdate(memory, rows, remembered) };
    },
  };
}

/** x, through which nothing is differentiated. */
function withoutGradient(x: tf.Tensor2D): tf.Tensor2D {
  const op = tf.customGrad((y) => ({
    value: tf.clone(y as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return op(x) as tf.Tensor2D;
}
