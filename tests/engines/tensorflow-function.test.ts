import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { MODEL_NAMES, MODELS, type ModelName } from '../../src/config/models.js';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import { CompiledFunction } from '../../src/engines/tensorflow/function.js';
import type { HostTensor } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import { sizeOf } from '../../src/shape.js';
import type { FeatureLayer } from '../../src/theory/context.js';
import { gaborLayer } from '../../src/theory/kernels/gabor.js';
import { randomConvLayer } from '../../src/theory/kernels/random-conv.js';
import { ensureTensorflow } from '../helpers/engine.js';

const { engine, skipped } = await ensureTensorflow();

interface PureFunction {
  inputs: HostTensor[];
  body(...inputs: tf.Tensor[]): tf.Tensor;
}

/** Numbers around a mean, without a pattern: Inception V3 takes 24 million of them. */
function scattered(shape: number[], width: number, mean = 0): HostTensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0, word = data.length; i < data.length; i++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = mean + width * (word / 2 ** 31 - 1);
  }
  return { shape, data };
}

/** A network's logits, of two images, its parameters and its statistics. */
function logits(name: ModelName): PureFunction {
  const { model: config } = resolveConfig(configSchema.parse({ model: { name } }), 'test');
  const side = Math.max(8, MODELS[name].smallestSide);
  const model = buildModel({ config, inputShape: [side, side, 3], classes: 10, dropout: 0 });
  const parameters = model.parameters.map((spec) => spec.name);
  const statistics = model.statistics.map((spec) => spec.name);
  const pick = (names: string[], tensors: tf.Tensor[]) =>
    Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
  return {
    inputs: [
      scattered([2, side, side, 3], 1),
      ...model.parameters.map(({ shape, fanIn }) => scattered(shape, Math.sqrt(6 / (fanIn ?? 50)))),
      ...model.statistics.map(({ shape, initial }) => scattered(shape, 0.2, initial)),
    ],
    body: (images, ...rest) =>
      model.forward(pick(parameters, rest), images as tf.Tensor4D, {
        training: false,
        statistics: pick(statistics, rest.slice(parameters.length)) as Record<string, tf.Tensor1D>,
      }).logits,
  };
}

function features(layer: FeatureLayer, imageShape: number[]): PureFunction {
  return {
    inputs: [scattered([3, ...imageShape], 1), ...layer.weights],
    body: (images, ...weights) => layer.apply(images as tf.Tensor4D, ...(weights as tf.Tensor4D[])),
  };
}

const FUNCTIONS: [name: string, make: () => PureFunction][] = [
  ...MODEL_NAMES.map((name): [string, () => PureFunction] => [name, () => logits(name)]),
  ['gabor', () => features(gaborLayer(), [28, 28, 1])],
  [
    'random-conv',
    () => features(randomConvLayer({ height: 32, width: 32, channels: 3 }, 16, 1), [32, 32, 3]),
  ],
];

describe.skipIf(engine === undefined)(`a function compiled by TensorFlow${skipped}`, () => {
  it.each(FUNCTIONS)('computes what it does op by op, to the bit: %s', async (_, make) => {
    await tf.setBackend('tensorflow');
    const { inputs, body } = make();
    const expected = tf.tidy(
      () =>
        body(...inputs.map(({ data, shape }) => tf.tensor(data, shape))).dataSync() as Float32Array,
    );
    const compiled = CompiledFunction.compile(
      inputs.map(({ shape }) => shape),
      body,
    );
    try {
      const actual = await compiled.run(inputs);
      expect(new Set(expected).size).toBeGreaterThan(10);
      expect(expected.every(Number.isFinite)).toBe(true);
      expect(actual).toEqual(expected);
    } finally {
      compiled.dispose();
    }
  });
});
