import { describe, expect, it } from 'vitest';
import { axesOf } from '../../src/report/client/axes.js';
import type { PageData, PageRun } from '../../src/report/data.js';

function pageOf(runs: readonly Partial<PageRun>[], swept: string[] = []): PageData {
  const whole = runs.map((run) => ({ settings: {}, train: null, test: null, ...run }) as PageRun);
  return { made: '', served: false, figures: [], runs: whole, swept, common: {} };
}

/** The ticks of the one axis there is. */
function ticksOf(page: PageData) {
  const [axis, ...others] = axesOf(page);
  expect(others).toEqual([]);
  return axis!.ticks;
}

const accuracies = (...values: number[]) => pageOf(values.map((train) => ({ train })));

describe('an axis of parallel coordinates', () => {
  it('has a tick for each of a few values', () => {
    const rates = [0.01, 0.02, 0.04];
    const runs = rates.map((rate) => ({ settings: { rate } }));
    expect(ticksOf(pageOf(runs, ['rate'])).map(({ label }) => label)).toEqual([
      '0.01',
      '0.02',
      '0.04',
    ]);
  });

  it.each([
    [[0.9989, 0.99997, 1]],
    [[0.99, 0.99001, 0.99002, 1]],
    [[0.9998, 0.9999, 0.99995, 1]],
    [[0.1, 0.100001]],
    [[1e-6, 1.1e-6, 1]],
    [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]],
  ])('of %j has ticks that can be read, at their values', (values) => {
    const ticks = ticksOf(accuracies(...values));
    expect(ticks.length).toBeGreaterThan(0);
    expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length);
    for (const [i, { at }] of ticks.entries()) {
      expect(at).toBeGreaterThan(-0.01);
      expect(at).toBeLessThan(1.01);
      if (i > 0) expect(at - ticks[i - 1]!.at).toBeGreaterThan(0.05);
    }
  });

  it('of one value has it in the middle', () => {
    expect(ticksOf(accuracies(1, 1))).toEqual([{ at: 0.5, label: '100.00 %' }]);
  });
});
