import * as tf from '@tensorflow/tfjs-core';
import {
  batchNormOf,
  type ConvOptions,
  type Layer,
  type LayerBuilder,
  type Network,
} from './layers.js';
import { relu } from './ops.js';
import type { ModelOptions } from './types.js';

/** Widths of the stages, in those of the first. */
const STAGES = [1, 2, 4, 8];

/**
 * ResNet-18 (He 2016, 'Deep Residual Learning') as it is trained on CIFAR-10: a 3×3 convolution and no pooling before
 * the first stage; stages of two basic blocks of widths k, 2k, 4k, 8k, each stage but the first halving the image;
 * projections where the shape changes; BatchNorm with scale and shift. 11,173,962 parameters with k = 64, three colors
 * and 10 classes.
 */
export function resnet18(builder: LayerBuilder, options: ModelOptions): Network {
  const batchNorm = batchNormOf(options.config, { scale: true });
  // Its row of the table has a default.
  const width = options.config.width!;
  const conv = (name: string, conv: ConvOptions) => builder.convModule(name, conv, batchNorm);

  const block = (name: string, inputs: number, outputs: number, stride: number): Layer => {
    // As PyTorch pads: alike on all sides. SAME is that with stride 1, and with stride 2 pads even sides behind only.
    const padding = stride > 1 ? 1 : 'same';
    const first = conv(`${name}/conv1`, { size: 3, inputs, outputs, stride, padding });
    const second = conv(`${name}/conv2`, { size: 3, inputs: outputs, outputs, relu: false });
    const shortcut: Layer =
      inputs === outputs
        ? (_, x) => x
        : conv(`${name}/shortcut`, { size: 1, inputs, outputs, stride, relu: false });
    return (pass, x) => relu(tf.add(second(pass, first(pass, x)), shortcut(pass, x)));
  };

  const stem = conv('stem', { size: 3, inputs: options.inputShape[2], outputs: width });
  let channels = width;
  const blocks = STAGES.flatMap((factor, i) => {
    const [inputs, outputs] = [channels, factor * width];
    channels = outputs;
    const name = `stage${i + 1}`;
    return [
      block(`${name}/block1`, inputs, outputs, i === 0 ? 1 : 2),
      block(`${name}/block2`, outputs, outputs, 1),
    ];
  });
  return builder.pooledOutput([stem, ...blocks], channels, options);
}
