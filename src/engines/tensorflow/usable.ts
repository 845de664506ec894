import { listGpus } from '../../machine/gpu.js';
import { findInstallation, type Installation } from './installation.js';
import type { Variant } from './wheels.js';

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
