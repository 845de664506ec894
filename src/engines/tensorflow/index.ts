import { RethinkError } from '../../errors.js';
import { limitAgainstBfloat16, slowBfloat16, usedInstructionSets } from '../../machine/cpu.js';
import { gpuName, narrowToGpus, visibleGpus, visibleIds } from '../../machine/gpu.js';
import { processThreads } from '../../machine/machine.js';
import { onOneDevice } from '../devices.js';
import { createEagerSession } from '../eager/eager.js';
import { type EngineContext, mayInstall } from '../install/context.js';
import type { Engine, EngineInfo, EngineOptions } from '../types.js';
import { compilerVersion, HOW_TO_GET_COMPILER } from './addon.js';
import { createCompiledSession } from './compiled.js';
import { goOnWithoutAddon, installTensorflow } from './install.js';
import { hasAddon, type Installation } from './installation.js';
import { loadTensorflow } from './load.js';
import { platformProblem } from './platform.js';
import { findUsable } from './status.js';

/** More parts than this make matrices too narrow to be multiplied well. */
const MOST_PARTS = 4;

/**
 * The engine `tensorflow`: a current libtensorflow from the cache folder, through tfjs. It runs programs as compiled
 * graphs, or op by op with `eager`, the reference. Installs what is missing if that is allowed; a CUDA installation is
 * used where there is one.
 */
export async function createTensorflowEngine(
  options: EngineOptions,
  context: EngineContext,
): Promise<Engine> {
  const { precision, eager } = options;
  const { installation, addon } = await obtain(eager, context);
  if (precision === 'bfloat16' && installation.variant === 'cpu') requireBfloat16();
  if (options.device !== 0 && installation.variant === 'cpu') throw noDevice(options.device);
  const parts = eager || installation.variant === 'cuda' ? 1 : partsOf(options, context);
  const gpuId = await gpuFor(installation, options.device);
  if (gpuId !== undefined && options.devices === 'all') await requireOneGpu(options.device);
  const loaded = loadTensorflow(installation, { ...options, gpu: gpuId, parts }, addon);
  const { gpu, oneDnn, ownOps, options: settings } = loaded;
  if (gpu === undefined) await requireNoGpu(installation);
  const info: EngineInfo = {
    name: 'tensorflow',
    version: installation.version,
    device: gpu === undefined ? 'cpu' : await gpuName(gpu),
    precision,
    mode: eager ? 'eager' : 'compiled',
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    ...(oneDnn === undefined ? {} : { onednn: oneDnn }),
    ...(gpu === undefined ? { own_ops: ownOps } : {}),
  };
  if (gpu === undefined && precision === 'bfloat16') {
    const slow = slowBfloat16(usedInstructionSets());
    if (slow !== undefined) context.note?.(slow);
  }
  return {
    info,
    load: (program, state) =>
      eager
        ? createEagerSession('tensorflow', program, state)
        : createCompiledSession(program, state, {
            precision,
            parts: settings.parts,
            ownOps,
          }),
    // The library stays in the process: there is no unloading it, and sessions free their own tensors.
    dispose: () => {},
  };
}

/**
 * Parts of a step, for a thread each: a power of two, as others cut matrices into widths that are multiplied slowly.
 */
function partsOf({ threads }: EngineOptions, { shortSteps }: EngineContext): number {
  const useful = Math.min(threads ?? processThreads(), MOST_PARTS);
  return shortSteps ? 2 ** Math.floor(Math.log2(useful)) : 1;
}

/** An installation, and whether it has its addon. */
interface Obtained {
  installation: Installation;
  addon: boolean;
}

async function obtain(eager: boolean, context: EngineContext): Promise<Obtained> {
  const existing = await findUsable();
  if (existing !== undefined && (await hasAddon(existing))) {
    return { installation: existing, addon: true };
  }
  const obtained =
    existing === undefined
      ? await withAddonOrNot(await installMissing(context))
      : await withAddonIfPossible(existing, eager, context);
  if (eager && !obtained.addon) throw noAddon(obtained.installation);
  return obtained;
}

async function withAddonOrNot(installation: Installation): Promise<Obtained> {
  return { installation, addon: await hasAddon(installation) };
}

/** Builds the addon of libraries that are there, after an upgrade of this program or where a compiler came later. */
async function withAddonIfPossible(
  existing: Installation,
  eager: boolean,
  context: EngineContext,
): Promise<Obtained> {
  if (!mayInstall(context) || (await compilerVersion()) === undefined) {
    return { installation: existing, addon: false };
  }
  try {
    return withAddonOrNot(await installTensorflow({ variant: existing.variant }, context));
  } catch (error) {
    if (eager) throw error;
    goOnWithoutAddon(error, context);
    return { installation: existing, addon: false };
  }
}

async function installMissing(context: EngineContext): Promise<Installation> {
  if (mayInstall(context)) return installTensorflow({ variant: 'cpu' }, context);
  const problem = platformProblem() ?? 'it is not installed, and installing is forbidden here';
  throw new RethinkError('failed', `The engine tensorflow can't be used: ${problem}.`, {
    hint: 'Install it where that is allowed (rethink-gen engine install tensorflow), or use engine.name=wasm.',
  });
}

/** Op by op, operations are called through tfjs' binding. */
function noAddon({ dir }: Installation): RethinkError {
  return new RethinkError(
    'failed',
    `engine.eager=true needs TensorFlow's addon, which is not in ${dir}.`,
    {
      hint: `${HOW_TO_GET_COMPILER}; the addon is then built by: rethink-gen engine install tensorflow. engine.eager=false runs without it.`,
    },
  );
}

/** Refuses what would end the process with a signal. */
function requireBfloat16(): void {
  const limit = limitAgainstBfloat16();
  if (limit === undefined) return;
  throw new RethinkError(
    'usage',
    `engine.precision is bfloat16, and ONEDNN_MAX_CPU_ISA=${limit} leaves oneDNN without it.`,
    { hint: 'Unset ONEDNN_MAX_CPU_ISA, or use engine.precision=float32.' },
  );
}

function noDevice(device: number): RethinkError {
  return new RethinkError(
    'usage',
    `engine.device is ${device}, and the TensorFlow that is installed here runs on the CPU only.`,
    { hint: 'Leave engine.device out, or run: rethink-gen engine install tensorflow --cuda' },
  );
}

/** The GPU that it is to see, if it can use any: an empty CUDA_VISIBLE_DEVICES asks for the CPU. */
async function gpuFor({ variant }: Installation, device: number): Promise<string | undefined> {
  if (variant === 'cpu' || (device === 0 && visibleIds()?.length === 0)) return undefined;
  return (await narrowToGpus(device))[0];
}

/** Refuses to call one of several GPUs all of them. */
async function requireOneGpu(device: number): Promise<void> {
  if ((await visibleGpus()).length - device > 1) throw onOneDevice('tensorflow', 'all');
}

/** Refuses to compute on the CPU, silently, where CUDA was installed for a GPU that TensorFlow then can't use. */
async function requireNoGpu({ variant }: Installation): Promise<void> {
  const [gpu] = await visibleGpus();
  if (variant === 'cpu' || gpu === undefined) return;
  throw new RethinkError(
    'failed',
    `TensorFlow can't use the GPU of this machine (${gpu.name}, driver ${gpu.driver}).`,
    {
      hint: 'CUDA 12.9 needs driver 525 or later, and engine.device must exist; CUDA_VISIBLE_DEVICES= (empty) asks for the CPU.',
    },
  );
}
