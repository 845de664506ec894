import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerConfig, OptimizerName } from '../config/optimizer.js';
import type { State } from '../engines/types.js';
import { applyMomentum } from '../models/ops.js';
import type { Model } from '../models/types.js';

/** What one step of an optimizer knows of one parameter. */
export interface ParameterStep {
  parameter: tf.Tensor;
  /** Of the loss alone. */
  gradient: tf.Tensor;
  /** λ of a parameter that decays, else 0. */
  weightDecay: number;
  learningRate: tf.Scalar;
  /** What the optimizer keeps of this parameter, by the names of its slots, all of the parameter's shape. */
  slots: State;
  /** What it keeps of the whole step, as this step has it. */
  counters: State;
}

/** A pure step: what it keeps goes in and comes out. */
export interface Optimizer {
  /** What is kept of each parameter, zeros at first. */
  slots: readonly string[];
  /** What is kept of the whole, each one number, zero at first. */
  counters: readonly string[];
  /** The counters of this step, from those of the last. */
  count(counters: State): State;
  /** The parameter and its slots after the step. */
  update(step: ParameterStep): { parameter: tf.Tensor; slots: State };
}

/** μ of momentum is a key of `train`, which every config has. */
type Keys = Required<OptimizerConfig> & { momentum: number };

/** One optimizer for each row of the table in `config/optimizer.ts`. */
const OPTIMIZERS: Record<OptimizerName, (keys: Keys) => Optimizer> = {
  sgd: ({ momentum, nesterov }) => ({
    slots: ['velocity'],
    counters: [],
    count: () => ({}),
    update({ parameter, slots: { velocity: last }, learningRate, ...step }) {
      const gradient = decayed(parameter, step);
      if (!nesterov) {
        const [moved, velocity] = applyMomentum(parameter, last!, gradient, learningRate, momentum);
        return { parameter: moved, slots: { velocity } };
      }
      // v′ = μ·v + g, p′ = p − η·(g + μ·v′), as PyTorch has it.
      const velocity = tf.add(tf.mul(last!, momentum), gradient);
      const ahead = tf.add(gradient, tf.mul(velocity, momentum));
      return { parameter: tf.sub(parameter, tf.mul(ahead, learningRate)), slots: { velocity } };
    },
  }),
  adam: (keys) =>
    adamOf(keys, ({ parameter, ...step }) => ({ parameter, gradient: decayed(parameter, step) })),
  adamw: (keys) =>
    adamOf(keys, ({ parameter, gradient, weightDecay, learningRate }) => {
      if (weightDecay === 0) return { parameter, gradient };
      const kept = tf.sub(1, tf.mul(learningRate, weightDecay));
      return { parameter: tf.mul(parameter, kept), gradient };
    }),
};

/** The optimizer of a config; without one, SGD with heavy-ball momentum, which the paper has. */
export function optimizerOf(config: OptimizerConfig | undefined, momentum: number): Optimizer {
  const { name, ...keys } = config ?? { name: 'sgd', nesterov: false };
  return OPTIMIZERS[name]({ ...keys, momentum } as Keys);
}

/** Names and shapes of all that an optimizer keeps, in the program's order. */
export function optimizerState(
  { parameters }: Pick<Model, 'parameters'>,
  { slots, counters }: Pick<Optimizer, 'slots' | 'counters'>,
): { name: string; shape: number[] }[] {
  return [
    ...slots.flatMap((slot) =>
      parameters.map(({ name, shape }) => ({ name: `${slot}/${name}`, shape })),
    ),
    ...counters.map((name) => ({ name: `counter/${name}`, shape: [1] })),
  ];
}

/** g + λ·p. */
function decayed(
  parameter: tf.Tensor,
  { gradient, weightDecay }: Pick<ParameterStep, 'gradient' | 'weightDecay'>,
): tf.Tensor {
  return weightDecay > 0 ? tf.add(gradient, tf.mul(parameter, weightDecay)) : gradient;
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1). The corrections 1 − βᵗ are kept as c′ = β·c + 1 − β, which loses no digits in the
 * first steps, where the power in float32 would.
 *
 * @param decay What weight decay does to parameter and gradient before the step.
 */
function adamOf(
  { beta1, beta2, epsilon }: Keys,
  decay: (step: ParameterStep) => Pick<ParameterStep, 'parameter' | 'gradient'>,
): Optimizer {
  const moved = (last: tf.Tensor, x: tf.Tensor | number, beta: number) =>
    tf.add(tf.mul(last, beta), tf.mul(x, 1 - beta));
  return {
    slots: ['moment1', 'moment2'],
    counters: ['correction1', 'correction2'],
    count: ({ correction1, correction2 }) => ({
      correction1: tf.add(tf.mul(correction1!, beta1), 1 - beta1),
      correction2: tf.add(tf.mul(correction2!, beta2), 1 - beta2),
    }),
    update(step) {
      const { slots, counters, learningRate } = step;
      const { parameter, gradient } = decay(step);
      const moment1 = moved(slots.moment1!, gradient, beta1);
      const moment2 = moved(slots.moment2!, tf.square(gradient), beta2);
      const root = tf.sqrt(tf.div(moment2, counters.correction2!));
      const rate = tf.div(learningRate, counters.correction1!);
      const change = tf.mul(rate, tf.div(moment1, tf.add(root, epsilon)));
      return { parameter: tf.sub(parameter, change), slots: { moment1, moment2 } };
    },
  };
}
