import { RethinkError } from '../errors.js';
import { type Gpu, listGpus } from '../machine/gpu.js';
import type { EngineContext } from './install/context.js';
import { ENGINE_FACTORIES, type EngineName } from './registry.js';
import type { Engine, EngineOptions } from './types.js';

export type { EngineContext } from './install/context.js';
export { type EngineStatus, listEngines } from './list.js';

/**
 * Makes the engine a run asks for, installing it first where it is missing and may be. Which one it is and why is
 * always said through `context.note`.
 *
 * An engine asked for by name is never replaced: a `RethinkError` says why it can't be had and what to do. `auto` takes
 * xla on a machine with a GPU, else tensorflow; wasm only where tensorflow can't be had, and says so.
 */
export async function createEngine(
  options: EngineOptions,
  context: EngineContext = {},
): Promise<Engine> {
  if (options.name !== 'auto') {
    const engine = await ENGINE_FACTORIES[options.name](options, context);
    context.note?.(`Engine ${describe(engine)}: asked for by name.`);
    return engine;
  }
  const gpus = await listGpus();
  const failures: string[] = [];
  for (const name of candidates(gpus, options)) {
    const engine = await attempt(name, options, context, failures);
    if (engine !== undefined) {
      const reasons = [gpuReason(gpus, options), ...failures].join('; ');
      context.note?.(`Engine ${describe(engine)}, picked by auto: ${reasons}.`);
      return engine;
    }
  }
  const engine = await ENGINE_FACTORIES.wasm(options, context);
  context.note?.(
    `Engine ${describe(engine)}, picked by auto. IT IS MANY TIMES SLOWER than tensorflow: ${failures.join('; ')}.`,
  );
  return engine;
}

/** What auto tries before wasm. xla has no way to run op by op. */
function candidates(gpus: Gpu[], options: EngineOptions): EngineName[] {
  return gpus.length > 0 && !options.eager ? ['xla', 'tensorflow'] : ['tensorflow'];
}

function gpuReason(gpus: Gpu[], options: EngineOptions): string {
  if (gpus.length === 0) return 'no NVIDIA GPU was found';
  const found = `this machine has a GPU (${gpus[0]!.name})`;
  return options.eager ? `${found}, but engine.eager leaves out xla` : found;
}

/** An engine, or `undefined` and the reason in `failures` where this machine can't have it. */
async function attempt(
  name: EngineName,
  options: EngineOptions,
  context: EngineContext,
  failures: string[],
): Promise<Engine | undefined> {
  try {
    return await ENGINE_FACTORIES[name](options, context);
  } catch (error) {
    // A wrong setting or a Ctrl-C isn't a lack of this machine, and a bug isn't one either.
    if (!(error instanceof RethinkError) || ['usage', 'interrupted'].includes(error.kind)) {
      throw error;
    }
    failures.push(
      `${name} can't be had (${[error.message, error.hint].filter(Boolean).join(' ')})`,
    );
    return undefined;
  }
}

function describe({ info }: Engine): string {
  const how = info.mode === 'eager' ? 'op by op' : 'compiled';
  return `${info.name} ${info.version} (${info.device}, ${info.precision}, ${how})`;
}
