import * as tf from '@tensorflow/tfjs-core';
import { correctionOf, type LossConfig, type RobustLossConfig } from '../config/loss.js';
import type { TransitionMatrix } from '../corrupt/transition.js';
import { softmaxCrossEntropy } from '../models/ops.js';
import { correctedLoss } from './correction.js';
import type { TrainingLoss } from './types.js';

type RobustLosses = {
  [Name in RobustLossConfig['name']]: (
    keys: Extract<RobustLossConfig, { name: Name }>,
  ) => TrainingLoss;
};

/**
 * With p the softmax's probability of the label, which is e⁻ᶜᴱ: all of them are functions of the cross-entropy, which every
 * engine has as one operation, and of the logits; ELR's is of the whole softmax.
 */
const ROBUST_LOSSES: RobustLosses = {
  // (1 − ε)·CE(label) + ε·mean of CE over all classes: the cross-entropy and a linear function of the logits.
  'cross-entropy':
    ({ smoothing }) =>
    (logits, labels) => {
      const target = tf.cast(tf.oneHot(labels, logits.shape[1]), 'float32');
      const own = tf.sum(tf.mul(logits, target), 1);
      const spread = tf.mul(tf.sub(own, tf.mean(logits, 1)), smoothing);
      return tf.add(softmaxCrossEntropy(logits, labels), spread) as tf.Tensor1D;
    },
  // (1 − p^q)/q (Zhang & Sabuncu 2018, equation 6).
  gce:
    ({ q }) =>
    (logits, labels) => {
      const power = tf.exp(tf.mul(softmaxCrossEntropy(logits, labels), -q));
      return tf.div(tf.sub(1, power), q) as tf.Tensor1D;
    },
  // α·CE + β·RCE with RCE = −A·(1 − p), A for ln 0 (Wang 2019, equations 6 and 7).
  sce:
    ({ alpha, beta, logZero }) =>
    (logits, labels) => {
      const plain = softmaxCrossEntropy(logits, labels);
      const reverse = tf.mul(tf.sub(1, tf.exp(tf.neg(plain))), -logZero * beta);
      return tf.add(tf.mul(plain, alpha), reverse) as tf.Tensor1D;
    },
  // CE + λ·ln(1 − ⟨t, p⟩), after t ← β·t + (1 − β)·p/Σp (Liu 2020, section 4).
  elr: ({ lambda, beta }) => ({
    remember(logits, last) {
      const p = boundedSoftmax(logits);
      const share = tf.div(p, tf.sum(p, 1, true));
      return tf.add(tf.mul(last, beta), tf.mul(share, 1 - beta));
    },
    of(logits, labels, remembered) {
      const agreement = tf.sum(tf.mul(remembered, boundedSoftmax(logits)), 1);
      const regularizer = tf.mul(tf.log(tf.sub(1, agreement)), lambda);
      return tf.add(softmaxCrossEntropy(logits, labels), regularizer);
    },
  }),
};

/** Probabilities are kept this far from 0 and 1, as ELR's authors have it in their code; the paper doesn't tell. */
const ELR_MARGIN = 1e-4;

/** p, [batch, classes], of which the logarithm of 1 − ⟨t, p⟩ is finite. */
function boundedSoftmax(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.minimum(tf.maximum(tf.softmax(logits), ELR_MARGIN), 1 - ELR_MARGIN);
}

/** Losses that bear wrong labels better than the plain cross-entropy, and the smoothed one. */
function robustLoss(config: RobustLossConfig): TrainingLoss {
  return (ROBUST_LOSSES[config.name] as (keys: RobustLossConfig) => TrainingLoss)(config);
}

/**
 * What a config asks to be trained on; `undefined` for the plain cross-entropy.
 *
 * @param transition How labels change; `null` where that is yet to be estimated, in a training on the plain cross-entropy.
 * @throws RethinkError (`usage`) where the matrix fits no correction.
 */
export function lossOf(
  config: LossConfig | undefined,
  transition: TransitionMatrix | null,
): TrainingLoss | undefined {
  if (config === undefined) return undefined;
  const correction = correctionOf(config);
  if (correction === undefined) return robustLoss(config as RobustLossConfig);
  return transition === null
    ? undefined
    : correctedLoss({ kind: correction.correction, matrix: transition });
}
