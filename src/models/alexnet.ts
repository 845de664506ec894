import { localResponseNormalization } from './composite-ops.js';
import { flatten, type LayerBuilder, maxPool3x3, type Network } from './layers.js';
import { relu } from './ops.js';
import type { ModelOptions } from './types.js';

/**
 * Small AlexNet (paper, appendix A): twice conv 5×5 of 64 → max-pool 3×3/2 → local response normalization, then dense
 * 384, 192 and the output. 1,387,786 parameters on 28×28×3 with 10 classes.
 */
export function alexnet(
  builder: LayerBuilder,
  { config, inputShape, classes, dropout }: ModelOptions,
): Network {
  const [height, width, channels] = inputShape;
  const conv1 = builder.convBias('conv1', { size: 5, inputs: channels, outputs: 64 });
  const conv2 = builder.convBias('conv2', { size: 5, inputs: 64, outputs: 64 });
  const quarter = (n: number) => Math.ceil(Math.ceil(n / 2) / 2);
  const features = quarter(height) * quarter(width) * 64;
  const dense1 = builder.dense('dense1', features, 384);
  const drop1 = builder.dropout('dense1/dropout', 384, dropout > 0);
  const dense2 = builder.dense('dense2', 384, 192);
  const drop2 = builder.dropout('dense2/dropout', 192, dropout > 0);
  const output = builder.output(192, classes);

  return (pass, images) => {
    let features2d = images;
    for (const conv of [conv1, conv2]) {
      features2d = localResponseNormalization(maxPool3x3(conv(pass, features2d)), config.lrn);
    }
    let x = flatten(features2d);
    x = drop1(pass, relu(dense1(pass, x)));
    x = drop2(pass, relu(dense2(pass, x)));
    return output(pass, x);
  };
}
