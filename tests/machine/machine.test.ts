import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { diskError, requireSpace } from '../../src/engines/install/disk.js';
import { selectFile } from '../../src/engines/tensorflow/wheels.js';
import { cacheRoot } from '../../src/machine/cache-folder.js';
import { parseGpus, visibleDevice } from '../../src/machine/gpu.js';
import { cpuFeatures, describeMemory, freeSpace } from '../../src/machine/machine.js';

afterEach(() => vi.unstubAllEnvs());

describe('the machine', () => {
  it('reads what nvidia-smi prints', () => {
    expect(parseGpus('NVIDIA H100 80GB HBM3, 81559, 580.95.05\nNVIDIA L4, 23034, 550.1\n')).toEqual(
      [
        { name: 'NVIDIA H100 80GB HBM3', memory: 81559, driver: '580.95.05' },
        { name: 'NVIDIA L4', memory: 23034, driver: '550.1' },
      ],
    );
    expect(parseGpus('No devices were found\n')).toEqual([]);
  });

  it.each([
    [undefined, 1, '1'],
    ['2,5', 1, '5'],
    ['2, 5', 1, '5'],
    ['GPU-8f', 0, 'GPU-8f'],
    ['2', 1, ''],
    ['', 0, ''],
  ])('with CUDA_VISIBLE_DEVICES %j takes for device %i the GPU %j', (visible, device, expected) => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', visible);
    expect(visibleDevice(device)).toBe(expected);
  });

  it('knows a processor by its flags', () => {
    const info = 'processor : 0\nflags\t\t: fpu avx2 avx512f amx_bf16\n\nprocessor : 1\n';
    expect(cpuFeatures(info)).toEqual(['AVX2', 'AVX-512', 'AMX bf16']);
    expect(cpuFeatures('')).toEqual([]);
  });

  it('finds the disk of a folder that is not there yet', async () => {
    expect(await freeSpace(join(tmpdir(), 'no', 'such', 'folder'))).toBeGreaterThan(0);
    const { total, free } = describeMemory();
    expect(free).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(free);
  });
});

describe('the cache folder', () => {
  it.each([
    ['/else/where', '/else/where/rethink-gen'],
    ['relative', join(homedir(), '.cache/rethink-gen')],
    ['', join(homedir(), '.cache/rethink-gen')],
  ])('for XDG_CACHE_HOME=%j is %s', (home, expected) => {
    vi.stubEnv('XDG_CACHE_HOME', home);
    expect(cacheRoot()).toBe(expected);
  });

  it('is refused when its disk is too small, with both numbers', async () => {
    await expect(requireSpace(tmpdir(), 1e18)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/needs 1000000000\.0 GB .* has [\d.]+ GB left/),
      hint: expect.stringContaining('XDG_CACHE_HOME'),
    });
  });

  it.each([
    ['ENOSPC', /is full/],
    ['EACCES', /No permission to write \/some\/file/],
    ['EIO', /Can't write \/some\/file: EIO/],
  ])('explains %s', (code, message) => {
    const error = Object.assign(new Error(`${code}: i/o error`), { code });
    expect(() => diskError('/some/file')(error)).toThrow(message);
  });
});

describe('files taken from wheels', () => {
  it.each([
    ['tensorflow/libtensorflow_cc.so.2', 'libtensorflow_cc.so.2'],
    ['tensorflow/include/xla/tsl/c/tsl_status.h', 'include/xla/tsl/c/tsl_status.h'],
    ['nvidia/cudnn/lib/libcudnn.so.9', 'nvidia/cudnn/lib/libcudnn.so.9'],
    ['nvidia/cuda_nvcc/bin/ptxas', 'nvidia/cuda_nvcc/bin/ptxas'],
    [
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
    ],
    ['tensorflow/python/lib_pywrap_tensorflow_common.so', undefined],
    ['nvidia/cudnn/include/cudnn.h', undefined],
    ['nvidia/../lib/libevil.so', undefined],
    ['tensorflow/include/tensorflow/core/platform/env.h', undefined],
  ])('%s goes to %s', (entry, path) => {
    expect(selectFile(entry)).toBe(path);
  });
});
