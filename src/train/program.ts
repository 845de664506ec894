// Registers the gradients of tfjs-core's operations; its package for Node comes without them.
import '#tfjs-gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerConfig } from '../config/optimizer.js';
import type { EvalOutputs, Program, State, TrainInputs, TrainOutputs } from '../engines/types.js';
import { labelMargin, labelRank } from '../models/composite-ops.js';
import { allFinite, softmaxCrossEntropy, whiten } from '../models/ops.js';
import type { ForwardResult, Model } from '../models/types.js';
import { type Optimizer, optimizerOf, optimizerState } from './optimizers.js';
import type { ExampleLoss } from './types.js';

export interface ProgramOptions {
  model: Model;
  batchSize: number;
  evalBatchSize: number;
  /** μ of momentum. */
  momentum: number;
  /** λ: λ·w is added to the gradient of every decayed parameter. */
  weightDecay: number;
  /** Dropout rate; masks come in as 0/1 and are scaled by 1/(1 − rate) here. */
  dropout: number;
  /** How parameters follow their gradients; default: SGD with heavy-ball momentum. */
  optimizer?: OptimizerConfig | undefined;
  /** What is trained on, default the plain cross-entropy; evaluation reports that in any case. */
  loss?: ExampleLoss | undefined;
  /** Whether an evaluation gives the margin of each example as well. */
  margin?: boolean | undefined;
}

/**
 * The training step and the evaluation step of a model as pure functions over tensors (the seam in `engines/types.ts`).
 */
export function makeProgram(options: ProgramOptions): Program {
  const { model } = options;
  const optimizer = optimizerOf(options.optimizer, options.momentum);
  return {
    imageShape: model.inputShape,
    classes: model.classes,
    batchSize: options.batchSize,
    evalBatchSize: options.evalBatchSize,
    state: [
      ...model.parameters.map(({ name, shape }) => ({ name: `param/${name}`, shape })),
      ...optimizerState(model, optimizer),
      ...model.statistics.map(({ name, shape }) => ({ name: `statistic/${name}`, shape })),
    ],
    masks: model.masks,
    trainStep: (state, inputs) => trainStep(options, optimizer, state, inputs),
    evalStep: (state, images, labels) => evalStep(options, state, images, labels),
  };
}

function trainStep(
  options: ProgramOptions,
  optimizer: Optimizer,
  state: State,
  inputs: TrainInputs,
): TrainOutputs {
  const { model, dropout, weightDecay, loss: lossOf = softmaxCrossEntropy } = options;
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
  const kept: State = {};
  const counted = optimizer.counters.map((name) => [name, state[`counter/${name}`]!] as const);
  const counters = optimizer.count(Object.fromEntries(counted));
  for (const [i, { name, decayed }] of model.parameters.entries()) {
    const slots = optimizer.slots.map((slot) => [slot, state[`${slot}/${name}`]!] as const);
    const moved = optimizer.update({
      parameter: state[`param/${name}`]!,
      gradient: gradients[i]!,
      weightDecay: decayed ? weightDecay : 0,
      learningRate: inputs.learningRate,
      slots: Object.fromEntries(slots),
      counters,
    });
    next[`param/${name}`] = moved.parameter;
    for (const [slot, value] of Object.entries(moved.slots)) kept[`${slot}/${name}`] = value;
  }
  Object.assign(next, kept);
  for (const [name, value] of Object.entries(counters)) next[`counter/${name}`] = value;
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
