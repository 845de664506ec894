import type { HostState, HostTensor, StateSpec } from '../engines/types.js';
import type { Model, ParameterSpec } from '../models/types.js';
import { Random } from '../random.js';
import { sizeOf } from '../shape.js';
import { optimizerOf, optimizerState } from './optimizers.js';

/** Standard deviation of a standard normal cut at ±2, by which the draw is divided to have the one asked for. */
const TRUNCATED_DEVIATION = 0.8796256610342398;

/**
 * The state a run starts from, drawn on the host so that every engine starts from the same bits.
 *
 * Parameters: truncated normal of standard deviation √(2/fan-in) before a ReLU (He et al. 2015), 1/fan-in before the
 * logits, times the model's gain; zero for biases and shifts, one for scales. Running statistics are at their initial values, all else that there is
 * is zero. A parameter's numbers depend on the seed and its name alone.
 *
 * @param all Of the program, in whose order they are; default: with what SGD keeps.
 */
export function initialState(
  model: Model,
  seed: number,
  all: readonly StateSpec[] = [
    ...optimizerState(model, optimizerOf(undefined, 0)),
    ...model.statistics.map(({ name, shape }) => ({ name: `statistic/${name}`, shape })),
  ],
): HostState {
  const state: HostState = {};
  for (const spec of model.parameters) state[`param/${spec.name}`] = initialParameter(spec, seed);
  const initial = new Map(model.statistics.map((spec) => [`statistic/${spec.name}`, spec.initial]));
  for (const { name, shape } of all) {
    state[name] ??= { shape, data: new Float32Array(sizeOf(shape)).fill(initial.get(name) ?? 0) };
  }
  return state;
}

function initialParameter(
  { name, shape, init, gain = 1, fanIn = 1 }: ParameterSpec,
  seed: number,
): HostTensor {
  const data = new Float32Array(sizeOf(shape));
  if (init === 'ones') data.fill(1);
  if (init === 'he' || init === 'output') {
    const random = new Random(seed, `init/${name}`);
    const deviation = (init === 'he' ? Math.sqrt(2 / fanIn) : 1 / fanIn) / TRUNCATED_DEVIATION;
    for (let i = 0; i < data.length; i++) data[i] = random.truncatedNormal() * deviation * gain;
  }
  return { shape, data };
}
