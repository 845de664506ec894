import * as tf from '@tensorflow/tfjs-core';
import { batchNormOf, flatten, type Layer, type LayerBuilder, type Network } from './layers.js';
import type { ModelOptions } from './types.js';

/** Widths of the convolutions, in those of the first. */
const CONVOLUTIONS = [1, 2, 4, 8];

/**
 * The five-layer CNN of Nakkiran 2020 (appendix B.1): four 3×3 convolutions of widths c, 2c, 4c, 8c with BatchNorm and ReLU,
 * the image halved by max pooling behind the second and third, pooled to one pixel behind the fourth, then the logits. A
 * bias in front of BatchNorm would do nothing, and is left out.
 */
export function cnn5(builder: LayerBuilder, options: ModelOptions): Network {
  const { config, inputShape, classes, dropout } = options;
  const batchNorm = batchNormOf(config, { scale: true });
  let inputs = inputShape[2];
  const layers = CONVOLUTIONS.map((factor, i): Layer => {
    // Its row of the table has a default.
    const outputs = factor * config.width!;
    const conv = builder.convModule(`conv${i + 1}`, { size: 3, inputs, outputs }, batchNorm);
    inputs = outputs;
    return i === 1 || i === 2 ? (pass, x) => tf.maxPool(conv(pass, x), 2, 2, 'valid') : conv;
  });
  const drop = builder.dropout('pool/dropout', inputs, dropout > 0);
  const output = builder.output(inputs, classes);
  return (pass, images) => {
    const x = layers.reduce((y, layer) => layer(pass, y), images);
    const [, height, width] = x.shape;
    const pooled = flatten(tf.maxPool(x, [height, width], 1, 'valid'));
    return output(pass, drop(pass, pooled));
  };
}
