// Registers the gradients of tfjs-core's operations; its package for Node comes without them.
import '#tfjs-gradients';
import * as tf from '@tensorflow/tfjs-core';
import { type ExtraName, extraSpecs } from '../batches/extras.js';
import type { OptimizerConfig } from '../config/optimizer.js';
import type { EvalOutputs, Program, State, TrainInputs, TrainOutputs } from '../engines/types.js';
import { labelMargin, labelRank } from '../models/composite-ops.js';
import { allFinite, softmaxCrossEntropy, whiten } from '../models/ops.js';
import type { Model } from '../models/types.js';
import { MEMORY_EXTRAS, memorySpec, recall } from './memory.js';
import { MIXUP_EXTRAS, mixup } from './mixup.js';
import { type Optimizer, optimizerOf, optimizerState } from './optimizers.js';
import type { RememberingLoss, TrainingLoss } from './types.js';

export interface ProgramOptions {
  model: Model;
  batchSize: number;
  evalBatchSize: number;
  /** Evaluation batches that may be under way at once; default 1. */
  evalAtOnce?: number;
  /** μ of momentum. */
  momentum: number;
  /** λ: λ·w is added to the gradient of every decayed parameter. */
  weightDecay: number;
  /** Dropout rate; masks come in as 0/1 and are scaled by 1/(1 − rate) here. */
  dropout: number;
  /** How parameters follow their gradients; default: SGD with heavy-ball momentum. */
  optimizer?: OptimizerConfig | undefined;
  /** What is trained on, default the plain cross-entropy; evaluation reports that in any case. */
  loss?: TrainingLoss | undefined;
  /** Training examples, of a loss that remembers something of each. */
  examples?: number | undefined;
  /** Whether the examples of a batch are mixed with one another; not with a loss that remembers. */
  mixup?: boolean | undefined;
  /** Whether an evaluation gives the margin of each example as well. */
  margin?: boolean | undefined;
}

/**
 * The training step and the evaluation step of a model as pure functions over tensors (the seam in `engines/types.ts`).
 */
export function makeProgram(options: ProgramOptions): Program {
  const { model, loss, examples = 0 } = options;
  const optimizer = optimizerOf(options.optimizer, options.momentum);
  return {
    imageShape: model.inputShape,
    classes: model.classes,
    batchSize: options.batchSize,
    evalBatchSize: options.evalBatchSize,
    evalAtOnce: options.evalAtOnce ?? 1,
    state: [
      ...model.parameters.map(({ name, shape }) => ({ name: `param/${name}`, shape })),
      ...optimizerState(model, optimizer),
      ...model.statistics.map(({ name, shape }) => ({ name: `statistic/${name}`, shape })),
      ...(remembers(loss) ? [memorySpec(examples, model.classes)] : []),
    ],
    masks: model.masks,
    extras: extraSpecs(extrasOf(options)),
    trainStep: (state, inputs) => trainStep(options, optimizer, state, inputs),
    evalStep: (state, images, labels) => evalStep(options, state, images, labels),
  };
}

/** What the steps of a program are given beside images, labels, masks and learning rate. */
export function extrasOf({ loss, mixup }: Pick<ProgramOptions, 'loss' | 'mixup'>): ExtraName[] {
  return [...(mixup ? MIXUP_EXTRAS : []), ...(remembers(loss) ? MEMORY_EXTRAS : [])];
}

function remembers(loss: TrainingLoss | undefined): loss is RememberingLoss {
  return typeof loss === 'object';
}

/** A batch as the network is given it. */
interface View {
  /** Whitened. */
  images: tf.Tensor4D;
  /** That are right, [batch]. */
  labels: tf.Tensor1D;
  /** The loss of each example, [batch], and what is remembered of it, [batch, classes]. */
  lossOf(logits: tf.Tensor2D): { each: tf.Tensor; remembered?: tf.Tensor };
  /** The state of the loss after the step. */
  after?(remembered: tf.Tensor): State;
}

function viewOf(options: ProgramOptions, state: State, inputs: TrainInputs): View {
  const { loss = softmaxCrossEntropy } = options;
  const images = whiten(inputs.images);
  const { labels } = inputs;
  if (remembers(loss)) {
    const { of, after } = recall(state, inputs, loss);
    return { images, labels, lossOf: (logits) => of(logits, labels), after };
  }
  if (!options.mixup)
    return { images, labels, lossOf: (logits) => ({ each: loss(logits, labels) }) };
  const mixed = mixup(images, inputs, loss);
  return { ...mixed, lossOf: (logits) => ({ each: mixed.loss(logits) }) };
}

function trainStep(
  options: ProgramOptions,
  optimizer: Optimizer,
  state: State,
  inputs: TrainInputs,
): TrainOutputs {
  const { model, dropout, weightDecay } = options;
  const names = model.parameters.map((p) => p.name);
  const masks = Object.fromEntries(
    Object.entries(inputs.masks).map(([name, mask]) => [name, tf.div(mask, 1 - dropout)]),
  ) as Record<string, tf.Tensor2D>;
  const view = viewOf(options, state, inputs);

  const { loss, aux, gradients } = lossAndGradients(
    names,
    names.map((name) => state[`param/${name}`]!),
    (parameters) => {
      const { logits, statistics } = model.forward(parameters, view.images, {
        training: true,
        statistics: statisticsOf(model, state),
        masks,
      });
      const { each, ...remembered } = view.lossOf(logits);
      return { loss: tf.mean(each), aux: { logits, ...withPrefix(statistics), ...remembered } };
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
  for (const { name } of model.statistics) next[`statistic/${name}`] = aux[`statistic/${name}`]!;
  Object.assign(next, view.after?.(aux.remembered!));
  const hits = tf.equal(tf.argMax(aux.logits!, 1), view.labels);
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

function withPrefix(statistics: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(statistics).map(([name, value]) => [`statistic/${name}`, value]),
  );
}

/**
 * Value and gradients of a loss, together with what else its forward pass produced, by name (logits, BatchNorm statistics).
 * tfjs disposes whatever the differentiated function does not return, so those are kept over the backward pass and
 * handed to the caller's scope afterwards.
 */
function lossAndGradients(
  names: string[],
  parameters: tf.Tensor[],
  forward: (parameters: Record<string, tf.Tensor>) => { loss: tf.Tensor; aux: State },
): { loss: tf.Tensor; aux: State; gradients: tf.Tensor[] } {
  let kept: State | undefined;
  const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
    const { loss, aux } = forward(Object.fromEntries(names.map((name, i) => [name, args[i]!])));
    kept = mapValues(aux, tf.keep);
    return loss as tf.Scalar;
  })(parameters);
  if (kept === undefined) throw new Error('the differentiated function was not called');
  const aux = mapValues(kept, (t) => tf.clone(t));
  tf.dispose(kept);
  return { loss: value, aux, gradients: grads };
}

function mapValues<T, U>(record: Record<string, T>, f: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
}
