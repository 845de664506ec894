import { describe, expect, it } from 'vitest';
import { channelStatistics, collectSplit, hashDataset } from '../../src/data/collect.js';
import { pixelsToPlanes, planesToPixels } from '../../src/data/published/planes.js';
import type { DataSource, DatasetInfo, ImageRecord, Split } from '../../src/data/types.js';
import { mapConcurrent } from '../../src/map-concurrent.js';
import type { Preparing } from '../../src/progress.js';
import { failure, noise } from './helpers.js';

const info: DatasetInfo = {
  name: 'made up',
  height: 2,
  width: 2,
  channels: 3,
  classes: ['a', 'b'],
  counts: { train: 4, test: 2 },
  origin: 'images',
};

function sourceOf(records: ImageRecord[]): DataSource {
  return {
    info,
    async *read() {
      yield* records;
    },
  };
}

const records = [2, 0, 3, 1].map((index) => ({ index, label: index % 2, image: noise(12, index) }));

describe('collecting a split', () => {
  it('puts records in order of their index', async () => {
    const events: Preparing[] = [];
    const split = await collectSplit(sourceOf(records), 'train', {
      onProgress: (event) => events.push(event),
    });
    expect([...split.indices]).toEqual([0, 1, 2, 3]);
    expect([...split.labels]).toEqual([0, 1, 0, 1]);
    expect(Buffer.from(split.images)).toEqual(Buffer.concat([0, 1, 2, 3].map((i) => noise(12, i))));
    expect(events[0]).toEqual({ what: 'reading made up train', done: 0, total: 4, unit: 'images' });
    expect(events.at(-1)).toMatchObject({ done: 4 });
  });

  it('refuses a source with too few', async () => {
    const error = await failure(() => collectSplit(sourceOf(records.slice(1)), 'train'));
    expect(error.message).toBe('made up gave 3 of 4 train examples.');
  });
});

describe('statistics', () => {
  it('are mean and population variance of each channel', async () => {
    // Red: 0, 10, 20, 30; green: constant; blue: 0 and 255.
    const images = Uint8Array.of(0, 7, 0, 10, 7, 255, 20, 7, 0, 30, 7, 255);
    expect(await channelStatistics(images, 3)).toEqual({
      mean: [15, 7, 127.5],
      variance: [125, 0, 127.5 ** 2],
    });
  });
});

describe('the hash of a data set', () => {
  const split = (seed: number): Split => ({
    images: noise(24, seed),
    labels: Int32Array.of(0, 1),
    indices: Uint32Array.of(0, 1),
    count: 2,
  });
  it('is the same for ever', async () => {
    const hash = await hashDataset(info, split(1), split(2));
    expect(await hashDataset(structuredClone(info), split(1), split(2))).toBe(hash);
    expect(hash).toMatchInlineSnapshot(
      `"90a5d02d8f33cb7bb5f4ef1c674e861d3beca5bea07c9b67640bac00df8adccf"`,
    );
  });

  it('changes with everything it covers', async () => {
    const changed = (change: (part: Split) => void) => {
      const part = split(1);
      change(part);
      return hashDataset(info, part, split(2));
    };
    const hashes = await Promise.all([
      hashDataset(info, split(1), split(2)),
      hashDataset({ ...info, classes: ['b', 'a'] }, split(1), split(2)),
      hashDataset({ ...info, origin: 'official' }, split(1), split(2)),
      hashDataset({ ...info, counts: { train: 5, test: 2 } }, split(1), split(2)),
      hashDataset(info, split(2), split(1)),
      changed(({ images }) => images.set([(images[5]! + 1) & 255], 5)),
      changed(({ labels }) => labels.reverse()),
      changed(({ indices }) => indices.reverse()),
    ]);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('planes', () => {
  it('are interleaved and separated', () => {
    const planes = Uint8Array.of(1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24);
    const pixels = planesToPixels(planes, 3);
    expect([...pixels]).toEqual([1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24]);
    const back = new Uint8Array(12);
    pixelsToPlanes(pixels, 3, back);
    expect(back).toEqual(planes);
  });
});

describe('mapping a stream concurrently', () => {
  it('keeps the order and the bound', async () => {
    let running = 0;
    let most = 0;
    const results: number[] = [];
    for await (const result of mapConcurrent(Array.from({ length: 30 }).keys(), 4, async (n) => {
      most = Math.max(most, ++running);
      // Later calls are faster.
      for (let i = 30 - n; i > 0; i--) await null;
      running--;
      return n;
    })) {
      results.push(result);
    }
    expect(results).toEqual([...Array(30).keys()]);
    expect(most).toBe(4);
  });

  it('passes an error on and leaves nothing running', async () => {
    let running = 0;
    const run = async () => {
      for await (const _ of mapConcurrent([1, 2, 3, 4, 5], 3, async (n) => {
        running++;
        for (let i = 0; i < 10 * n; i++) await null;
        running--;
        if (n === 2) throw new Error('two');
      })) {
        // Only the error counts.
      }
    };
    await expect(run()).rejects.toThrow('two');
    expect(running).toBe(0);
  });
});
