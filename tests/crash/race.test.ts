import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CrashHarness } from './harness.js';
import { differences, outcomeOf } from './outcome.js';
import { runDirectories } from './process.js';

const ROUNDS = process.env.RETHINK_GEN_TEST_KILLS === undefined ? 1 : 20;

describe('command lines that resume one run at the same time', () => {
  let harness: CrashHarness;
  beforeAll(async () => {
    harness = await CrashHarness.start('wasm', 4);
  });

  it('are served one after another: one goes on, the others are refused or find it finished', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const out = join(harness.folder, `race-${round}`);
      await harness.run(out, { kill: { after: 30, from: 'directory' } });
      const [runDir] = runDirectories(out);
      const ended = await Promise.all([1, 2, 3].map(() => harness.resume(out, runDir!)));
      for (const { code, stderr } of ended) {
        if (code === 0) continue;
        expect(code).toBe(1);
        expect(stderr).toMatch(/is in use by process \d+ on /);
      }
      expect(ended.map(({ code }) => code)).toContain(0);
      expect(differences(outcomeOf(runDir!), harness.expected)).toEqual([]);
      rmSync(out, { recursive: true });
    }
  }, 600_000);
});
