import * as tf from '@tensorflow/tfjs-core';
import { batchNormOf, type Layer, LayerBuilder, maxPool3x3 } from './layers.js';
import type { Model, ModelOptions } from './types.js';

/**
 * Small Inception (paper, figure 3 of the appendix). A conv module is conv(SAME) → BatchNorm (shift, no scale) → ReLU,
 * or without BatchNorm conv + bias → ReLU; both have 1,649,402 parameters on 28×28×3 with 10 classes.
 */
export function inception({ config, inputShape, classes, dropout }: ModelOptions): Model {
  const builder = new LayerBuilder();
  const batchNorm = batchNormOf(config);
  let channels = inputShape[2];

  const conv = (name: string, size: number, inputs: number, outputs: number, stride = 1): Layer =>
    builder.convModule(name, { size, inputs, outputs, stride }, batchNorm);

  const stem = (name: string, outputs: number): Layer => {
    const layer = conv(name, 3, channels, outputs);
    channels = outputs;
    return layer;
  };
  const module = (name: string, narrow: number, wide: number): Layer => {
    const one = conv(`${name}/conv1x1`, 1, channels, narrow);
    const three = conv(`${name}/conv3x3`, 3, channels, wide);
    channels = narrow + wide;
    return (pass, x) => tf.concat([one(pass, x), three(pass, x)], 3);
  };
  const downsample = (name: string, outputs: number): Layer => {
    const three = conv(`${name}/conv3x3`, 3, channels, outputs, 2);
    channels += outputs;
    return (pass, x) => tf.concat([three(pass, x), maxPool3x3(x)], 3);
  };

  const layers = [
    stem('stem', 96),
    module('inception1', 32, 32),
    module('inception2', 32, 48),
    downsample('downsample1', 80),
    module('inception3', 112, 48),
    module('inception4', 96, 64),
    module('inception5', 80, 80),
    module('inception6', 48, 96),
    downsample('downsample2', 96),
    module('inception7', 176, 160),
    module('inception8', 176, 160),
  ];
  const drop = builder.dropout('pool/dropout', channels, dropout > 0);
  const output = builder.output(channels, classes);

  return {
    name: 'inception',
    inputShape,
    classes,
    parameters: builder.parameters,
    statistics: builder.statistics,
    masks: builder.masks,
    forward(parameters, images, mode) {
      const pass = { parameters, mode, statistics: {} };
      let x = images;
      for (const layer of layers) x = layer(pass, x);
      // 7×7 on 28×28 images; at other sizes the mean is over whatever is left.
      const pooled = drop(pass, tf.mean(x, [1, 2]) as tf.Tensor2D);
      return { logits: output(pass, pooled), statistics: pass.statistics };
    },
  };
}
