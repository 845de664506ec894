import '@tensorflow/tfjs';
import type { ModelName } from '../../src/config/models.js';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import type { HostState, Program, TrainChunk } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import { Random } from '../../src/random.js';
import { initialState } from '../../src/train/init.js';
import { makeProgram } from '../../src/train/program.js';

/** The three networks of the paper's CIFAR-10 experiments, as they are configured by default. */
export const COMPARED: ModelName[] = ['inception', 'alexnet', 'mlp'];

/** Small: on noise the usual rates diverge, and a diverging run says nothing about numerics. */
const LEARNING_RATE = 1e-3;

export interface Workload {
  program: Program;
  state: HostState;
}

export function workload(model: ModelName, batchSize: number): Workload {
  const config = resolveConfig(configSchema.parse({ model: { name: model } }), 'gpu-check');
  const network = buildModel({
    config: config.model,
    inputShape: [28, 28, 3],
    classes: 10,
    dropout: 0,
  });
  const program = makeProgram({
    model: network,
    batchSize,
    evalBatchSize: batchSize,
    momentum: config.train.momentum,
    weightDecay: 0,
    dropout: 0,
  });
  return { program, state: initialState(network, 1) };
}

/** Random images and labels, the same everywhere. */
export function noise({ program }: Workload, steps: number): TrainChunk {
  const random = new Random(1, 'gpu-check');
  const images = steps * program.batchSize;
  return {
    steps,
    images: Uint8Array.from({ length: images * 28 * 28 * 3 }, () => random.integer(256)),
    labels: Int32Array.from({ length: images }, () => random.integer(10)),
    masks: {},
    extras: {},
    learningRates: new Float32Array(steps).fill(LEARNING_RATE),
  };
}
