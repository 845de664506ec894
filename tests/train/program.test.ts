import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import type { State, TrainInputs } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import { initialState } from '../../src/train/init.js';
import { makeProgram } from '../../src/train/program.js';

beforeAll(() => tf.setBackend('cpu'));

const BATCH = 4;

function setUp(options: { weightDecay?: number; dropout?: number; model?: object } = {}) {
  const { dropout = 0, weightDecay = 0 } = options;
  const parsed = configSchema.parse({ model: options.model ?? { name: 'mlp', hidden: [6] } });
  const model = buildModel({
    config: resolveConfig(parsed, 'test').model,
    inputShape: [4, 4, 3],
    classes: 5,
    dropout,
  });
  const program = makeProgram({
    model,
    batchSize: BATCH,
    evalBatchSize: BATCH,
    momentum: 0.9,
    weightDecay,
    dropout,
  });
  const state: State = Object.fromEntries(
    Object.entries(initialState(model, 1)).map(([k, t]) => [k, tf.tensor(t.data, t.shape)]),
  );
  const images = tf.cast(
    tf.randomUniform([BATCH, 4, 4, 3], 0, 256, 'float32', 9),
    'int32',
  ) as tf.Tensor4D;
  const masks = Object.fromEntries(
    program.masks.map(({ name, units }) => [
      name,
      tf.tensor2d(
        Array.from({ length: BATCH * units }, (_, i) => (i % 3 === 0 ? 0 : 1)),
        [BATCH, units],
      ),
    ]),
  );
  const inputs: TrainInputs = {
    images,
    labels: tf.tensor1d([0, 4, 2, 2], 'int32'),
    masks,
    extras: {},
    learningRate: tf.scalar(0.1),
  };
  return { program, state, inputs };
}

const values = (t: tf.Tensor) => [...t.dataSync()];

describe('trainStep', () => {
  it('moves every parameter against the gradient of the mean cross-entropy', () => {
    const { program, state, inputs } = setUp();
    const out = program.trainStep(state, inputs);
    const meanLoss = (s: State) =>
      tf.mean(program.evalStep(s, inputs.images, inputs.labels).loss).arraySync() as number;
    expect(out.loss.arraySync()).toBeCloseTo(meanLoss(state), 5);
    // Central differences along a few coordinates of each parameter.
    for (const name of ['dense1/weight', 'dense1/bias', 'output/weight', 'output/bias']) {
      const p = values(state[`param/${name}`]!);
      const velocity = values(out.state[`velocity/${name}`]!);
      for (const i of [0, Math.floor(p.length / 2), p.length - 1]) {
        const nudged = (by: number) => {
          const q = p.slice();
          q[i] = q[i]! + by;
          return { ...state, [`param/${name}`]: tf.tensor(q, state[`param/${name}`]!.shape) };
        };
        const slope = (meanLoss(nudged(1e-2)) - meanLoss(nudged(-1e-2))) / 2e-2;
        expect(velocity[i]).toBeCloseTo(slope, 2);
        expect(values(out.state[`param/${name}`]!)[i]).toBeCloseTo(p[i]! - 0.1 * velocity[i]!, 5);
      }
    }
  });

  it('keeps momentum: a second step adds 0.9 of the first velocity', () => {
    const { program, state, inputs } = setUp();
    const first = program.trainStep(state, inputs);
    const fresh = program.trainStep(
      { ...first.state, 'velocity/output/bias': tf.zeros([5]) },
      inputs,
    );
    const second = program.trainStep(first.state, inputs);
    const gradient = values(fresh.state['velocity/output/bias']!);
    const before = values(first.state['velocity/output/bias']!);
    values(second.state['velocity/output/bias']!).forEach((v, i) => {
      expect(v).toBeCloseTo(0.9 * before[i]! + gradient[i]!, 5);
    });
  });

  it('adds λ·w to the gradient of weights and not of biases, and reports the loss without it', () => {
    const plain = setUp();
    const decayed = setUp({ weightDecay: 0.5 });
    plain.state['param/dense1/bias'] = tf.fill([6], 0.25);
    decayed.state['param/dense1/bias'] = tf.fill([6], 0.25);
    const a = plain.program.trainStep(plain.state, plain.inputs);
    const b = decayed.program.trainStep(decayed.state, decayed.inputs);
    expect(b.loss.arraySync()).toBe(a.loss.arraySync());
    const w = values(plain.state['param/dense1/weight']!);
    const va = values(a.state['velocity/dense1/weight']!);
    values(b.state['velocity/dense1/weight']!).forEach((v, i) => {
      expect(v).toBeCloseTo(va[i]! + 0.5 * w[i]!, 5);
    });
    expect(values(b.state['velocity/dense1/bias']!)).toEqual(
      values(a.state['velocity/dense1/bias']!),
    );
  });

  it('scales what dropout keeps by 1/(1 − rate)', () => {
    const { program, state, inputs } = setUp({ dropout: 0.25 });
    const kept = program.trainStep(state, {
      ...inputs,
      masks: { 'dense1/dropout': tf.ones([BATCH, 6]) },
    });
    const scaled = { ...state };
    scaled['param/output/weight'] = tf.div(state['param/output/weight']!, 0.75);
    const twin = setUp();
    expect(kept.loss.arraySync()).toBeCloseTo(
      twin.program.trainStep(scaled, twin.inputs).loss.arraySync() as number,
      5,
    );
    const none = program.trainStep(state, {
      ...inputs,
      masks: { 'dense1/dropout': tf.zeros([BATCH, 6]) },
    });
    expect(none.loss.arraySync()).toBeCloseTo(Math.log(5), 5);
  });

  it('counts the batch it classifies right', () => {
    const { program, state, inputs } = setUp();
    const out = program.trainStep(state, inputs);
    const prediction = values(program.evalStep(state, inputs.images, inputs.labels).prediction);
    const labels = values(inputs.labels);
    expect(out.correct.arraySync()).toBe(prediction.filter((p, i) => p === labels[i]).length);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e38])(
    'says when a weight of %d breaks it',
    (bad) => {
      const { program, state, inputs } = setUp();
      expect(program.trainStep(state, inputs).finite.arraySync()).toBe(1);
      const weight = values(state['param/output/weight']!);
      weight[3] = bad;
      state['param/output/weight'] = tf.tensor(weight, [6, 5]);
      state['param/dense1/bias'] = tf.fill([6], 1e3);
      expect(program.trainStep(state, inputs).finite.arraySync()).toBe(0);
    },
  );

  it('leaves no tensor behind but its results', () => {
    const { program, state, inputs } = setUp({ model: { name: 'inception' } });
    const before = tf.memory().numTensors;
    const out = tf.tidy(() => {
      const { state: next, loss, correct, finite } = program.trainStep(state, inputs);
      return { ...next, loss, correct, finite };
    });
    expect(tf.memory().numTensors - before).toBe(Object.keys(out).length);
    tf.dispose(out);
    expect(tf.memory().numTensors).toBe(before);
  });
});
