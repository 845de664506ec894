import { accessSync, constants } from 'node:fs';
import { MODELS } from '../config/models.js';
import type { Config } from '../config/resolve.js';
import { diskError } from '../disk/errors.js';
import { ensureFolder } from '../disk/files.js';
import { createEngine } from '../engines/index.js';
import type { Engine } from '../engines/types.js';
import type { RunEvents } from './events.js';

/** Who is told while an engine is got ready, and who may stop it. */
interface EngineUse {
  events?: RunEvents | undefined;
  signal?: AbortSignal | undefined;
  othersFollow?: boolean | undefined;
}

/** Makes the engine of a config, uses it and lets it go, whatever happens. */
export async function withEngine<T>(
  config: Config,
  { events, signal, othersFollow }: EngineUse,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await createEngine(config.engine, {
    note: (message) => events?.note?.(message),
    onProgress: (event) => events?.preparing?.(event),
    shortSteps:
      config.experiment === 'train' && MODELS[config.model.name].shortSteps && !othersFollow,
    signal,
  });
  try {
    return await use(engine);
  } finally {
    engine.dispose();
  }
}

/** Fails before minutes of work, not after. */
export function requireWritable(root: string): void {
  ensureFolder(root);
  try {
    accessSync(root, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw diskError(error, 'write', root);
  }
}
