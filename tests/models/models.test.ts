import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import { buildModel, parameterCount } from '../../src/models/index.js';
import type { Model } from '../../src/models/types.js';
import { initialState } from '../../src/train/init.js';

beforeAll(() => tf.setBackend('cpu'));

function build(
  model: Record<string, unknown>,
  inputShape: [number, number, number] = [28, 28, 3],
  classes = 10,
  dropout = 0,
): Model {
  const config = resolveConfig(configSchema.parse({ model }), 'test');
  return buildModel({ config: config.model, inputShape, classes, dropout });
}

describe('parameter counts', () => {
  // PAPER: the exact counts are the test that a model is right.
  it.each([
    [{ name: 'inception' }, 1_649_402],
    [{ name: 'inception', batchNorm: false }, 1_649_402],
    [{ name: 'alexnet' }, 1_387_786],
    [{ name: 'mlp' }, 1_209_866],
    [{ name: 'mlp', hidden: [512, 512, 512] }, 1_735_178],
    [{ name: 'mlp', hidden: [] }, 23_530],
  ])('%j has %i', (model, count) => {
    expect(parameterCount(build(model))).toBe(count);
  });

  it('follows image size, channels and classes', () => {
    expect(parameterCount(build({ name: 'mlp' }, [28, 28, 1], 10))).toBe(407_050);
    expect(parameterCount(build({ name: 'alexnet' }, [64, 64, 3], 100))).toBe(6_492_388);
    expect(parameterCount(build({ name: 'inception' }, [64, 64, 1], 100))).toBe(1_678_004);
  });

  it('keeps BatchNorm out of AlexNet and the MLP', () => {
    for (const name of ['alexnet', 'mlp']) {
      expect(build({ name }).statistics).toEqual([]);
      expect(() => build({ name, batchNorm: true })).toThrow(/model.batchNorm is for inception/);
    }
  });
});

describe('forward', () => {
  const runs = [
    { name: 'inception' },
    { name: 'inception', batchNorm: false },
    { name: 'alexnet' },
    { name: 'mlp', hidden: [8, 8] },
  ];

  it.each(runs)('%j gives logits of every image', (config) => {
    const model = build(config, [9, 9, 3], 7);
    const state = initialState(model, 1);
    const tensors = Object.fromEntries(
      Object.entries(state).map(([k, t]) => [k, tf.tensor(t.data, t.shape)]),
    );
    const pick = (prefix: string) =>
      Object.fromEntries(
        Object.entries(tensors)
          .filter(([k]) => k.startsWith(prefix))
          .map(([k, t]) => [k.slice(prefix.length), t]),
      );
    const images = tf.randomNormal([5, 9, 9, 3], 0, 1, 'float32', 3) as tf.Tensor4D;
    const statistics = pick('statistic/') as Record<string, tf.Tensor1D>;
    const inference = model.forward(pick('param/'), images, { training: false, statistics });
    expect(inference.logits.shape).toEqual([5, 7]);
    const training = model.forward(pick('param/'), images, {
      training: true,
      statistics,
      masks: {},
    });
    expect(Object.keys(training.statistics)).toEqual(model.statistics.map((s) => s.name));
    expect(training.logits.arraySync().flat().every(Number.isFinite)).toBe(true);
  });

  it('normalizes with batch statistics in training and running ones in inference', () => {
    // With decay 0 the running statistics are the last batch's own.
    const model = build({ name: 'inception', batchNormDecay: 0 }, [8, 8, 3], 4);
    const state = initialState(model, 2);
    const get = (prefix: string) =>
      Object.fromEntries(
        Object.entries(state)
          .filter(([k]) => k.startsWith(prefix))
          .map(([k, t]) => [k.slice(prefix.length), tf.tensor(t.data, t.shape)]),
      );
    const images = tf.randomNormal([6, 8, 8, 3], 0, 1, 'float32', 5) as tf.Tensor4D;
    const parameters = get('param/');
    const { logits, statistics } = model.forward(parameters, images, {
      training: true,
      statistics: get('statistic/') as Record<string, tf.Tensor1D>,
      masks: {},
    });
    const inference = model.forward(parameters, images, { training: false, statistics });
    const difference = tf.max(tf.abs(tf.sub(logits, inference.logits))).arraySync();
    expect(difference).toBeLessThan(1e-3);
  });
});

describe('initial state', () => {
  it('has the deviation of He initialization, zero biases and velocities', () => {
    const state = initialState(build({ name: 'mlp' }), 7);
    const weights = state['param/dense1/weight']!.data;
    const variance = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
    expect(Math.abs(variance / (2 / 2352) - 1)).toBeLessThan(0.01);
    expect(Math.max(...state['param/dense1/bias']!.data)).toBe(0);
    expect(state['velocity/dense1/weight']!.data.every((v) => v === 0)).toBe(true);
  });

  it('starts at the loss of guessing, whatever the model', () => {
    for (const name of ['mlp', 'alexnet', 'inception']) {
      const model = build({ name }, [12, 12, 3], 10);
      const state = initialState(model, 3);
      const pick = (prefix: string) =>
        Object.fromEntries(
          Object.entries(state)
            .filter(([k]) => k.startsWith(prefix))
            .map(([k, t]) => [k.slice(prefix.length), tf.tensor(t.data, t.shape)]),
        );
      const images = tf.randomNormal([16, 12, 12, 3], 0, 1, 'float32', 4) as tf.Tensor4D;
      const statistics = pick('statistic/') as Record<string, tf.Tensor1D>;
      const { logits } = model.forward(pick('param/'), images, {
        training: true,
        statistics,
        masks: {},
      });
      expect(tf.max(tf.abs(logits)).arraySync()).toBeLessThan(0.5);
    }
  });

  it('is a function of the seed and the parameter name', () => {
    const one = initialState(build({ name: 'mlp', hidden: [16] }), 7);
    const two = initialState(build({ name: 'mlp', hidden: [16, 16] }), 7);
    const other = initialState(build({ name: 'mlp', hidden: [16] }), 8);
    expect(two['param/dense1/weight']).toEqual(one['param/dense1/weight']);
    expect(other['param/dense1/weight']).not.toEqual(one['param/dense1/weight']);
  });
});
