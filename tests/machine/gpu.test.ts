import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseGpus } from '../../src/machine/gpu.js';
import { fakeMachine } from '../helpers/fake-machine.js';

const LISTED = ['A, 10, 580.95.05, GPU-aaaa-1', 'B, 20, 580.95.05, GPU-bbbb-2'];

/** The module anew, as a process has it that was started with this CUDA_VISIBLE_DEVICES on a machine with these GPUs. */
async function freshProcess(visible: string | undefined, listed = LISTED) {
  fakeMachine().program('nvidia-smi', `#!/bin/sh\ncat <<'GPUS'\n${listed.join('\n')}\nGPUS`);
  vi.stubEnv('CUDA_VISIBLE_DEVICES', visible);
  vi.stubEnv('CUDA_DEVICE_ORDER', undefined);
  vi.resetModules();
  return await import('../../src/machine/gpu.js');
}

const now = () => process.env.CUDA_VISIBLE_DEVICES;

describe('the GPUs', () => {
  beforeEach(() => () => vi.unstubAllEnvs());

  it('are read from what nvidia-smi prints', () => {
    const text = 'NVIDIA H100 80GB HBM3, 81559, 580.95.05, GPU-8f\nNVIDIA L4, 23034, 550.1\n';
    expect(parseGpus(text)).toEqual([
      { name: 'NVIDIA H100 80GB HBM3', memory: 81559, driver: '580.95.05', uuid: 'GPU-8f' },
      { name: 'NVIDIA L4', memory: 23034, driver: '550.1' },
    ]);
    expect(parseGpus('No devices were found\n')).toEqual([]);
  });

  it.each<[string | undefined, string[] | undefined, string]>([
    [undefined, undefined, 'AB'],
    ['', [], ''],
    ['1', ['1'], 'B'],
    ['1, 0', ['1', '0'], 'BA'],
    // CUDA reads as far as the first that is none.
    ['0,-1,1', ['0'], 'A'],
    ['-1', [], ''],
    ['NoDevFiles', [], ''],
    ['1,', ['1'], 'B'],
    ['GPU-bbbb', ['GPU-bbbb'], 'B'],
    ['MIG-GPU-bbbb-2/1/0', ['MIG-GPU-bbbb-2/1/0'], 'B'],
    ['MIG-0f,MIG-1f', ['MIG-0f', 'MIG-1f'], 'AA'],
    ['7', ['7'], ''],
  ])('that CUDA_VISIBLE_DEVICES=%j leaves are %j', async (visible, ids, names) => {
    const { visibleGpus, visibleIds } = await freshProcess(visible);
    expect(visibleIds()).toEqual(ids);
    expect((await visibleGpus()).map(({ name }) => name).join('')).toBe(names);
  });

  it.each<[string | undefined, number, string]>([
    [undefined, 1, '1'],
    ['2,5', 1, '5'],
    ['2, 5', 1, '5'],
    ['GPU-8f', 0, 'GPU-8f'],
    ['MIG-a,MIG-b', 1, 'MIG-b'],
  ])(
    'with CUDA_VISIBLE_DEVICES=%j: device %i is narrowed to %j, again and again',
    async (visible, device, expected) => {
      const { narrowToGpus, visibleIds } = await freshProcess(visible);
      const before = visibleIds();
      expect(await narrowToGpus(device)).toEqual([expected]);
      expect(now()).toBe(expected);
      expect(process.env.CUDA_DEVICE_ORDER).toBe('PCI_BUS_ID');
      // What was left to the process is still known: another engine counts from there.
      expect(visibleIds()).toEqual(before);
      expect(await narrowToGpus(device)).toEqual([expected]);
      expect(now()).toBe(expected);
    },
  );

  it('may be several, as many as there are', async () => {
    const { narrowToGpus } = await freshProcess('3,5,6');
    expect(await narrowToGpus(1, 2)).toEqual(['5', '6']);
    expect(now()).toBe('5,6');
    expect(await narrowToGpus(1, Number.POSITIVE_INFINITY)).toEqual(['5', '6']);
    await expect(narrowToGpus(0)).rejects.toThrow('computes on GPU 5,6, and can');
  });

  it.each([
    [undefined, 2, 'engine.device is 2, and nvidia-smi lists 2 GPUs.'],
    ['1', 1, 'engine.device is 1, and CUDA_VISIBLE_DEVICES leaves 1 to this process.'],
    ['', 0, 'engine.device is 0, and CUDA_VISIBLE_DEVICES leaves none to this process.'],
  ])(
    'with CUDA_VISIBLE_DEVICES=%j has no device %i, and says so',
    async (visible, device, message) => {
      const { narrowToGpus } = await freshProcess(visible);
      await expect(narrowToGpus(device)).rejects.toThrow(message);
      expect(now()).toBe(visible);
    },
  );

  it('without nvidia-smi are what the library finds', async () => {
    const { narrowToGpus } = await freshProcess(undefined, []);
    expect(await narrowToGpus(3)).toEqual(['3']);
  });

  it.each([
    [undefined, undefined],
    ['1', undefined],
    ['3', 0.3],
    ['x', undefined],
  ])(
    'shared by RETHINK_GEN_GPU_SHARE=%j processes leave each %j of the memory',
    async (value, share) => {
      const { gpuMemoryShare } = await freshProcess(undefined);
      vi.stubEnv('RETHINK_GEN_GPU_SHARE', value);
      if (share === undefined) expect(gpuMemoryShare()).toBeUndefined();
      else expect(gpuMemoryShare()).toBeCloseTo(share);
    },
  );
});
