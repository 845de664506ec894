import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { estimateTime } from '../../src/sweep/estimate.js';
import { Timings } from '../../src/sweep/timings.js';
import { epochRow, runResult } from '../cli/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { sweep } from './helpers.js';

async function config(changes: object = {}) {
  return (await sweep({ seeds: 1 }, changes)).trials[0]!.config;
}

const noFlops = () => Promise.reject(new Error('not to be asked'));

describe('timings', () => {
  it('tell how long a run like an earlier one takes', async () => {
    const path = join(temporaryFolder(), 'deep', 'timings.json');
    const timings = new Timings(path);
    const tiny = await config();
    // Two epochs of 15 batches of 128 at 1234.5 images a second, the rest of 61 s for 2 evaluations of 3,000 images.
    timings.note(tiny, runResult(tiny));
    const longer = { ...tiny, train: { ...tiny.train, epochs: 10 } };
    const estimate = await estimateTime(longer, timings.read(), noFlops);
    const other = (61 - 3840 / 1234.5) / 6000;
    expect(estimate!.basis).toBe('same');
    expect(estimate!.seconds).toBeCloseTo((10 * 60) / 1234.5 + 10 * 80 * other, 9);
  });

  it('keep the newest of a kind, and nothing of a run without an epoch', async () => {
    const path = join(temporaryFolder(), 'timings.json');
    const timings = new Timings(path);
    const tiny = await config();
    for (const images_per_second of [10, 20]) {
      timings.note(tiny, runResult(tiny, { last: epochRow({ images_per_second }) }));
    }
    timings.note(await config({ engine: { name: 'tensorflow' } }), runResult(tiny));
    timings.note(tiny, runResult(tiny, { last: null, epochs: 0 }));
    expect(timings.read().map((t) => t.train_images_per_second)).toEqual([1234.5, 20]);
  });

  it('are no more than a help: nothing is known where the file is damaged or can not be written', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'timings.json');
    writeFileSync(path, '{');
    const tiny = await config();
    expect(new Timings(path).read()).toEqual([]);
    expect(await estimateTime(tiny, [], noFlops)).toBeUndefined();
    const blocked = new Timings(join(path, 'timings.json'));
    blocked.note(tiny, runResult(tiny));
    expect(readFileSync(path, 'utf8')).toBe('{');
  });
});
