import { join } from 'node:path';
import { RethinkError } from '../../errors.js';
import koffi from '../../machine/koffi.js';
import type { Installation } from './installation.js';

const RTLD_LAZY = 1;
const RTLD_GLOBAL = 0x100;

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
    const message = open(join(installation.dir, file));
    if (message !== undefined) throw cudaError(installation, message);
  }
  const compiler = installation.files.find((path) => path.endsWith('/bin/ptxas'));
  if (compiler !== undefined) {
    // XLA and the kernel compiler look for ptxas and libdevice below one folder.
    const toolkit = join(installation.dir, compiler, '..', '..');
    process.env.XLA_FLAGS ??= `--xla_gpu_cuda_data_dir=${toolkit}`;
  }
}

let libc: { dlopen(path: string, flags: number): unknown; dlerror(): string | null } | undefined;

/** Opens a library for the whole process; returns the loader's message if it can't. */
function open(path: string): string | undefined {
  if (libc === undefined) {
    const library = koffi.load('libc.so.6');
    libc = {
      dlopen: library.func('void *dlopen(const char *path, int flags)'),
      dlerror: library.func('const char *dlerror()'),
    };
  }
  const handle = libc.dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
  return handle === null ? (libc.dlerror() ?? `${path} can't be loaded`) : undefined;
}

function cudaError(installation: Installation, what: string): RethinkError {
  return new RethinkError(
    'failed',
    `TensorFlow's CUDA libraries in ${installation.dir} can't be loaded: ${what}.`,
    {
      hint: 'Install them again: rethink-gen engine install tensorflow --cuda --force',
    },
  );
}
