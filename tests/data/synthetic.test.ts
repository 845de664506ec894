import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/load.js';
import { openSource } from '../../src/data/source.js';
import { syntheticRecord, syntheticSource } from '../../src/data/synthetic.js';
import { collected, failure, readAll } from './helpers.js';

describe('synthetic data', () => {
  it('is a pure function of split and index', async () => {
    const source = syntheticSource();
    const test = await readAll(source, 'test');
    expect(test.length).toBe(source.info.counts.test);
    for (const index of [999, 0, 500]) expect(syntheticRecord('test', index)).toEqual(test[index]);
    expect(syntheticRecord('train', 3).image).not.toEqual(syntheticRecord('test', 3).image);
    expect(syntheticRecord('train', 3).image).not.toEqual(syntheticRecord('train', 13).image);
  });

  it('is the same for ever', async () => {
    // A change of this hash changes every run on synthetic data: the changelog has to say so.
    const { hash } = await loadDataset({ name: 'synthetic' }, { seed: 0 });
    expect(hash).toMatchInlineSnapshot(
      `"b944265d4e94e7bd2c497f7015492d671e8c69f3e34d5f38ba593fb7be83169f"`,
    );
    expect((await loadDataset({ name: 'synthetic' }, { seed: 1 })).hash).toBe(hash);
  });

  it('has ten balanced classes', async () => {
    const { info, train, test } = await loadDataset({ name: 'synthetic' }, { seed: 0 });
    expect(info.classes.length).toBe(10);
    for (const { labels, count } of [train, test]) {
      for (let label = 0; label < 10; label++) {
        expect(labels.filter((found) => found === label).length).toBe(count / 10);
      }
    }
  });

  it('generates no more of a split than its limit wants, and the same images', async () => {
    const [whole, part] = [syntheticSource(), syntheticSource().part!];
    for (const split of ['train', 'test'] as const) {
      const all = await readAll(whole, split);
      expect([...(await part.labels(split))]).toEqual(all.map(({ label }) => label));
      const some = await collected(part.read(split, Uint32Array.of(0, 7, 999)));
      expect(some).toEqual([all[0], all[7], all[999]]);
    }
    const limits = { limit: 60, testLimit: 20 };
    const options = { seed: 3, statistics: false };
    const quick = await loadDataset({ name: 'synthetic', ...limits }, options);
    const slow = await loadDataset({ name: 'synthetic', ...limits }, { seed: 3 });
    expect(quick).toEqual({ ...slow, statistics: quick.statistics });
  });

  it('takes no data.dir and no data.size', async () => {
    for (const data of [{ dir: '/tmp' }, { size: 16 }]) {
      const error = await failure(() => openSource({ name: 'synthetic', ...data }));
      expect(error.kind).toBe('usage');
      expect(error.message).toMatch(/^data\.(dir|size) /);
    }
  });

  it('stops when it is interrupted', async () => {
    const signal = AbortSignal.abort();
    const error = await failure(() => loadDataset({ name: 'synthetic' }, { seed: 0, signal }));
    expect(error.kind).toBe('interrupted');
  });
});
