import { describe, expect, test } from 'vitest';
import type { Trial } from '../../../src/config/experiment.js';
import { packTrials } from '../../../src/sweep/launch/pack.js';

const trials = Array.from({ length: 7 }, (_, i) => ({ id: `t${i}` }) as Trial);
const sizes = async (
  pack: 'auto' | number,
  parallel: number,
  seconds: (i: number) => number | undefined,
) => {
  const tasks = await packTrials(trials, { pack, parallel }, async ({ id }) =>
    seconds(Number(id.slice(1))),
  );
  expect(tasks.flat()).toEqual(trials.map(({ id }) => id));
  return tasks.map(({ length }) => length);
};

describe('packTrials', () => {
  test('a number is the number in a task, the last one having the rest', async () => {
    expect(await sizes(3, 1, () => 1)).toEqual([3, 3, 1]);
    expect(await sizes(1, 4, () => 1)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(await sizes(100, 1, () => undefined)).toEqual([7]);
  });

  test('auto fills a quarter of an hour', async () => {
    expect(await sizes('auto', 1, () => 300)).toEqual([3, 3, 1]);
    expect(await sizes('auto', 1, () => 3600)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(await sizes('auto', 1, () => 1)).toEqual([7]);
  });

  test('auto fills it with as many at once as run at once', async () => {
    expect(await sizes('auto', 2, () => 450)).toEqual([4, 3]);
    expect(await sizes('auto', 3, () => 3600)).toEqual([3, 3, 1]);
  });

  test('a trial of unknown length is not followed by another, unless they run at once', async () => {
    expect(await sizes('auto', 1, () => undefined)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(await sizes('auto', 2, () => undefined)).toEqual([2, 2, 2, 1]);
    expect(await sizes('auto', 1, (i) => (i === 1 ? undefined : 100))).toEqual([2, 5]);
  });
});
