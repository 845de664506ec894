import type * as tf from '@tensorflow/tfjs-core';
import { trace } from '../engines/trace/trace.js';
import type { Model } from '../models/types.js';
import { sizeOf } from '../shape.js';
import { evaluateGraph } from './float64.js';
import { idleStatistics, type Weights } from './fold.js';

/**
 * Σ over the logits of f(1; w²): every parameter squared, one image of ones, in inference (Jiang 2020, equation 44; so in
 * Dziugaite's code). Without pooling it is the sum over all paths from an input, or from a bias, to a logit of the product of
 * their squared weights. As there, pools stay what they are: the greatest, and the mean, of what reaches them; shortcuts add.
 *
 * @param weights With BatchNorm folded in: see `folded`.
 */
export async function pathNorm(
  model: Model,
  weights: Weights,
  turn?: () => Promise<void> | undefined,
): Promise<number> {
  const squares = Object.fromEntries(
    model.parameters.map(({ name }) => [name, weights[name]!.map((value) => value * value)]),
  );
  const ones = new Float64Array(sizeOf(model.inputShape)).fill(1);
  const logits = await forward(model, squares, ones, turn);
  return logits.reduce((sum, value) => sum + value, 0);
}

/** Logits of one image, [height, width, channels], in double precision; nothing is whitened. */
export async function forward(
  model: Model,
  weights: Weights,
  image: Float64Array,
  turn?: () => Promise<void> | undefined,
): Promise<Float64Array> {
  const idle = idleStatistics(model);
  const graph = trace((input) => {
    const parameters = model.parameters.map(({ name, shape }): [string, tf.Tensor] => [
      name,
      input(name, shape, 'float32'),
    ]);
    const statistics = model.statistics.map(({ name, shape }): [string, tf.Tensor1D] => [
      name,
      input(name, shape, 'float32') as tf.Tensor1D,
    ]);
    const images = input('image', [1, ...model.inputShape], 'float32') as tf.Tensor4D;
    const mode = { training: false as const, statistics: Object.fromEntries(statistics) };
    return { logits: model.forward(Object.fromEntries(parameters), images, mode).logits };
  });
  const { logits } = await evaluateGraph(graph, { ...weights, ...idle, image }, turn);
  return logits!;
}
