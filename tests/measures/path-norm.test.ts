import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { folded, type Weights } from '../../src/measures/fold.js';
import { pathNorm } from '../../src/measures/path-norm.js';
import { averagePool3x3 } from '../../src/models/composite-ops.js';
import type { Model } from '../../src/models/types.js';
import { Random } from '../../src/random.js';
import { initialState } from '../../src/train/init.js';
import { build } from './helpers.js';

function integers(seed: string, count: number): Float64Array {
  const random = new Random(1, seed);
  return new Float64Array(count).map(() => random.integer(7) - 3);
}

describe('path norm', () => {
  it('is the sum over all paths, of a network of two layers', async () => {
    const model = build({ name: 'mlp', hidden: [2] }, [1, 1, 2], 2);
    const state = initialState(model, 1);
    state['param/dense1/weight']!.data.set([1, -2, 3, 0]);
    state['param/dense1/bias']!.data.set([0, 2]);
    state['param/output/weight']!.data.set([1, 2, -1, 3]);
    state['param/output/bias']!.data.set([5, 0]);
    // Hidden, from both inputs and the bias: 1 + 9 + 0 and 4 + 0 + 4; on to both logits 1 + 4 and 1 + 9; and 25.
    expect(await pathNorm(model, folded(model, state))).toBe(10 * 5 + 8 * 10 + 25);
  });

  it('is the sum over all paths, of convolutions with a shortcut, enumerated', async () => {
    const [side, colors, hidden, classes] = [4, 2, 3, 2];
    const size = { conv1: 9 * colors * hidden, conv2: 9 * hidden * hidden };
    const halved = side / 2;
    const features = halved * halved * hidden;
    const weights: Weights = {
      conv1: integers('conv1', size.conv1),
      bias: integers('bias', hidden),
      conv2: integers('conv2', size.conv2),
      output: integers('output', features * classes),
    };
    const parameter = (name: string, shape: number[]) => ({
      name,
      shape,
      init: 'zeros' as const,
      decayed: true,
    });
    const model: Model = {
      name: 'toy',
      inputShape: [side, side, colors],
      classes,
      parameters: [
        parameter('conv1', [3, 3, colors, hidden]),
        parameter('bias', [hidden]),
        parameter('conv2', [3, 3, hidden, hidden]),
        parameter('output', [features, classes]),
      ],
      statistics: [],
      norms: [],
      masks: [],
      forward(p, images) {
        const a = tf.add(tf.conv2d(images, p.conv1 as tf.Tensor4D, 2, 'same'), p.bias!);
        const b = tf.conv2d(tf.relu(a) as tf.Tensor4D, p.conv2 as tf.Tensor4D, 1, 'same');
        const flat = tf.reshape(tf.relu(tf.add(a, b)), [-1, features]);
        return { logits: tf.matMul(flat, p.output as tf.Tensor2D) as tf.Tensor2D, statistics: {} };
      },
    };

    const squared = (name: string, i: number) => weights[name]![i]! ** 2;
    const inside = (at: number, n: number) => at >= 0 && at < n;
    let sum = 0;
    /** Goes on from a value of the first layer, at a place and channel: to the logits itself, and by the second convolution. */
    const onFrom = (y: number, x: number, c: number, product: number) => {
      const toLogits = (row: number, column: number, channel: number, by: number) => {
        const feature = (row * halved + column) * hidden + channel;
        for (let k = 0; k < classes; k++) sum += by * squared('output', feature * classes + k);
      };
      toLogits(y, x, c, product);
      for (let dy = 0; dy < 3; dy++) {
        for (let dx = 0; dx < 3; dx++) {
          const [row, column] = [y + 1 - dy, x + 1 - dx];
          if (!inside(row, halved) || !inside(column, halved)) continue;
          for (let channel = 0; channel < hidden; channel++) {
            const weight = squared('conv2', ((dy * 3 + dx) * hidden + c) * hidden + channel);
            toLogits(row, column, channel, product * weight);
          }
        }
      }
    };
    for (let y = 0; y < halved; y++) {
      for (let x = 0; x < halved; x++) {
        for (let c = 0; c < hidden; c++) {
          onFrom(y, x, c, squared('bias', c));
          // SAME with stride 2 pads behind alone.
          for (let dy = 0; dy < 3; dy++) {
            for (let dx = 0; dx < 3; dx++) {
              if (!inside(2 * y + dy, side) || !inside(2 * x + dx, side)) continue;
              for (let color = 0; color < colors; color++) {
                onFrom(y, x, c, squared('conv1', ((dy * 3 + dx) * colors + color) * hidden + c));
              }
            }
          }
        }
      }
    }
    expect(await pathNorm(model, weights)).toBe(sum);
    expect(sum).toBeGreaterThan(1e5);
  });

  it('goes through pools, pads and joined channels as a forward pass does', async () => {
    const model: Model = {
      name: 'toy',
      inputShape: [4, 4, 1],
      classes: 2,
      parameters: [
        { name: 'row', shape: [1, 3, 1, 1], init: 'zeros', decayed: true },
        { name: 'output', shape: [2, 2], init: 'zeros', decayed: true },
      ],
      statistics: [],
      norms: [],
      masks: [],
      forward(p, images) {
        const rows = tf.conv2d(images, p.row as tf.Tensor4D, 1, 'valid');
        const padded = tf.pad(rows, [
          [0, 0],
          [0, 0],
          [1, 1],
          [0, 0],
        ]) as tf.Tensor4D;
        const joined = tf.concat([averagePool3x3(padded), tf.maxPool(padded, 3, 1, 'same')], 3);
        const pooled = tf.mean(joined, [1, 2]) as tf.Tensor2D;
        return {
          logits: tf.matMul(pooled, p.output as tf.Tensor2D) as tf.Tensor2D,
          statistics: {},
        };
      },
    };
    const weights = { row: Float64Array.of(1, -2, 1), output: Float64Array.of(1, 0, 0, 1) };
    // Rows are [0, 6, 6, 0]: the mean of windows that lie inside is [3, 4, 4, 3], the greatest 6.
    expect(await pathNorm(model, weights)).toBeCloseTo(3.5 + 6, 12);
  });

  it('changes by the square of what multiplies the logits, and not with a rescaling within', async () => {
    const model = build({ name: 'mlp', hidden: [4] }, [2, 2, 1]);
    const weights = folded(model, initialState(model, 1));
    const norm = await pathNorm(model, weights);
    const times = (name: string, factor: number) => weights[name]!.map((value) => value * factor);
    const scaled = { ...weights, 'output/weight': times('output/weight', 3) };
    expect((await pathNorm(model, scaled)) / norm).toBeCloseTo(9, 10);
    const moved = { ...scaled, 'dense1/weight': times('dense1/weight', 1 / 3) };
    expect((await pathNorm(model, moved)) / norm).toBeCloseTo(1, 10);
  });
});
