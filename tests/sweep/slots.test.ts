import { describe, expect, it } from 'vitest';
import { type Machine, planSlots, runPool } from '../../src/sweep/slots.js';
import { sweep } from './helpers.js';

const machine = (gpus: string[]): Machine => ({
  gpus,
  usesGpu: ({ name }) => name !== 'wasm',
  threads: 8,
});

async function configs(engine: object) {
  return (await sweep({ seeds: 4 }, { engine })).trials.map(({ config }) => config);
}

describe('slots', () => {
  it('are one to a GPU, numbered as the scheduler gave them', async () => {
    const auto = await configs({ name: 'auto' });
    const two = planSlots(2, auto, machine(['3', '5', '6']));
    expect(two).toEqual({
      count: 2,
      environments: [{ CUDA_VISIBLE_DEVICES: '3,5,6' }, { CUDA_VISIBLE_DEVICES: '5,6,3' }],
      notes: [],
    });
  });

  it('share GPUs and their memory where there are more of them', async () => {
    const auto = await configs({ name: 'auto' });
    const many = planSlots(3, auto, machine(['0', '1']));
    expect(many).toEqual({
      count: 3,
      environments: [
        { CUDA_VISIBLE_DEVICES: '0,1', RETHINK_GEN_GPU_SHARE: '2' },
        { CUDA_VISIBLE_DEVICES: '1,0', RETHINK_GEN_GPU_SHARE: '2' },
        { CUDA_VISIBLE_DEVICES: '0,1', RETHINK_GEN_GPU_SHARE: '2' },
      ],
      notes: ['--jobs 3, and 2 GPUs from device 0 on: 2 at once share a GPU and its memory.'],
    });
    // MIG's instances and UUIDs are devices like others.
    const instances = planSlots(2, auto, machine(['MIG-a', 'MIG-b']));
    expect(instances.environments).toEqual([
      { CUDA_VISIBLE_DEVICES: 'MIG-a,MIG-b' },
      { CUDA_VISIBLE_DEVICES: 'MIG-b,MIG-a' },
    ]);
    const second = planSlots(2, await configs({ name: 'auto', device: 1 }), machine(['0', '1']));
    expect(second.environments).toEqual(
      Array.from({ length: 2 }, () => ({
        CUDA_VISIBLE_DEVICES: '0,1',
        RETHINK_GEN_GPU_SHARE: '2',
      })),
    );
  });

  it('have as many GPUs each as a trial wants', async () => {
    const eight = machine(['0', '1', '2', '3', '4', '5', '6', '7']);
    const three = planSlots(4, await configs({ name: 'xla', device: 1, devices: 3 }), eight);
    expect(three).toEqual({
      count: 2,
      environments: [
        { CUDA_VISIBLE_DEVICES: '0,1,2,3,4,5,6,7' },
        { CUDA_VISIBLE_DEVICES: '3,4,5,6,7,0,1,2' },
      ],
      notes: ['--jobs 4, and 7 GPUs from device 1 on: 2 at once, with 3 each.'],
    });
    for (const devices of ['all', 9]) {
      const one = planSlots(2, await configs({ name: 'xla', devices }), eight);
      expect(one.count).toBe(1);
      expect(one.notes).toEqual(['--jobs 2, and 8 GPUs from device 0 on: 1 at once, with 8 each.']);
    }
  });

  it('are as many as asked for on a CPU, with a word about threads', async () => {
    const plain = planSlots(3, await configs({ name: 'auto' }), machine([]));
    expect([plain.count, plain.environments]).toEqual([3, [{}, {}, {}]]);
    expect(plain.notes).toEqual([
      'Each of 3 trials at once uses all 8 threads: engine.threads=2 would share them out.',
    ]);
    const shared = planSlots(3, await configs({ name: 'wasm', threads: 2 }), machine(['0']));
    expect([shared.count, shared.notes]).toEqual([3, []]);
  });
});

describe('the pool', () => {
  it('has each slot work on one item at a time, in order, until it is stopped', async () => {
    const stop = new AbortController();
    const begun: number[] = [];
    const busy = new Set<number>();
    let most = 0;
    await runPool(
      Array.from({ length: 20 }, (_, i) => i),
      3,
      stop.signal,
      async (item, slot) => {
        expect(busy.has(slot)).toBe(false);
        busy.add(slot);
        most = Math.max(most, busy.size);
        begun.push(item);
        await new Promise((done) => setTimeout(done, 5));
        if (item === 4) stop.abort();
        busy.delete(slot);
      },
    );
    expect(begun.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(begun.length).toBeLessThan(12);
    expect(most).toBe(3);
  });
});
