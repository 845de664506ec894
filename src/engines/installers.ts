import { RethinkError } from '../errors.js';
import { listGpus } from '../machine/gpu.js';
import type { EngineContext } from './install/context.js';
import type { EngineName } from './registry.js';
import { installTensorflow } from './tensorflow/install.js';
import { installXla, variantFor } from './xla/install.js';
import type { XlaVariant } from './xla/plugin.js';

/** Which libraries to fetch: for the CPU, for NVIDIA GPUs, or for one version of CUDA. */
export type InstallTarget = 'cpu' | 'cuda' | 'cuda12' | 'cuda13';

export interface InstallRequest {
  /** Default: tensorflow for the CPU; xla for the GPU where there is one. */
  target?: InstallTarget | undefined;
  /** A folder of wheels instead of PyPI. */
  from?: string | undefined;
  /** Install again what is there already. */
  force?: boolean | undefined;
}

/**
 * Makes sure an engine is installed, and returns where: the one way in for the command line and scripts.
 *
 * @returns The folder or file of its native library; `undefined` for wasm, which is always there.
 */
export async function installEngine(
  name: EngineName,
  request: InstallRequest,
  context: EngineContext,
): Promise<string | undefined> {
  const { target, from, force } = request;
  if (name === 'wasm') return undefined;
  if (name === 'xla') {
    return (await installXla({ variant: await xlaVariant(target), from, force }, context)).path;
  }
  if (target === 'cuda13') {
    throw new RethinkError('usage', "TensorFlow's wheels are for CUDA 12, not CUDA 13.", {
      hint: 'Use --cuda, or install xla, which has both.',
    });
  }
  const variant = target === 'cuda' || target === 'cuda12' ? 'cuda' : 'cpu';
  return (await installTensorflow({ variant, from, force }, context)).dir;
}

async function xlaVariant(target: InstallTarget | undefined): Promise<XlaVariant> {
  if (target !== undefined && target !== 'cuda') return target;
  const suited = variantFor((await listGpus())[0]?.driver);
  // Asked for CUDA where no GPU is seen (a login node): CUDA 12 runs on older and newer drivers.
  return target === 'cuda' && suited === 'cpu' ? 'cuda12' : suited;
}
