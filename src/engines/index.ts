import type { EngineName } from '../config/engines.js';
import { RethinkError } from '../errors.js';
import { type Gpu, visibleGpus, visibleIds } from '../machine/gpu.js';
import { deviceName } from './devices.js';
import { type EngineContext, mayInstall } from './install/context.js';
import type { EngineStatus, InstallRequest } from './kind.js';
import { ENGINE_KINDS, ENGINES_BY_PREFERENCE } from './table.js';
import type { Engine, EngineOptions } from './types.js';

export type { EngineContext } from './install/context.js';

/**
 * Makes the engine a run asks for, installing it first where it is missing and may be. Which one it is and why is
 * always said through `context.note`.
 *
 * An engine asked for by name is never replaced: a `RethinkError` says why it can't be had and what to do. `auto` takes
 * those for GPUs on a machine with one, then those for any machine; the slow ones only where no other can be had, and
 * says so.
 */
export async function createEngine(
  options: EngineOptions,
  context: EngineContext = {},
): Promise<Engine> {
  if (options.name !== 'auto') {
    const engine = await create(options.name, options, context);
    context.note?.(`Engine ${describe(engine)}: asked for by name.`);
    return engine;
  }
  const gpus = await visibleGpus();
  const failures: string[] = [];
  const names = candidates(options, gpus);
  for (const name of names) {
    const engine = await attempt(name, options, context, failures);
    if (engine !== undefined) {
      const reasons = [gpuReason(gpus, options), ...failures].join('; ');
      context.note?.(`Engine ${describe(engine)}, picked by auto: ${reasons}.`);
      return engine;
    }
  }
  const last = ENGINES_BY_PREFERENCE.at(-1)!;
  const engine = await create(last, options, context);
  context.note?.(await slowNote(last, names.at(-1)!, failures, gpus));
  return engine;
}

/** That a slow engine is used, in one short line with the command that mends it: it tells at length what is wrong. */
async function slowNote(
  slow: EngineName,
  wanted: EngineName,
  failures: readonly string[],
  gpus: readonly Gpu[],
): Promise<string> {
  const status = (await ENGINE_KINDS[wanted].status(gpus)).at(-1);
  const reason = status?.problem ?? failures.at(-1) ?? 'no reason is known';
  // What is installed and yet can't be loaded is installed again.
  const again = status?.installed ? `rethink-gen engine install ${wanted} --force` : null;
  const command = status?.install ?? again;
  const mend = command === null ? '' : ` Mend it: ${command}`;
  return `Engine ${slow}, MANY TIMES SLOWER than ${wanted} (${reason}).${mend}`;
}

/** The engines one of which a run needs so as not to be many times slower, in the order in which they are tried. */
export async function enginesFor(options: EngineOptions): Promise<EngineName[]> {
  return options.name === 'auto' ? candidates(options, await visibleGpus()) : [options.name];
}

/** Every engine, in the order of `auto`; one that has several variants has a line for each. */
export async function listEngines(): Promise<EngineStatus[]> {
  const gpus = await visibleGpus();
  const statuses = ENGINES_BY_PREFERENCE.map(async (name) =>
    (await ENGINE_KINDS[name].status(gpus)).map((status) => ({ name, ...status })),
  );
  return (await Promise.all(statuses)).flat();
}

/**
 * Makes sure an engine is installed, and returns where: the one way in for the command line and scripts.
 *
 * @returns The folder or file of its native library; `undefined` for one that comes with this package.
 */
export async function installEngine(
  name: EngineName,
  request: InstallRequest,
  context: EngineContext,
): Promise<string | undefined> {
  return ENGINE_KINDS[name].install?.run(request, context);
}

function create(name: EngineName, options: EngineOptions, context: EngineContext): Promise<Engine> {
  const kind = ENGINE_KINDS[name];
  const refusal = kind.unsupported(options);
  return refusal === undefined ? kind.create(options, context) : Promise.reject(refusal);
}

/** What auto tries before the slow ones. */
function candidates(options: EngineOptions, gpus: readonly Gpu[]): EngineName[] {
  return ENGINES_BY_PREFERENCE.filter((name) => {
    const { auto, unsupported } = ENGINE_KINDS[name];
    return auto === 'any' || (auto === 'gpu' && gpus.length > 0 && !unsupported(options));
  });
}

function gpuReason(gpus: readonly Gpu[], options: EngineOptions): string {
  if (visibleIds()?.length === 0) return 'CUDA_VISIBLE_DEVICES leaves no GPU to this process';
  if (gpus.length === 0) return 'no NVIDIA GPU was found';
  const leftOut = ENGINES_BY_PREFERENCE.filter((name) => ENGINE_KINDS[name].auto === 'gpu')
    .map((name) => ENGINE_KINDS[name].unsupported(options))
    .filter((refusal) => refusal !== undefined);
  const found = `this machine has a GPU (${gpus[0]!.name})`;
  return [found, ...leftOut.map(({ message }) => message.replace(/\.$/, ''))].join(', but ');
}

/** An engine, or `undefined` and the reason in `failures` where this machine can't have it. */
async function attempt(
  name: EngineName,
  options: EngineOptions,
  context: EngineContext,
  failures: string[],
): Promise<Engine | undefined> {
  try {
    return await create(name, options, context);
  } catch (error) {
    // A wrong setting or a Ctrl-C isn't a lack of this machine, and a bug isn't one either.
    if (!(error instanceof RethinkError) || ['usage', 'interrupted'].includes(error.kind)) {
      throw error;
    }
    // What was tried and failed, in a sentence; the line about the engine that is used instead is short.
    if (mayInstall(context)) context.note?.(error.message);
    failures.push(
      `${name} can't be had (${[error.message, error.hint].filter(Boolean).join(' ')})`,
    );
    return undefined;
  }
}

function describe({ info }: Engine): string {
  const how = info.mode === 'eager' ? 'op by op' : 'compiled';
  return `${info.name} ${info.version} (${deviceName(info)}, ${info.precision}, ${how})`;
}
