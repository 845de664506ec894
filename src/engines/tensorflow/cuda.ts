import { join } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';
import { openLibrary } from '../native/library.js';
import type { Installation } from './installation.js';

/** In the order in which they need each other; each is found by name in the installed files. */
const LIBRARIES = [
  'libcudart.so.12',
  'libnvJitLink.so.12',
  'libnvrtc.so.12',
  'libcublasLt.so.12',
  'libcublas.so.12',
  'libcusparse.so.12',
  'libcusolver.so.11',
  'libcufft.so.11',
  'libcurand.so.10',
  'libcupti.so.12',
  'libnccl.so.2',
  'libcudnn.so.9',
];

/**
 * Loads NVIDIA's libraries by absolute path. TensorFlow opens them by bare name later, and the loader then hands it
 * the ones that are in the process already: no LD_LIBRARY_PATH.
 *
 * Loading is proved on a machine without a GPU; that training then runs on one is not yet.
 */
export function preloadCuda(installation: Installation): void {
  for (const name of LIBRARIES) {
    const file = installation.files.find((path) => path.endsWith(`/${name}`));
    if (file === undefined) throw cudaError(installation, `${name} is missing`);
    try {
      openLibrary(join(installation.dir, file), { global: true, lazy: true });
    } catch (error) {
      throw cudaError(installation, messageOf(error), error);
    }
  }
  const compiler = installation.files.find((path) => path.endsWith('/bin/ptxas'));
  if (compiler !== undefined) {
    // XLA and the kernel compiler look for ptxas and libdevice below one folder.
    const toolkit = join(installation.dir, compiler, '..', '..');
    process.env.XLA_FLAGS ??= `--xla_gpu_cuda_data_dir=${toolkit}`;
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
