import { MODELS, type ModelName } from '../config/models.js';
import { RethinkError } from '../errors.js';
import { sizeOf } from '../shape.js';
import { alexnet } from './alexnet.js';
import { cnn5 } from './cnn5.js';
import { inception } from './inception.js';
import { inceptionV3 } from './inception-v3.js';
import { LayerBuilder, type Network } from './layers.js';
import { mlp } from './mlp.js';
import { resnet18 } from './resnet18.js';
import type { Model, ModelOptions } from './types.js';
import { wideResnet } from './wide-resnet.js';

/** The layers of each model; `config/models.ts` has all else. */
export const BUILDERS: Record<
  ModelName,
  (builder: LayerBuilder, options: ModelOptions) => Network
> = {
  mlp,
  alexnet,
  inception,
  'inception-v3': inceptionV3,
  resnet18,
  'wide-resnet': wideResnet,
  cnn5,
};

/**
 * Builds the network that `config` names, for images [height, width, channels] and a number of classes.
 *
 * @throws RethinkError (`usage`) where the images are too small for it.
 */
export function buildModel(options: ModelOptions): Model {
  const { config, inputShape, classes, initGain } = options;
  checkSide(options);
  const builder = new LayerBuilder(initGain);
  const network = BUILDERS[config.name](builder, options);
  return {
    name: config.name,
    inputShape,
    classes,
    parameters: builder.parameters,
    statistics: builder.statistics,
    norms: builder.norms,
    masks: builder.masks,
    forward(parameters, images, mode) {
      const pass = { parameters, mode, statistics: {} };
      return { logits: network(pass, images), statistics: pass.statistics };
    },
  };
}

function checkSide({ config: { name }, inputShape: [height, width] }: ModelOptions): void {
  const { smallestSide, images } = MODELS[name];
  if (Math.min(height, width) >= smallestSide) return;
  throw new RethinkError(
    'usage',
    `${name} needs images of at least ${smallestSide}×${smallestSide}, not ${height}×${width}.`,
    {
      hint: `Set data.size (${images.side} is what it is made for) where the data set is resized, or use another model.`,
    },
  );
}

/** How many numbers are trained: BatchNorm's running statistics do not count. */
export function parameterCount(model: Model): number {
  return model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
