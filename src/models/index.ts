import type { ModelName } from '../config/schema.js';
import { alexnet } from './alexnet.js';
import { inception } from './inception.js';
import { inceptionV3 } from './inception-v3.js';
import { mlp } from './mlp.js';
import type { Model, ModelOptions } from './types.js';

const MODELS: Record<ModelName, (options: ModelOptions) => Model> = {
  mlp,
  alexnet,
  inception,
  'inception-v3': inceptionV3,
};

/**
 * Builds the network that `config` names, for images [height, width, channels] and a number of classes.
 *
 * @throws RethinkError (`usage`) where the images are too small for it.
 */
export function buildModel(options: ModelOptions): Model {
  return MODELS[options.config.name](options);
}

/** Whether a training step of the network is few, small operations: see `shortSteps` of an engine's context. */
export function hasShortSteps(name: ModelName): boolean {
  return name === 'mlp';
}

/** How many numbers are trained: BatchNorm's running statistics do not count. */
export function parameterCount(model: Model): number {
  return model.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
