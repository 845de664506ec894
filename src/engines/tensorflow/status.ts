import { type Gpu, visibleGpus } from '../../machine/gpu.js';
import { findSource } from '../install/install-wheels.js';
import { wheelArch } from '../install/pinned.js';
import type { InstallRequirements, VariantStatus } from '../kind.js';
import { compilerVersion } from './addon.js';
import { damagedFile, findInstallation, type Installation } from './installation.js';
import { platformProblem } from './platform.js';
import { PROJECTS, SPACE_NEEDED, TENSORFLOW_VERSION, type Variant } from './wheels.js';

/** The installation to use: CUDA's goes first where there is a GPU, and last where there is none. */
export async function findUsable(): Promise<Installation | undefined> {
  const gpu = (await visibleGpus()).length > 0;
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
  const problem = platformProblem(variant);
  const damaged = found === undefined ? await damagedFile(variant) : undefined;
  const lack = damaged === undefined ? 'not installed' : `${damaged} is damaged`;
  const idle = variant === 'cuda' && gpus.length === 0;
  const flag = variant === 'cuda' ? ' --cuda' : '';
  return {
    installed: found !== undefined,
    version: found?.version ?? TENSORFLOW_VERSION,
    where: found?.dir ?? null,
    device: variant === 'cpu' ? 'cpu' : (gpus[0]?.name ?? null),
    problem: problem ?? (!found ? lack : idle ? 'no NVIDIA GPU was found' : null),
    install: problem || found ? null : `rethink-gen engine install tensorflow${flag}`,
  };
}

/** What fetching the libraries for the CPU takes, and what a compiler would gain. */
export async function requirements(): Promise<InstallRequirements | undefined> {
  if (platformProblem()) return undefined;
  return {
    space: SPACE_NEEDED.cpu,
    source: (signal) => findSource(PROJECTS.cpu[wheelArch()!] ?? [], signal),
    tools: [
      {
        name: 'g++',
        version: await compilerVersion(),
        mend: 'apt install g++',
        gain: 'engine.eager, and an MLP in bfloat16 1.16× as fast',
      },
    ],
  };
}
