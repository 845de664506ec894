import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { readMetrics } from '../../src/record/rows.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';

const CONFIG = {
  ...TINY,
  corruption: { kind: 'flip-labels', fraction: 0.3 },
  train: { ...TINY.train, epochs: 3 },
  loss: { correction: 'forward', transition: 'estimated', warmupEpochs: 4 },
};

const matrixOf = (runDir: string) =>
  JSON.parse(readFileSync(join(runDir, 'transition.json'), 'utf8')) as number[][];
const lossesOf = (runDir: string) => readMetrics(runDir).map((row) => row.train_loss);

it('a run estimates T, row by row, and goes on with the same one when it is resumed', async () => {
  const out = temporaryFolder();
  const { config } = (await loadExperiment(CONFIG)).trials[0]!;
  const whole = await runExperiment(config, { out });
  const matrix = matrixOf(whole.runDir);
  expect(matrix).toHaveLength(10);
  for (const row of matrix) {
    expect(row).toHaveLength(10);
    expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
  }
  // Not what a network that has learned nothing says.
  expect(Math.max(...matrix.flat())).toBeGreaterThan(0.12);

  const controller = new AbortController();
  const events = { epoch: () => controller.abort() };
  const stopped = await runExperiment(config, { out, events, signal: controller.signal });
  expect(stopped.result.outcome).toBe('interrupted');
  const notes: string[] = [];
  await resumeRun(stopped.runDir, { events: { note: (text) => notes.push(text) } });
  expect(notes.filter((text) => text.includes('Estimating'))).toEqual([]);
  expect(matrixOf(stopped.runDir)).toEqual(matrix);
  expect(lossesOf(stopped.runDir)).toEqual(lossesOf(whole.runDir));
});

it('a plain run has no matrix, and the config of one without the section', async () => {
  const out = temporaryFolder();
  const { loss: _loss, ...plain } = CONFIG;
  const one = (await loadExperiment(plain)).trials[0]!;
  const two = (await loadExperiment({ ...plain, loss: { correction: 'none' } })).trials[0]!;
  expect(one.id).toBe(two.id);
  const { runDir } = await runExperiment(one.config, { out });
  expect(existsSync(join(runDir, 'transition.json'))).toBe(false);
});
