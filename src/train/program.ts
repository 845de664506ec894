// Registers the gradients of tfjs-core's operations; its package for Node comes without them.
import '#tfjs-gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { EvalOutputs, Program, State, TrainInputs, TrainOutputs } from '../engines/types.js';
import { labelMargin, labelRank } from '../models/composite-ops.js';
import { allFinite, applyMomentum, softmaxCrossEntropy, whiten } from '../models/ops.js';
import type { ForwardResult, Model } from '../models/types.js';
import { type CorrectedLoss, type Correction, correctedLoss } from './correction.js';

export interface ProgramOptions {
  model: Model;
  batchSize: number;
  evalBatchSize: number;
  /** μ of heavy-ball momentum. */
  momentum: number;
  /** λ: λ·w is added to the gradient of every decayed parameter. */
  weightDecay: number;
  /** Dropout rate; masks come in as 0/1 and are scaled by 1/(1 − rate) here. */
  dropout: number;
  /** Of the loss that is trained on; evaluation reports the plain cross-entropy. */
  correction?: Correction | undefined;
  /** Whether an evaluation gives the margin of each example as well. */
  margin?: boolean | undefined;
}

/**
 * The training step and the evaluation step of a model as pure functions over tensors (the seam in `engines/types.ts`).
 */
export function makeProgram(options: ProgramOptions): Program {
  const { model, correction } = options;
  const lossOf = correction === undefined ? softmaxCrossEntropy : correctedLoss(correction);
  const shapeOf = Object.fromEntries(model.parameters.map((p) => [p.name, p.shape]));
  const names = Object.keys(shapeOf);
  return {
    imageShape: model.inputShape,
    classes: model.classes,
    batchSize: options.batchSize,
    evalBatchSize: options.evalBatchSize,
    state: [
      ...names.map((name) => ({ name: `param/${name}`, shape: shapeOf[name]! })),
      ...names.map((name) => ({ name: `velocity/${name}`, shape: shapeOf[name]! })),
      ...model.statistics.map(({ name, shape }) => ({ name: `statistic/${name}`, shape })),
    ],
    masks: model.masks,
    trainStep: (state, inputs) => trainStep(options, lossOf, state, inputs),
    evalStep: (state, images, labels) => evalStep(options, state, images, labels),
  };
}

function trainStep(
  options: ProgramOptions,
  lossOf: CorrectedLoss,
  state: State,
  inputs: TrainInputs,
): TrainOutputs {
  const { model, dropout, momentum, weightDecay } = options;
  const names = model.parameters.map((p) => p.name);
  const masks = Object.fromEntries(
    Object.entries(inputs.masks).map(([name, mask]) => [name, tf.div(mask, 1 - dropout)]),
  ) as Record<string, tf.Tensor2D>;
  const images = whiten(inputs.images);

  const { loss, aux, gradients } = lossAndGradients(
    names,
    names.map((name) => state[`param/${name}`]!),
    (parameters) => {
      const result = model.forward(parameters, images, {
        training: true,
        statistics: statisticsOf(model, state),
        masks,
      });
      return { loss: tf.mean(lossOf(result.logits, inputs.labels)), aux: result };
    },
  );

  const next: State = {};
  const velocities: State = {};
  for (const [i, { name, decayed }] of model.parameters.entries()) {
    const p = state[`param/${name}`]!;
    const g = gradients[i]!;
    const step = decayed && weightDecay > 0 ? tf.add(g, tf.mul(p, weightDecay)) : g;
    const [moved, velocity] = applyMomentum(
      p,
      state[`velocity/${name}`]!,
      step,
      inputs.learningRate,
      momentum,
    );
    next[`param/${name}`] = moved;
    velocities[`velocity/${name}`] = velocity;
  }
  Object.assign(next, velocities);
  for (const { name } of model.statistics) next[`statistic/${name}`] = aux.statistics[name]!;
  const hits = tf.equal(tf.argMax(aux.logits, 1), inputs.labels);
  return {
    state: next,
    loss: loss as tf.Scalar,
    correct: tf.sum(tf.cast(hits, 'int32')) as tf.Scalar,
    finite: allFinite([loss, ...gradients]),
  };
}

function evalStep(
  { model, margin }: ProgramOptions,
  state: State,
  images: tf.Tensor4D,
  labels: tf.Tensor1D,
): EvalOutputs {
  const parameters = Object.fromEntries(
    model.parameters.map(({ name }) => [name, state[`param/${name}`]!]),
  );
  const { logits } = model.forward(parameters, whiten(images), {
    training: false,
    statistics: statisticsOf(model, state),
  });
  return {
    loss: softmaxCrossEntropy(logits, labels),
    prediction: tf.argMax(logits, 1) as tf.Tensor1D,
    rank: labelRank(logits, labels),
    ...(margin && { margin: labelMargin(logits, labels) }),
    probabilities: tf.softmax(logits) as tf.Tensor2D,
  };
}

function statisticsOf(model: Model, state: State): Record<string, tf.Tensor1D> {
  return Object.fromEntries(
    model.statistics.map(({ name }) => [name, state[`statistic/${name}`] as tf.Tensor1D]),
  );
}

/**
 * Value and gradients of a loss, together with what else its forward pass produced (logits, BatchNorm statistics).
 * tfjs disposes whatever the differentiated function does not return, so those are kept over the backward pass and
 * handed to the caller's scope afterwards.
 */
function lossAndGradients(
  names: string[],
  parameters: tf.Tensor[],
  forward: (parameters: Record<string, tf.Tensor>) => { loss: tf.Tensor; aux: ForwardResult },
): { loss: tf.Tensor; aux: ForwardResult; gradients: tf.Tensor[] } {
  let kept: ForwardResult | undefined;
  const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
    const { loss, aux } = forward(Object.fromEntries(names.map((name, i) => [name, args[i]!])));
    kept = { logits: tf.keep(aux.logits), statistics: mapValues(aux.statistics, tf.keep) };
    return loss as tf.Scalar;
  })(parameters);
  if (kept === undefined) throw new Error('the differentiated function was not called');
  const aux = {
    logits: tf.clone(kept.logits),
    statistics: mapValues(kept.statistics, (t) => tf.clone(t)),
  };
  tf.dispose([kept.logits, ...Object.values(kept.statistics)]);
  return { loss: value, aux, gradients: grads };
}

function mapValues<T, U>(record: Record<string, T>, f: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
}
