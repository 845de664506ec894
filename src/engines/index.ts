import { RethinkError } from '../errors.js';
import { listGpus } from './gpu.js';
import type { EngineContext } from './install/context.js';
import { ENGINE_FACTORIES, type EngineName } from './registry.js';
import type { Engine, EngineOptions } from './types.js';

export type { EngineContext } from './install/context.js';

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
    const engine = await make(options.name, options, context);
    context.note?.(`Engine ${describe(engine)}: asked for by name.`);
    return engine;
  }
  const gpus = await listGpus();
  const candidates: EngineName[] = gpus.length > 0 && ENGINE_FACTORIES.xla ? ['xla'] : [];
  candidates.push('tensorflow');
  const reason = gpus.length > 0 ? `this machine has a GPU (${gpus[0]!.name})` : 'no GPU found';
  const failures: string[] = [];
  for (const name of candidates) {
    const engine = await attempt(name, options, context, failures);
    if (engine !== undefined) {
      context.note?.(
        `Engine ${describe(engine)}, picked by auto: ${[reason, ...failures].join('; ')}.`,
      );
      return engine;
    }
  }
  const engine = await make('wasm', options, context);
  context.note?.(
    `Engine ${describe(engine)}, picked by auto: MANY TIMES SLOWER, because ${failures.join('; ')}.`,
  );
  return engine;
}

/** An engine, or `undefined` and the reason in `failures` where this machine can't have it. */
async function attempt(
  name: EngineName,
  options: EngineOptions,
  context: EngineContext,
  failures: string[],
): Promise<Engine | undefined> {
  try {
    return await make(name, options, context);
  } catch (error) {
    // A wrong setting or a Ctrl-C isn't a lack of this machine, and a bug isn't one either.
    if (!(error instanceof RethinkError) || ['usage', 'interrupted'].includes(error.kind))
      throw error;
    failures.push(
      `${name} can't be had (${[error.message, error.hint].filter(Boolean).join(' ')})`,
    );
    return undefined;
  }
}

function make(name: EngineName, options: EngineOptions, context: EngineContext): Promise<Engine> {
  const factory = ENGINE_FACTORIES[name];
  if (factory === undefined) {
    throw new RethinkError('failed', `The engine ${name} isn't part of this version.`, {
      hint: `Use one of ${Object.keys(ENGINE_FACTORIES).join(', ')}, or auto.`,
    });
  }
  return factory(options, context);
}

function describe({ info }: Engine): string {
  const how = info.mode === 'eager' ? 'op by op' : 'compiled';
  return `${info.name} ${info.version} (${info.device}, ${info.precision}, ${how})`;
}
