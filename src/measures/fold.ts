import type { HostState } from '../engines/types.js';
import type { Model } from '../models/types.js';

/** Parameters of a network by name, in double precision. */
export type Weights = Record<string, Float64Array>;

/**
 * A network's parameters with every BatchNorm folded into its weights: the same function of an image as in inference, so that
 * rescaling what BatchNorm scales back changes no norm (the code of Dziugaite 2020 does so, too).
 *
 * Behind a convolution, x → factor·x + bias goes into the filter's outputs and the shift. In front of convolutions, as in
 * `wide-resnet`, it stands before a ReLU, which only a positive factor may pass: ReLU(factor·x + bias) is
 * |factor|·ReLU(±x + bias/|factor|), and |factor| goes into the inputs of what follows. A channel whose factor is 0 keeps it.
 * What is left are norms that do nothing but shift, and choose a sign; see `stateOf`.
 */
export function folded(model: Model, state: HostState): Weights {
  const weights: Weights = Object.fromEntries(
    model.parameters.map(({ name }) => [name, Float64Array.from(state[`param/${name}`]!.data)]),
  );
  for (const norm of model.norms) {
    const [mean, variance] = [norm.mean, norm.variance].map(
      (name) => state[`statistic/${name}`]!.data,
    ) as [Float32Array, Float32Array];
    const shift = weights[norm.shift]!;
    const scale = norm.scale === null ? undefined : weights[norm.scale]!;
    const factor = Float64Array.from(
      variance,
      (value, c) => (scale?.[c] ?? 1) / Math.sqrt(value + norm.epsilon),
    );
    const bias = factor.map((value, c) => shift[c]! - mean[c]! * value);
    const { axis, weights: names } = norm.into;
    const moved = axis === 'outputs' ? factor : factor.map((value) => Math.abs(value) || 1);
    for (const name of names) multiply(weights[name]!, shapeOf(model, name), axis, moved);
    if (axis === 'outputs') {
      shift.set(bias);
      scale?.fill(1);
    } else {
      shift.set(bias.map((value, c) => value / moved[c]!));
      scale?.set(factor.map((value, c) => value / moved[c]!));
    }
  }
  return weights;
}

/** Multiplies the weights of each output, or of each input channel, by a factor of its own. */
function multiply(
  weights: Float64Array,
  shape: readonly number[],
  axis: 'outputs' | 'inputs',
  factors: Float64Array,
): void {
  const outputs = shape.at(-1)!;
  for (let i = 0; i < weights.length; i++) {
    const channel = axis === 'outputs' ? i % outputs : Math.floor(i / outputs) % factors.length;
    weights[i]! *= factors[channel]!;
  }
}

const shapeOf = (model: Model, name: string) =>
  model.parameters.find((parameter) => parameter.name === name)!.shape;

/** Statistics with which a folded network's norms add their shift, and do nothing else. */
export function idleStatistics(model: Model): Weights {
  return Object.fromEntries(
    model.norms.flatMap(({ mean, variance, epsilon, shift }) => {
      const [units] = shapeOf(model, shift) as [number];
      return [
        [mean, new Float64Array(units)],
        [variance, new Float64Array(units).fill(1 - epsilon)],
      ];
    }),
  );
}

/** A state that computes with folded parameters; what an optimizer keeps stays as it was. */
export function stateOf(model: Model, state: HostState, weights: Weights): HostState {
  const next = { ...state };
  const put = (name: string, data: Float64Array) => {
    next[name] = { shape: state[name]!.shape, data: Float32Array.from(data) };
  };
  for (const { name } of model.parameters) put(`param/${name}`, weights[name]!);
  for (const [name, data] of Object.entries(idleStatistics(model))) put(`statistic/${name}`, data);
  return next;
}
