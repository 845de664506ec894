import * as tf from '@tensorflow/tfjs-core';
import type { ExtraName } from '../batches/extras.js';
import type { TrainInputs } from '../engines/types.js';
import type { ExampleLoss } from './types.js';

/** What it takes of a step. */
export const MIXUP_EXTRAS = ['mixup/share', 'mixup/partner'] as const satisfies ExtraName[];

/** A batch of which each example is mixed with another one. */
export interface MixedBatch {
  /** Like the images that were mixed. */
  images: tf.Tensor4D;
  /** Of each mixture the label with the greater share, [batch]. */
  labels: tf.Tensor1D;
  /** λ of the loss with an example's own label and 1 − λ of that with its partner's, [batch]. */
  loss(logits: tf.Tensor2D): tf.Tensor1D;
}

/**
 * Mixes what enters the network, λ·x + (1 − λ)·x′, and the losses likewise (Zhang et al. 2018, section 2; the losses as in
 * their code, which for cross-entropy is the mixture of the labels).
 *
 * @param images Whitened.
 */
export function mixup(
  images: tf.Tensor4D,
  { labels, extras }: Pick<TrainInputs, 'labels' | 'extras'>,
  lossOf: ExampleLoss,
): MixedBatch {
  const share = extras['mixup/share']!;
  const partner = extras['mixup/partner'] as tf.Tensor1D;
  const others = tf.gather(labels, partner);
  const mixed = <T extends tf.Tensor>(own: T, other: T): T =>
    tf.add(tf.mul(own, share), tf.mul(other, tf.sub(1, share)));
  return {
    images: mixed(images, tf.gather(images, partner)),
    labels: tf.where(tf.greaterEqual(share, tf.fill(labels.shape, 0.5)), labels, others),
    loss: (logits) => mixed(lossOf(logits, labels), lossOf(logits, others)),
  };
}
