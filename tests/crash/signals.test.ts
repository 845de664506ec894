import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { CrashHarness } from './harness.js';

const SIGNALS = Number(process.env.RETHINK_GEN_TEST_KILLS ?? 2);
const MOST_TRIALS = 40;

describe('a run', () => {
  let harness: CrashHarness;
  beforeAll(async () => {
    harness = await CrashHarness.start('wasm', 4);
  });

  it.each([
    ['SIGINT', 'writes a checkpoint and exits with 130', [130]],
    ['SIGTERM', 'writes a checkpoint and exits with 143', [143]],
    ['SIGHUP', 'writes a checkpoint and exits with 129', [129]],
    ['SIGXCPU', 'writes a checkpoint and exits with 152', [152]],
    ['SIGUSR1', 'writes a checkpoint and goes on to its end', []],
    ['SIGUSR2', 'writes a checkpoint and goes on to its end', []],
  ] as const)(
    'sent %s %s; resumed, it is as if nothing had been',
    async (signal, _, codes) => {
      const random = new Random(2, `signals/${signal}`);
      const seen = new Set<number | null>();
      const missing = () => codes.some((code) => !seen.has(code));
      // On a machine that is quicker now than it was at first, some instants come after the run's end.
      for (let i = 0; i < MOST_TRIALS && (i < Math.min(SIGNALS, 20) || missing()); i++) {
        seen.add(await harness.signalAtRandom(random, signal));
      }
      const { differences, unreadable } = harness.figures;
      expect({ differences, unreadable }).toEqual({ differences: [], unreadable: [] });
      // Too late, or, in the last instants, past the listeners: the run was finished by then.
      for (const code of seen) expect([0, null, ...codes]).toContain(code);
      for (const code of codes) expect([...seen]).toContain(code);
    },
    600_000,
  );
});
