import { join } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';
import { CUDA12_LIBRARIES } from '../native/cuda-libraries.js';
import { openForAll, withCudaDir } from '../native/nvidia.js';
import type { Installation } from './installation.js';

/**
 * Loads NVIDIA's libraries by absolute path. TensorFlow opens them by bare name later, and the loader then hands it
 * the ones that are in the process already: no LD_LIBRARY_PATH.
 *
 * Loading is proved on a machine without a GPU; that training then runs on one is not yet.
 */
export function preloadCuda(installation: Installation): void {
  for (const name of CUDA12_LIBRARIES) {
    const file = installation.files.find((path) => path.endsWith(`/${name}`));
    if (file === undefined) throw cudaError(installation, `${name} is missing`);
    try {
      openForAll(join(installation.dir, file));
    } catch (error) {
      throw cudaError(installation, messageOf(error), error);
    }
  }
  const compiler = installation.files.find((path) => path.endsWith('/bin/ptxas'));
  if (compiler !== undefined) {
    // XLA and the kernel compiler look for ptxas and libdevice below one folder.
    const toolkit = join(installation.dir, compiler, '..', '..');
    process.env.XLA_FLAGS = withCudaDir(process.env.XLA_FLAGS, toolkit);
  }
}

function cudaError(installation: Installation, what: string, cause?: unknown): RethinkError {
  return new RethinkError(
    'failed',
    `TensorFlow's CUDA libraries in ${installation.dir} can't be loaded: ${what}.`,
    {
      hint: 'Install them again: rethink-gen engine install tensorflow --cuda --force',
      cause,
    },
  );
}
