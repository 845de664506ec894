import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { messageOf } from '../errors.js';
import { type Gpu, listGpus } from '../machine/gpu.js';
import type { EngineName } from './registry.js';
import { findInstallation } from './tensorflow/installation.js';
import { platformProblem } from './tensorflow/platform.js';
import { TENSORFLOW_VERSION, type Variant } from './tensorflow/wheels.js';
import { findPlugins, type XlaPlugin } from './xla/plugin.js';

/** One engine as this machine has it, or could have it. Nothing is loaded to find out. */
export interface EngineStatus {
  name: EngineName;
  installed: boolean;
  version: string | null;
  /** Folder or file of its native library. */
  where: string | null;
  /** What it would run on: `cpu` or the name of a GPU. */
  device: string | null;
  /** Why it isn't usable as it is; `null` where it is. */
  problem: string | null;
  /** The command that installs it, where that can be done. */
  install: string | null;
}

/** Every engine, the fastest kinds first; one that has several variants has a line for each. */
export async function listEngines(): Promise<EngineStatus[]> {
  const gpus = await listGpus();
  const tensorflow = [await tensorflowStatus('cpu', gpus)];
  const cuda = await tensorflowStatus('cuda', gpus);
  if (cuda.installed || gpus.length > 0) tensorflow.unshift(cuda);
  return [...(await xlaStatus(gpus)), ...tensorflow, wasmStatus()];
}

async function tensorflowStatus(variant: Variant, gpus: Gpu[]): Promise<EngineStatus> {
  const found = await findInstallation(variant);
  const problem = platformProblem();
  const flag = variant === 'cuda' ? ' --cuda' : '';
  return {
    name: 'tensorflow',
    installed: found !== undefined,
    version: found?.version ?? TENSORFLOW_VERSION,
    where: found?.dir ?? null,
    device: variant === 'cpu' ? 'cpu' : (gpus[0]?.name ?? null),
    problem: problem ?? (found ? cudaProblem(variant, gpus) : 'not installed'),
    install: problem || found ? null : `rethink-gen engine install tensorflow${flag}`,
  };
}

function cudaProblem(variant: Variant, gpus: Gpu[]): string | null {
  return variant === 'cuda' && gpus.length === 0 ? 'no NVIDIA GPU was found' : null;
}

async function xlaStatus(gpus: Gpu[]): Promise<EngineStatus[]> {
  const status = {
    name: 'xla' as const,
    installed: false,
    version: null,
    where: null,
    device: gpus[0]?.name ?? 'cpu',
    problem: 'not installed',
    install: 'rethink-gen engine install xla',
  };
  try {
    const plugins = await findPlugins();
    return plugins.length === 0 ? [status] : plugins.map((plugin) => pluginStatus(plugin, gpus));
  } catch (error) {
    // RETHINK_GEN_PJRT_PLUGIN names a file that isn't there: the list says so and goes on.
    return [{ ...status, problem: messageOf(error), install: null }];
  }
}

function pluginStatus({ path, platform }: XlaPlugin, gpus: Gpu[]): EngineStatus {
  const idle = platform === 'cuda' && gpus.length === 0;
  return {
    name: 'xla',
    installed: true,
    version: null,
    where: path,
    device: platform === 'cpu' ? 'cpu' : (gpus[0]?.name ?? null),
    problem: idle ? 'no NVIDIA GPU was found' : null,
    install: null,
  };
}

function wasmStatus(): EngineStatus {
  const require = createRequire(import.meta.url);
  const path = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
  const { version } = require(path) as { version: string };
  return {
    name: 'wasm',
    installed: true,
    version,
    where: dirname(path),
    device: 'cpu',
    problem: null,
    install: null,
  };
}
