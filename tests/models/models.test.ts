import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import { traceEval, traceTrain } from '../../src/engines/trace/trace.js';
import { buildModel, parameterCount } from '../../src/models/index.js';
import type { Model } from '../../src/models/types.js';
import { initialState } from '../../src/train/init.js';
import { makeProgram } from '../../src/train/program.js';

beforeAll(() => tf.setBackend('cpu'));

function build(
  model: Record<string, unknown>,
  inputShape: [number, number, number] = [28, 28, 3],
  classes = 10,
  { dropout = 0, initGain = 1 } = {},
): Model {
  const config = resolveConfig(configSchema.parse({ model }), 'test');
  return buildModel({ config: config.model, inputShape, classes, dropout, initGain });
}

describe('parameter counts', () => {
  // Zhang2017, Table 1: the exact counts are the test that a model is right.
  it.each([
    [{ name: 'inception' }, 1_649_402],
    [{ name: 'inception', batchNorm: false }, 1_649_402],
    [{ name: 'alexnet' }, 1_387_786],
    [{ name: 'mlp' }, 1_209_866],
    [{ name: 'mlp', hidden: [512, 512, 512] }, 1_735_178],
    [{ name: 'mlp', hidden: [] }, 23_530],
    [{ name: 'resnet18' }, 11_173_962],
    // A bias for each filter instead of a scale and a shift: 4,800 of them.
    [{ name: 'resnet18', batchNorm: false }, 11_173_962 - 4_800],
    // 27 + 2; 36 + 8; 32n² + 10n of the stages of n = 2, 4, 8; 80 + 10.
    [{ name: 'resnet18', width: 1 }, 2_991],
    // Zagoruyko 2016, table 1, has 36.5 and 0.6 million.
    [{ name: 'wide-resnet' }, 36_479_194],
    [{ name: 'wide-resnet', depth: 40, widen: 1 }, 563_930],
    // 9·(3k + 2k² + 8k² + 32k²) and 2·15k; 10·8k + 10 of the logits.
    [{ name: 'cnn5' }, 9 * (3 * 64 + 42 * 64 ** 2) + 30 * 64 + 80 * 64 + 10],
    [{ name: 'cnn5', width: 1 }, 9 * 45 + 30 + 90],
  ])('%j has %i', (model, count) => {
    expect(parameterCount(build(model))).toBe(count);
  });

  it.each([true, false])('inception-v3 has 23,817,352, with BatchNorm %s', (batchNorm) => {
    const model = { name: 'inception-v3', batchNorm };
    expect(parameterCount(build(model, [299, 299, 3], 1000))).toBe(23_817_352);
  });

  it('follows image size, channels and classes', () => {
    expect(parameterCount(build({ name: 'mlp' }, [28, 28, 1], 10))).toBe(407_050);
    expect(parameterCount(build({ name: 'alexnet' }, [64, 64, 3], 100))).toBe(6_492_388);
    expect(parameterCount(build({ name: 'inception' }, [64, 64, 1], 100))).toBe(1_678_004);
    // 2048 features and a bias for each class fewer; 2 · 9 · 32 weights for the two colors fewer.
    const fewer = 23_817_352 - 2049 * 995 - 576;
    expect(parameterCount(build({ name: 'inception-v3' }, [75, 96, 1], 5))).toBe(fewer);
  });

  it('has Inception V3 refuse images that its halvings would use up', () => {
    expect(() => build({ name: 'inception-v3' }, [74, 299, 3])).toThrow(
      'inception-v3 needs images of at least 75×75, not 74×299.',
    );
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
    { name: 'resnet18', width: 2 },
    { name: 'resnet18', width: 2, batchNorm: false },
    { name: 'wide-resnet', depth: 10, widen: 1 },
    { name: 'wide-resnet', depth: 10, widen: 1, batchNorm: false },
    { name: 'cnn5', width: 2 },
    { name: 'cnn5', width: 2, batchNorm: false },
  ];

  it('Inception V3 has the published sizes of feature maps', () => {
    const model = build({ name: 'inception-v3' }, [299, 299, 3], 1000);
    const options = { batchSize: 2, evalBatchSize: 2, momentum: 0, weightDecay: 0, dropout: 0 };
    const { nodes } = traceEval(makeProgram({ model, ...options }));
    const shapes = nodes
      .filter(({ op }) => op === 'conv2d' || op === 'concat' || op === 'maxPool')
      .map(({ outputs }) => outputs[0]!.shape.slice(1).join('×'));
    // Szegedy 2015, table 1, and what its branches make of it.
    const stem = ['149×149×32', '147×147×32', '147×147×64', '73×73×64', '73×73×80', '71×71×192'];
    expect(shapes.slice(0, 7)).toEqual([...stem, '35×35×192']);
    const joined = nodes.filter(({ op }) => op === 'concat').map((n) => n.outputs[0]!.shape);
    expect(joined.map((shape) => shape.slice(1).join('×'))).toEqual([
      '35×35×256',
      '35×35×288',
      '35×35×288',
      ...Array.from({ length: 5 }, () => '17×17×768'),
      '8×8×1280',
      ...Array.from({ length: 2 }, () => ['8×8×768', '8×8×768', '8×8×2048']).flat(),
    ]);
    // 94 convolutions, 15 joins and 4 pools.
    expect(shapes).toHaveLength(94 + 15 + 4);
  });

  it.each([
    ['mlp', [96, 96, 3], 5],
    ['alexnet', [96, 80, 3], 5],
    ['alexnet', [64, 64, 1], 100],
    ['inception', [64, 64, 3], 100],
    ['inception', [96, 96, 3], 5],
    ['inception-v3', [75, 75, 3], 100],
    ['inception-v3', [96, 128, 1], 5],
    ['resnet18', [33, 64, 1], 100],
  ] as const)(
    '%s takes images of %j and %i classes',
    (name, [height, width, channels], classes) => {
      const model = build({ name }, [height, width, channels], classes);
      const options = { batchSize: 3, evalBatchSize: 2, momentum: 0, weightDecay: 0, dropout: 0 };
      const program = makeProgram({ model, ...options });
      expect(traceEval(program).outputs.get('probabilities')!.shape).toEqual([2, classes]);
      const trained = traceTrain(program).outputs;
      for (const { name, shape } of program.state)
        expect(trained.get(`state/${name}`)!.shape).toEqual(shape);
    },
  );

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

  it.each([
    { name: 'inception', batchNormDecay: 0 },
    { name: 'resnet18', width: 4, batchNormDecay: 0 },
    { name: 'wide-resnet', depth: 10, widen: 1, batchNormDecay: 0 },
    { name: 'cnn5', width: 4, batchNormDecay: 0 },
  ])('%j normalizes with batch statistics in training and running ones in inference', (config) => {
    // With decay 0 the running statistics are the last batch's own.
    const model = build(config, [8, 8, 3], 4);
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

  it('is drawn as without a gain, and times it: weights alone', () => {
    for (const name of ['mlp', 'alexnet', 'inception']) {
      const plain = initialState(build({ name }), 7);
      const gained = initialState(build({ name }, undefined, undefined, { initGain: 0.5 }), 7);
      for (const [key, { data }] of Object.entries(plain)) {
        const factor = /(filter|weight)$/.test(key) ? 0.5 : 1;
        const drawn = gained[key]!.data;
        expect(
          drawn.every((x, i) => x === Math.fround(factor * data[i]!)),
          key,
        ).toBe(true);
      }
    }
  });

  it('has scales of one, which do not decay, as biases and shifts do not', () => {
    const model = build({ name: 'resnet18', width: 2 });
    const state = initialState(model, 3);
    const scales = model.parameters.filter(({ name }) => name.endsWith('/scale'));
    // Of the stem, two in each of eight blocks, and three projections.
    expect(scales).toHaveLength(20);
    for (const { name } of scales)
      expect(new Set(state[`param/${name}`]!.data)).toEqual(new Set([1]));
    const decayed = model.parameters.filter((p) => p.decayed).map((p) => p.name.split('/').at(-1));
    expect(new Set(decayed)).toEqual(new Set(['filter', 'weight']));
    expect(decayed).toHaveLength(21);
  });

  it('starts at the loss of guessing, whatever the model', () => {
    for (const name of ['mlp', 'alexnet', 'inception', 'resnet18']) {
      const model = build({ name }, [12, 12, 3], 10);
      const state = initialState(model, 3);
      const pick = (prefix: string) =>
        Object.fromEntries(
          Object.entries(state)
            .filter(([k]) => k.startsWith(prefix))
            .map(([k, t]) => [k.slice(prefix.length), tf.tensor(t.data, t.shape)]),
        );
      const images = tf.randomNormal([4, 12, 12, 3], 0, 1, 'float32', 4) as tf.Tensor4D;
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
