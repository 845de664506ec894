import { existsSync } from 'node:fs';
import type { Config } from '../config/resolve.js';
import { publishedSpec } from '../data/catalog.js';
import { describeDataset } from '../data/load.js';
import { locate } from '../data/locate.js';
import { platformProblem } from '../engines/tensorflow/platform.js';
import { findUsable } from '../engines/tensorflow/usable.js';
import { findPlugins } from '../engines/xla/plugin.js';
import { RethinkError } from '../errors.js';
import { buildModel, parameterCount } from '../models/index.js';
import { cropSide } from '../prepare.js';

/**
 * How many numbers the config's network trains; `undefined` where only the data could tell its classes.
 *
 * @throws RethinkError (`usage`) where the images are too small for the crop or the network.
 */
export async function parameters(config: Config): Promise<number | undefined> {
  const info = describeDataset(config.data);
  if (info === undefined) return undefined;
  const crop = cropSide(config.data, info);
  const model = buildModel({
    config: config.model,
    inputShape: [crop, crop, info.channels],
    classes: info.classes.length,
    dropout: config.regularization.dropout,
  });
  return parameterCount(model);
}

/** A sentence for the data and for the engine where a run would not find them; reads and installs nothing. */
export async function missing(config: Config, dataDir: string | undefined): Promise<string[]> {
  const found = [missingData(config, dataDir), await missingEngine(config)];
  return found.filter((sentence) => sentence !== undefined);
}

function missingData({ data }: Config, dataDir: string | undefined): string | undefined {
  const spec = publishedSpec(data.name);
  if (spec === undefined) {
    if (data.name !== 'imagetree') return undefined;
    if (data.dir === undefined) return 'data.dir: imagetree needs a folder or archive.';
    return existsSync(data.dir) ? undefined : `data.dir: there is no ${data.dir}.`;
  }
  try {
    locate(spec, { dir: data.dir, dataDir });
    return undefined;
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    return error.hint ? `${error.message} Get it with: ${error.hint}` : error.message;
  }
}

async function missingEngine({ engine }: Config): Promise<string | undefined> {
  if (engine.name === 'wasm') return undefined;
  if (engine.name === 'xla') {
    if ((await findPlugins()).length > 0) return undefined;
    return 'The engine xla is not installed: the first run does it, or rethink-gen engine install xla.';
  }
  if ((await findUsable()) !== undefined) return undefined;
  const problem = platformProblem();
  if (problem !== undefined) {
    const instead = engine.name === 'auto' ? '; auto takes wasm' : '';
    return `The engine tensorflow can't be had here: ${problem}${instead}.`;
  }
  return 'The engine tensorflow is not installed: the first run does it, or rethink-gen engine install tensorflow.';
}
