import { afterEach, beforeEach, expect, it } from 'vitest';
import { setLockTimes } from '../../src/disk/lock.js';
import { type Faults, simulate } from './lock-simulation.js';

const SCHEDULES = Number(process.env.RETHINK_GEN_TEST_SCHEDULES ?? 1000);

// Fewer looks: each is an event.
beforeEach(() => setLockTimes({ look: 5000 }));
afterEach(() => setLockTimes());

async function simulateAll(count: number, faults?: Faults) {
  const outcomes = [];
  for (let seed = 1; seed <= count; seed++)
    outcomes.push({ seed, ...(await simulate(seed, faults)) });
  return outcomes;
}

it('never lets two processes write into one run, whatever stops, dies or wakes up', async () => {
  const outcomes = await simulateAll(SCHEDULES);
  expect(outcomes.filter(({ violations }) => violations.length > 0)).toEqual([]);
  expect(outcomes.filter(({ finished }) => !finished)).toEqual([]);
  // They were no quiet days.
  const living = outcomes.reduce((sum, { takeovers }) => sum + takeovers, 0);
  expect(living).toBeGreaterThan(SCHEDULES / 10);
}, 600_000);

it.each<Faults>([{ withoutConfirm: true }, { withoutRenewal: true }])(
  'would show a protocol that is broken: %j',
  async (faults) => {
    const outcomes = await simulateAll(300, faults);
    expect(outcomes.some(({ violations }) => violations.length > 0)).toBe(true);
  },
);
