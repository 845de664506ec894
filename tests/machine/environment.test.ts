import { hostname, totalmem } from 'node:os';
import { expect, it } from 'vitest';
import { describeEnvironment } from '../../src/machine/environment.js';
import { processMemory, processThreads } from '../../src/machine/machine.js';

it('describes machine and program without the environment variables', async () => {
  process.env.RETHINK_GEN_TEST_SECRET = 'hunter2';
  const environment = await describeEnvironment();
  delete process.env.RETHINK_GEN_TEST_SECRET;
  expect(environment).toMatchObject({ host: hostname(), memory_bytes: totalmem() });
  const { total } = processMemory();
  expect(environment.available).toEqual({ threads: processThreads(), memory_bytes: total });
  expect(environment.rethink_gen.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(environment.packages['@tensorflow/tfjs-core']).toMatch(/^4\./);
  const { git } = environment.rethink_gen;
  if (git !== null) expect(git.commit).toMatch(/^[0-9a-f]{40}/);
  expect(JSON.stringify(environment)).not.toContain('hunter2');
});
