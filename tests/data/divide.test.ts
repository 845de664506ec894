import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { loadDataset } from '../../src/data/load.js';
import { checkDivision, divide } from '../../src/data/subset.js';
import { syntheticInfo } from '../../src/data/synthetic.js';
import { realData } from './helpers.js';

const all = {
  images: Uint8Array.from({ length: 200 }, (_, i) => i >> 1),
  labels: Int32Array.from({ length: 100 }, (_, i) => i % 10),
  indices: Uint32Array.from({ length: 100 }, (_, i) => i),
  count: 100,
};

describe('divide', () => {
  it('gives two parts without a common example, each with its own images and labels', () => {
    const { train, test } = divide(all, { from: 'test', train: 60, test: 30 }, 1);
    expect([train.count, test.count]).toEqual([60, 30]);
    expect(new Set([...train.indices, ...test.indices]).size).toBe(90);
    for (const part of [train, test]) {
      for (const [i, index] of part.indices.entries()) {
        expect(part.labels[i]).toBe(index % 10);
        expect([...part.images.subarray(2 * i, 2 * i + 2)]).toEqual([index, index]);
      }
    }
  });

  it('depends on the seed and on nothing else', () => {
    const parts = (seed: number) => [
      ...divide(all, { from: 'test', train: 50, test: 50 }, seed).train.indices,
    ];
    expect(parts(1)).toEqual(parts(1));
    expect(parts(1)).not.toEqual(parts(2));
  });

  it('refuses more than there is', () => {
    const { counts } = syntheticInfo();
    const split = { from: 'test', train: counts.test, test: 1 } as const;
    expect(() => checkDivision({}, split, syntheticInfo())).toThrow('data.split asks for');
  });

  it('goes with no limit', async () => {
    const { trials } = await loadExperiment({
      data: { name: 'synthetic', limit: 5, split: { from: 'test', train: 10, test: 10 } },
    });
    await expect(loadDataset(trials[0]!.config.data, { seed: 1 })).rejects.toThrow(
      'data.limit and data.split are both given.',
    );
  });

  const mnist = realData('t10k-images-idx3-ubyte.gz');
  it.skipIf(!mnist)(
    `needs only the half that it divides${mnist ? '' : ' (skipped: no real data)'}`,
    async () => {
      const { trials } = await loadExperiment({
        data: {
          name: 'mnist',
          dir: dirname(mnist!),
          split: { from: 'test', train: 300, test: 200 },
        },
      });
      const dataset = await loadDataset(trials[0]!.config.data, { seed: 1 });
      expect([dataset.train.count, dataset.test.count]).toEqual([300, 200]);
      expect(dataset.info.origin).toBe('official');
    },
  );
});
