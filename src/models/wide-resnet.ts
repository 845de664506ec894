import * as tf from '@tensorflow/tfjs-core';
import {
  batchNormOf,
  type ConvOptions,
  type Layer,
  type LayerBuilder,
  type Network,
} from './layers.js';
import type { ModelOptions } from './types.js';

/** Width before the first stage, and of the stages, which are so many times wider. */
const STEM = 16;
const STAGES = [16, 32, 64];

/**
 * Wide ResNet (Zagoruyko & Komodakis 2016): BatchNorm and ReLU before each convolution, three stages of (depth − 4)/6 basic
 * blocks, each stage but the first halving the image; no dropout within the blocks. 36,479,194 parameters with depth 28,
 * 10 times the width, three colors and 10 classes.
 */
export function wideResnet(builder: LayerBuilder, options: ModelOptions): Network {
  const { config, inputShape } = options;
  const batchNorm = batchNormOf(config, { scale: true });
  // Its row of the table has defaults.
  const blocks = (config.depth! - 4) / 6;
  const conv = (name: string, given: ConvOptions) =>
    builder.conv(name, { ...given, relu: false }, { bias: batchNorm === null });
  const active = (name: string, units: number) => builder.normRelu(name, units, batchNorm);

  const block = (name: string, inputs: number, outputs: number, stride: number): Layer => {
    // As PyTorch pads: alike on all sides.
    const padding = stride > 1 ? 1 : 'same';
    const before = active(`${name}/norm1`, inputs);
    const after = `${name}/norm1`;
    const first = conv(`${name}/conv1`, { size: 3, inputs, outputs, stride, padding, after });
    const between = active(`${name}/norm2`, outputs);
    const second = conv(`${name}/conv2`, {
      size: 3,
      inputs: outputs,
      outputs,
      after: `${name}/norm2`,
    });
    const projection =
      inputs === outputs
        ? null
        : conv(`${name}/shortcut`, { size: 1, inputs, outputs, stride, after });
    return (pass, x) => {
      const y = before(pass, x);
      const shortcut = projection === null ? x : projection(pass, y);
      return tf.add(second(pass, between(pass, first(pass, y))), shortcut);
    };
  };

  const stem = conv('stem', { size: 3, inputs: inputShape[2], outputs: STEM });
  let channels = STEM;
  const stages = STAGES.flatMap((width, i) =>
    Array.from({ length: blocks }, (_, k) => {
      const [inputs, outputs] = [channels, width * config.widen!];
      channels = outputs;
      return block(`stage${i + 1}/block${k + 1}`, inputs, outputs, i > 0 && k === 0 ? 2 : 1);
    }),
  );
  const last = active('norm', channels);
  return builder.pooledOutput([stem, ...stages, last], channels, options, 'norm');
}
