import { describe, expect, it } from 'vitest';
import type { ScheduleConfig } from '../../src/config/schedule.js';
import { learningRateAt } from '../../src/train/plan.js';

/** 4 epochs of 10 steps. */
const OPTIONS = { learningRate: 0.5, decay: 0.5, decayEvery: 15, epochs: 4, stepsPerEpoch: 10 };

const rates = (
  steps: number[],
  schedule?: Omit<ScheduleConfig, 'warmupEpochs'>,
  warmupEpochs = 0,
) =>
  steps.map((step) =>
    learningRateAt(step, {
      ...OPTIONS,
      ...(schedule === undefined ? {} : { schedule: { ...schedule, warmupEpochs } }),
    }),
  );

describe('the learning rate of a step', () => {
  it('is a staircase without a schedule, and by its name', () => {
    expect(rates([0, 14, 15, 29, 30])).toEqual([0.5, 0.5, 0.25, 0.25, 0.125]);
    expect(rates([0, 14, 15], { name: 'staircase' })).toEqual([0.5, 0.5, 0.25]);
  });

  it('goes down half a cosine to 0 over all epochs', () => {
    const [first, middle, last] = rates([0, 20, 40], { name: 'cosine' });
    expect(first).toBe(0.5);
    expect(middle).toBeCloseTo(0.25, 12);
    expect(last).toBeCloseTo(0, 12);
  });

  it('falls by a factor at the ends of epochs', () => {
    const schedule = { name: 'multi-step' as const, milestones: [1, 3], factor: 0.5 };
    expect(rates([0, 9, 10, 29, 30, 39], schedule)).toEqual([0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
  });

  it('falls with the root of the steps', () => {
    const schedule = { name: 'inverse-sqrt' as const, every: 10 };
    expect(rates([0, 9, 30], schedule)).toEqual([0.5, 0.5, 0.25]);
  });

  it('rises evenly in a warm-up, then is what the schedule says', () => {
    const schedule = { name: 'multi-step' as const, milestones: [3], factor: 0.5 };
    expect(rates([0, 4, 9, 10, 30], schedule, 1)).toEqual([0.05, 0.25, 0.5, 0.5, 0.25]);
    // Parts of an epoch, and less than a step.
    expect(rates([0, 1, 2], { name: 'staircase' }, 0.2)).toEqual([0.25, 0.5, 0.5]);
    expect(rates([0], { name: 'staircase' }, 0.01)).toEqual([0.5]);
  });
});
