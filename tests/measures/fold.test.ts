import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HostState } from '../../src/engines/types.js';
import { folded, stateOf, type Weights } from '../../src/measures/fold.js';
import { forward } from '../../src/measures/path-norm.js';
import type { Model } from '../../src/models/types.js';
import { Random } from '../../src/random.js';
import { sizeOf } from '../../src/shape.js';
import { EVERY_MODEL } from '../helpers/models.js';
import { build, trainedState } from './helpers.js';

beforeAll(() => tf.setBackend('cpu'));

/** Logits of one image by tfjs, in inference. */
function byTfjs(model: Model, state: HostState, image: Float64Array): number[] {
  const tensors = (kind: string, names: { name: string }[]) =>
    Object.fromEntries(
      names.map(({ name }) => {
        const { data, shape } = state[`${kind}/${name}`]!;
        return [name, tf.tensor(data, shape)];
      }),
    );
  return tf.tidy(() => {
    const images = tf.tensor4d(Float32Array.from(image), [1, ...model.inputShape]);
    const statistics = tensors('statistic', model.statistics) as Record<string, tf.Tensor1D>;
    const mode = { training: false as const, statistics };
    return [...model.forward(tensors('param', model.parameters), images, mode).logits.dataSync()];
  });
}

const NETWORKS: [model: object, side: number][] = [
  [{ name: 'mlp', hidden: [7, 5] }, 5],
  [{ name: 'alexnet' }, 6],
  [{ name: 'inception' }, 6],
  [{ name: 'inception', batchNorm: false }, 6],
  // It takes ten seconds of tfjs' own convolutions.
  ...(EVERY_MODEL ? [[{ name: 'inception-v3' }, 75] as [object, number]] : []),
  [{ name: 'resnet18', width: 2 }, 12],
  [{ name: 'wide-resnet', depth: 10, widen: 1 }, 12],
  [{ name: 'wide-resnet', depth: 10, widen: 2, batchNorm: false }, 12],
  [{ name: 'cnn5', width: 3 }, 12],
];

describe('folding BatchNorm in', () => {
  it.each(NETWORKS)(
    '%j computes the same, in double precision and as a state',
    async (of, side) => {
      const model = build({ ...of }, [side, side, 3]);
      const state = trainedState(model);
      const random = new Random(3, 'image');
      const image = new Float64Array(sizeOf(model.inputShape)).map(() => random.normal());
      const expected = byTfjs(model, state, image);
      const weights = folded(model, state);
      const size = Math.max(...expected.map(Math.abs));
      const exact = [...(await forward(model, weights, image))];
      const single = byTfjs(model, stateOf(model, state, weights), image);
      for (const [i, logit] of expected.entries()) {
        expect(Math.abs(exact[i]! - logit)).toBeLessThan(1e-4 * size);
        expect(Math.abs(single[i]! - logit)).toBeLessThan(1e-4 * size);
      }
      // Everything that BatchNorm scales by has gone into weights: into one filter's outputs, or the inputs of what follows.
      for (const { scale, into } of model.norms) {
        expect(into.weights).not.toEqual([]);
        const left = scale === null ? [1] : [...weights[scale]!];
        expect(left.every((s) => (into.axis === 'outputs' ? s === 1 : Math.abs(s) === 1))).toBe(
          true,
        );
      }
    },
  );

  it('keeps the factor of a channel in front of convolutions that is 0, and its shift', async () => {
    const model = build({ name: 'wide-resnet', depth: 10, widen: 1 }, [8, 8, 1]);
    const state = trainedState(model);
    for (const { scale } of model.norms) state[`param/${scale}`]!.data[0] = 0;
    const image = new Float64Array(64).fill(0.5);
    const weights = folded(model, state);
    const expected = byTfjs(model, state, image);
    for (const [i, logit] of (await forward(model, weights, image)).entries()) {
      expect(logit).toBeCloseTo(expected[i]!, 4);
    }
    for (const values of Object.values<Float64Array>(weights as Weights)) {
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  it('works a filter and a shift out by hand', () => {
    const model = build({ name: 'cnn5', width: 1 }, [4, 4, 1]);
    const state = trainedState(model);
    const set = (name: string, ...values: number[]) => state[name]!.data.set(values);
    set('param/conv1/filter', ...Array(9).fill(2));
    set('param/conv1/scale', 6);
    set('param/conv1/shift', 1);
    set('statistic/conv1/mean', 5);
    set('statistic/conv1/variance', 4 - 1e-3);
    const weights = folded(model, state);
    // 6 / √4 = 3; 1 − 5 · 3.
    for (const value of weights['conv1/filter']!) expect(value).toBeCloseTo(6, 6);
    expect(weights['conv1/shift']![0]).toBeCloseTo(-14, 6);
  });
});
