import {
  batchNormOf,
  type Layer,
  type LayerBuilder,
  maxPool3x3,
  type Network,
  sideBySide,
} from './layers.js';
import type { ModelOptions } from './types.js';

/**
 * Small Inception (paper, figure 3 of the appendix). A conv module is conv(SAME) → BatchNorm (shift, no scale) → ReLU,
 * or without BatchNorm conv + bias → ReLU; both have 1,649,402 parameters on 28×28×3 with 10 classes.
 */
export function inception(builder: LayerBuilder, options: ModelOptions): Network {
  const batchNorm = batchNormOf(options.config);
  let channels = options.inputShape[2];

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
    return sideBySide(one, three);
  };
  const downsample = (name: string, outputs: number): Layer => {
    const three = conv(`${name}/conv3x3`, 3, channels, outputs, 2);
    channels += outputs;
    return sideBySide(three, (_, x) => maxPool3x3(x));
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
  // 7×7 is left of 28×28 images.
  return builder.pooledOutput(layers, channels, options);
}
