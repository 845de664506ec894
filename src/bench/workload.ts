import { TrainBatches } from '../batches/batches.js';
import { prefetch } from '../batches/prefetch.js';
import { CIFAR, MODELS, type ModelName } from '../config/models.js';
import { type Config, resolveConfig } from '../config/resolve.js';
import { configSchema } from '../config/schema.js';
import type { ImageSize, Split } from '../data/types.js';
import { CHUNK_BYTES, type HostState, type Program } from '../engines/types.js';
import { buildModel } from '../models/index.js';
import type { Model } from '../models/types.js';
import { Random } from '../random.js';
import { cropSide } from '../setup/data.js';
import { evalBatches } from '../train/eval-batch.js';
import { initialState } from '../train/init.js';
import type { BatchSource } from '../train/loop.js';
import { makeProgram } from '../train/program.js';

const square = (side: number): ImageSize => ({ height: side, width: side, channels: 3 });
/** CIFAR-10's images. */
export const IMAGE_SIZE = square(CIFAR.side);
const SEED = 0;
/** Small: noise can't be learned, and a run that diverges ends. */
const LEARNING_RATE = 1e-3;
/** An epoch of a power of two never ends with a chunk of a size that was not met before. */
const MOST_STEPS = 128;

/** All that a run with this model has, on random bytes instead of a data set. */
export interface Workload {
  config: Config;
  model: Model;
  program: Program;
  state: HostState;
  batches: BatchSource & { dispose(): void };
  examples: Split;
  size: ImageSize;
  /** Side of the crop that the network sees. */
  crop: number;
}

/** A model with its default configuration, and the programs of a run that trains it. */
export type Trainee = Pick<Workload, 'config' | 'model' | 'program' | 'size' | 'crop'>;

/** @param examples in the larger split: fewer than a batch of an evaluation make that smaller */
export function makeTrainee(name: ModelName, batchSize: number, examples: number): Trainee {
  const train = { batchSize, learningRate: LEARNING_RATE, stop: 'never', epochs: 1_000_000 };
  const config = resolveConfig(
    configSchema.parse({ model: { name }, train: { ...train, evaluateEvery: train.epochs } }),
    'bench',
  );
  const { side, classes } = MODELS[name].images;
  const size = square(side);
  const crop = cropSide(config.data, size);
  const { dropout, weightDecay } = config.regularization;
  const model = buildModel({
    config: config.model,
    inputShape: [crop, crop, size.channels],
    classes,
    dropout,
  });
  const program = makeProgram({
    model,
    batchSize,
    ...evalBatches(model, examples),
    momentum: config.train.momentum,
    weightDecay,
    dropout,
  });
  return { config, model, program, size, crop };
}

/** Makes the program, the initial state and the batches of a model with its default configuration. */
export function makeWorkload(name: ModelName, batchSize: number): Workload {
  const { side, classes } = MODELS[name].images;
  const count = batchSize * stepsOfEpoch(batchSize, square(side));
  const trainee = makeTrainee(name, batchSize, count);
  const { config, model, size, crop } = trainee;
  const examples = randomExamples(count, size, classes);
  return {
    ...trainee,
    examples,
    state: initialState(model, SEED),
    batches: prefetch(
      new TrainBatches({
        examples,
        size,
        batchSize,
        crop,
        augment: config.regularization.augment,
        masks: model.masks,
        dropout: config.regularization.dropout,
        seed: SEED,
      }),
    ),
  };
}

/** A power of two whose images fit into one chunk, if one batch does. */
function stepsOfEpoch(batchSize: number, { height, width, channels }: ImageSize): number {
  const fitting = Math.floor(CHUNK_BYTES / (batchSize * height * width * channels));
  return 2 ** Math.floor(Math.log2(Math.max(1, Math.min(MOST_STEPS, fitting))));
}

/** Images of random bytes with random labels. */
export function randomExamples(count: number, size = IMAGE_SIZE, classes = CIFAR.classes): Split {
  const { height, width, channels } = size;
  const random = new Random(SEED, 'bench');
  const words = Uint32Array.from(
    { length: Math.ceil((count * height * width * channels) / 4) },
    () => random.uint32(),
  );
  return {
    images: new Uint8Array(words.buffer),
    labels: Int32Array.from({ length: count }, () => random.integer(classes)),
    indices: Uint32Array.from({ length: count }, (_, i) => i),
    count,
  };
}
