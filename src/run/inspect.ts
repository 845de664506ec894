import { locatedConfig, startedHere } from '../config/places.js';
import type { Config } from '../config/resolve.js';
import { engineNeeded } from '../config/theory.js';
import { knownShape, missingData } from '../data/source.js';
import { enginesFor, listEngines } from '../engines/index.js';
import { buildModel, parameterCount } from '../models/index.js';
import type { Model } from '../models/types.js';
import { cropSide } from '../setup/data.js';

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
  const shape = knownShape(locatedConfig(config, startedHere()).data);
  if (shape === undefined || config.experiment !== 'train') return undefined;
  const crop = cropSide(config.data, shape);
  return buildModel({
    config: config.model,
    inputShape: [crop, crop, shape.channels],
    classes: shape.classes,
    dropout: config.regularization.dropout,
  });
}

/** A sentence for the data and for the engine where a run would not find them; reads and installs nothing. */
export async function missing(config: Config, dataDir: string | undefined): Promise<string[]> {
  const { data } = locatedConfig(config, startedHere());
  const found = [missingData(data, dataDir), await missingEngine(config)];
  return found.filter((sentence) => sentence !== undefined);
}

async function missingEngine({ engine, experiment }: Config): Promise<string | undefined> {
  // All they need is JavaScript.
  if (engineNeeded(experiment) === null) return undefined;
  const wanted = await enginesFor(engine);
  const candidates = (await listEngines()).filter(({ name }) => wanted.includes(name));
  if (candidates.some(({ problem }) => problem === null)) return undefined;
  // The one that the run would install.
  const told = candidates.find(({ name }) => name === wanted[0])!;
  const remedy = told.install ? ` The first run installs it, or: ${told.install}` : '';
  return `The engine ${told.name} can't be used yet: ${told.problem}.${remedy}`;
}

/** Floating-point operations to train on one image; `undefined` where only the data could tell its shape. */
export async function flops(config: Config): Promise<number | undefined> {
  const model = modelOf(config);
  if (model === undefined) return undefined;
  // Only here: tracing needs much that the rest of a dry run does not.
  const { countArithmetic } = await import('../bench/flops.js');
  const { makeProgram } = await import('../train/program.js');
  const { momentum, optimizer } = config.train;
  const { weightDecay, dropout } = config.regularization;
  const program = makeProgram({
    model,
    batchSize: 1,
    evalBatchSize: 1,
    momentum,
    weightDecay,
    dropout,
    optimizer,
  });
  return countArithmetic(program).train;
}
