import { type Gpu, listGpus } from '../../machine/gpu.js';
import { programVersion } from '../../machine/machine.js';
import type { InstallRequirements, VariantStatus } from '../kind.js';
import { compilerVersion } from './addon.js';
import { findInstallation, type Installation } from './installation.js';
import { platformProblem } from './platform.js';
import { SPACE_NEEDED, TENSORFLOW_VERSION, type Variant } from './wheels.js';

/** The installation to use: CUDA's goes first where there is a GPU, and last where there is none. */
export async function findUsable(): Promise<Installation | undefined> {
  const gpu = (await listGpus()).length > 0;
  const preference: Variant[] = gpu ? ['cuda', 'cpu'] : ['cpu', 'cuda'];
  for (const variant of preference) {
    const found = await findInstallation(variant);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What this machine has of a variant. */
export async function tensorflowStatus(
  variant: Variant,
  gpus: readonly Gpu[],
): Promise<VariantStatus> {
  const found = await findInstallation(variant);
  const problem = platformProblem();
  const idle = variant === 'cuda' && gpus.length === 0;
  const flag = variant === 'cuda' ? ' --cuda' : '';
  return {
    installed: found !== undefined,
    version: found?.version ?? TENSORFLOW_VERSION,
    where: found?.dir ?? null,
    device: variant === 'cpu' ? 'cpu' : (gpus[0]?.name ?? null),
    problem: problem ?? (!found ? 'not installed' : idle ? 'no NVIDIA GPU was found' : null),
    install: problem || found ? null : `rethink-gen engine install tensorflow${flag}`,
  };
}

/** What fetching the libraries for the CPU and building tfjs' addon for them takes. */
export async function requirements(): Promise<InstallRequirements | undefined> {
  if (platformProblem()) return undefined;
  const pip = (await programVersion('python3', ['-m', 'pip', '--version']))?.split(' from ')[0];
  const python = await programVersion('python3', ['--version']);
  return {
    space: SPACE_NEEDED.cpu,
    tools: [
      { name: 'g++', version: await compilerVersion(), mend: 'apt install g++', fetches: false },
      { name: 'python3', version: python, mend: 'apt install python3', fetches: true },
      { name: 'pip', version: pip, mend: 'apt install python3-pip', fetches: true },
    ],
  };
}
