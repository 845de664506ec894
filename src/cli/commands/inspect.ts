import { existsSync } from 'node:fs';
import type { Config } from '../../config/resolve.js';
import { describeDataset } from '../../data/load.js';
import { publishedSpec } from '../../data/published/catalog.js';
import { locate } from '../../data/published/locate.js';
import { isTreeName, placeOf } from '../../data/source.js';
import { DEFAULT_SIZE } from '../../data/tree/imagetree.js';
import type { ImageSize } from '../../data/types.js';
import { listEngines } from '../../engines/list.js';
import { RethinkError } from '../../errors.js';
import { buildModel, parameterCount } from '../../models/index.js';
import type { Model } from '../../models/types.js';
import { cropSide } from '../../setup/data.js';

/** Of ILSVRC 2012. */
const IMAGENET_CLASSES = 1000;

/**
 * How many numbers the config's network trains; `undefined` where only the data could tell its classes.
 *
 * @throws RethinkError (`usage`) where the images are too small for the crop or the network.
 */
export async function parameters(config: Config): Promise<number | undefined> {
  const model = modelOf(config);
  return model && parameterCount(model);
}

function modelOf(config: Config): Model | undefined {
  const shape = shapeOf(config.data);
  if (shape === undefined || config.experiment !== 'train') return undefined;
  const crop = cropSide(config.data, shape);
  return buildModel({
    config: config.model,
    inputShape: [crop, crop, shape.channels],
    classes: shape.classes,
    dropout: config.regularization.dropout,
  });
}

/** What the network sees and tells apart, as far as it is known without reading an archive. */
function shapeOf(data: Config['data']): (ImageSize & { classes: number }) | undefined {
  const info = describeDataset(data);
  if (info !== undefined) return { ...info, classes: info.classes.length };
  if (!isTreeName(data.name)) return undefined;
  const { synsets, classes = synsets?.length } = data.subset ?? {};
  // Somebody's folder or archive may hold a part of ImageNet under its name.
  const whole = data.name === 'imagenet' && data.dir === undefined ? IMAGENET_CLASSES : undefined;
  const known = classes ?? whole;
  if (known === undefined) return undefined;
  const side = data.size ?? DEFAULT_SIZE;
  return { height: side, width: side, channels: 3, classes: known };
}

/** A sentence for the data and for the engine where a run would not find them; reads and installs nothing. */
export async function missing(config: Config, dataDir: string | undefined): Promise<string[]> {
  const found = [missingData(config, dataDir), await missingEngine(config)];
  return found.filter((sentence) => sentence !== undefined);
}

function missingData({ data }: Config, dataDir: string | undefined): string | undefined {
  const spec = publishedSpec(data.name);
  if (spec === undefined) {
    if (!isTreeName(data.name)) return undefined;
    if (data.dir === undefined) return `data.dir: ${data.name} needs a folder or archive.`;
    return existsSync(data.dir) ? undefined : `data.dir: there is no ${data.dir}.`;
  }
  try {
    locate(spec, placeOf(data, dataDir));
    return undefined;
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    return error.hint ? `${error.message} ${error.hint}` : error.message;
  }
}

async function missingEngine({ engine, experiment }: Config): Promise<string | undefined> {
  // All they need is JavaScript.
  if (experiment === 'theorem1' || experiment === 'linear') return undefined;
  const statuses = await listEngines();
  // Auto has wasm to fall back on, but that is many times slower: it is told as missing all the same.
  const wanted = engine.name === 'auto' ? ['xla', 'tensorflow'] : [engine.name];
  const candidates = statuses.filter(({ name }) => wanted.includes(name));
  if (candidates.some(({ problem }) => problem === null)) return undefined;
  const told = candidates.find(({ name }) => name === 'tensorflow') ?? candidates[0];
  if (told === undefined) return `The engine ${engine.name} isn't part of this version.`;
  const remedy = told.install ? ` The first run installs it, or: ${told.install}` : '';
  return `The engine ${told.name} can't be used yet: ${told.problem}.${remedy}`;
}

/** Floating-point operations to train on one image; `undefined` where only the data could tell its shape. */
export async function flops(config: Config): Promise<number | undefined> {
  const model = modelOf(config);
  if (model === undefined) return undefined;
  // Only here: tracing needs much that the rest of a dry run does not.
  const { countArithmetic } = await import('../../bench/flops.js');
  const { makeProgram } = await import('../../train/program.js');
  const { momentum } = config.train;
  const { weightDecay, dropout } = config.regularization;
  const program = makeProgram({
    model,
    batchSize: 1,
    evalBatchSize: 1,
    momentum,
    weightDecay,
    dropout,
  });
  return countArithmetic(program).train;
}
