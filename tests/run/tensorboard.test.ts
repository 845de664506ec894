import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENGINES } from '../../src/config/engines.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { listEngines } from '../../src/engines/index.js';
import { runExperiment } from '../../src/run/index.js';
import { cpuPlugin } from '../engines/xla-plugin.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { eventsOf } from '../record/events.js';
import { TINY } from '../sweep/helpers.js';

// Fetched where they may be.
await Promise.all([ensureTensorflow(), cpuPlugin()]);
const problems = Object.fromEntries(
  (await listEngines()).map(({ name, problem }) => [name, problem]),
);

const FORMS = [...ENGINES.map((name) => ({ name })), { name: 'tensorflow', eager: true }].map(
  (engine) => ({ engine, problem: problems[engine.name] ?? '' }),
);

async function run(engine: object, tensorboard: boolean): Promise<string> {
  const { base } = await loadExperiment({ ...TINY, engine, record: { tensorboard } });
  return (await runExperiment(base!, { out: temporaryFolder() })).runDir;
}

describe('TensorBoard events', () => {
  for (const { engine, problem } of FORMS) {
    const skipped = problem === '' ? '' : ` (skipped: ${problem})`;
    it.skipIf(problem !== '')(`hold each row of ${JSON.stringify(engine)}${skipped}`, async () => {
      const runDir = await run(engine, true);
      const rows = readFileSync(join(runDir, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number | null>);
      expect(rows).toHaveLength(TINY.train.epochs);
      // Checksums of all frames are compared as they are read.
      const events = eventsOf(runDir);
      expect(events.map(({ step }) => step)).toEqual(rows.map(({ step }) => step));
      for (const [i, { epoch, step, ...row }] of rows.entries()) {
        const numbers = Object.entries(row).filter(([, value]) => value !== null);
        expect(events[i]!.scalars).toEqual(
          Object.fromEntries(numbers.map(([tag, value]) => [tag, Math.fround(value!)])),
        );
      }
      const { scalars } = events.at(-1)!;
      expect(Object.keys(scalars)).toEqual(
        expect.arrayContaining(['train_loss', 'train_accuracy', 'test_loss', 'test_accuracy']),
      );
      expect(scalars.train_loss).toBeGreaterThan(0);
    });
  }

  it('are left out with record.tensorboard=false', async () => {
    expect(readdirSync(await run({ name: 'wasm' }, false))).not.toContain('tensorboard');
  });
});
