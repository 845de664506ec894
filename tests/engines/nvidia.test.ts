import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  fileIdentity,
  findNvidia,
  namesCudaDir,
  openForAll,
  withCudaDir,
} from '../../src/engines/native/nvidia.js';
import { provideLibraries } from '../../src/engines/xla/cuda.js';
import { XLA_VARIANTS } from '../../src/engines/xla/wheels.js';
import { fakeMachine } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** A library that can be opened. */
const SOME_LIBRARY = process.report.getReport() as unknown as { sharedObjects: string[] };
const real = SOME_LIBRARY.sharedObjects.find((path) => /\/libdl\.so|\/libm\.so/.test(path))!;

function lay(folder: string, path: string, content = 'library'): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  if (content === 'real') copyFileSync(real, file);
  else writeFileSync(file, content);
  return file;
}

afterEach(() => vi.unstubAllEnvs());

describe("NVIDIA's libraries", () => {
  it('are found beside the plugin, where the loader looks, and then where pip laid them for others', () => {
    const [own, other, system] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    vi.stubEnv('LD_LIBRARY_PATH', `:${system}`);
    const cudnn = lay(own, 'nvidia/cudnn/lib/libcudnn.so.9');
    lay(other, 'nvidia/cudnn/lib/libcudnn.so.9');
    lay(system, 'libcublas.so.13');
    lay(other, 'nvidia/cu13/lib/libcublas.so.13');
    const nccl = lay(other, 'nvidia/nccl/lib/libnccl.so.2');
    const names = ['libcudnn.so.9', 'libcublas.so.13', 'libnccl.so.2', 'libnone.so.1'];
    expect(findNvidia(names, own, [other, join(own, 'absent')])).toEqual([
      { name: 'libcudnn.so.9', path: cudnn, foreign: false },
      { name: 'libcublas.so.13', path: join(system, 'libcublas.so.13'), foreign: false },
      { name: 'libnccl.so.2', path: nccl, foreign: true },
    ]);
    expect(findNvidia(names, undefined, [])).toHaveLength(1);
  });

  it('of others are opened for the plugin; their versions and the driver’s tell programs apart', async () => {
    const machine = fakeMachine();
    const driver = (version: string) =>
      machine.program('nvidia-smi', `#!/bin/sh\necho 'H200, 1, ${version}, GPU-1'`);
    driver('580.1');
    const packages = temporaryFolder();
    const path = lay(packages, XLA_VARIANTS.cuda13.plugin);
    const own = lay(packages, 'nvidia/cu13/lib/libcublas.so.13');
    // Another engine's installation, with a library that can't be opened among those that can.
    const foreign = lay(join(machine.engines, 'other'), 'nvidia/cudnn/lib/libcudnn.so.9', 'real');
    lay(join(machine.engines, 'other'), 'nvidia/nccl/lib/libnccl.so.2', 'damaged');
    const plugin = { path, platform: 'cuda', source: 'test', variant: 'cuda13', packages } as const;
    const before = await provideLibraries(plugin);
    expect(before).toContain(fileIdentity(own));
    expect(before).toContain(fileIdentity(foreign));
    expect(readFileSync('/proc/self/maps', 'utf8')).toContain(foreign);
    expect(before[0]).toBe('580.1');
    expect(await provideLibraries(plugin)).toEqual(before);
    // Another version in its place.
    writeFileSync(own, 'library of another version');
    expect(await provideLibraries(plugin)).not.toEqual(before);
    writeFileSync(own, 'library');
    utimesSync(own, 1, 1);
    expect(await provideLibraries(plugin)).not.toEqual(before);
  });

  it('that are none are refused', () => {
    expect(() => openForAll(lay(temporaryFolder(), 'libx.so', 'no library'))).toThrow();
  });
});

describe('the folder of ptxas', () => {
  const file = () => lay(temporaryFolder(), 'flags', '--xla_a=1\n--xla_b=2\n');

  it.each<[string | undefined, string]>([
    [undefined, '--xla_gpu_cuda_data_dir=/cuda'],
    [' ', '--xla_gpu_cuda_data_dir=/cuda'],
    ['--xla_dump_to=/x', '--xla_dump_to=/x --xla_gpu_cuda_data_dir=/cuda'],
    ['--xla_gpu_cuda_data_dir=/own', '--xla_gpu_cuda_data_dir=/own'],
    ['--xla_a --xla_gpu_cuda_data_dir=/own', '--xla_a --xla_gpu_cuda_data_dir=/own'],
    ['/no/such/file', '/no/such/file'],
  ])('is added to XLA_FLAGS=%j', (flags, expected) => {
    expect(withCudaDir(flags, '/cuda')).toBe(expected);
  });

  it('is added to the flags of a file, too', () => {
    expect(withCudaDir(file(), '/cuda')).toBe('--xla_a=1 --xla_b=2 --xla_gpu_cuda_data_dir=/cuda');
    const named = lay(temporaryFolder(), 'flags', '--xla_gpu_cuda_data_dir=/own\n');
    expect(withCudaDir(named, '/cuda')).toBe(named);
    expect(namesCudaDir(named)).toBe(true);
  });
});
