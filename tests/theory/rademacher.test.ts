import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RademacherFindings } from '../../src/results/findings.js';
import { runTheoryConfig } from './helpers.js';

it('fits random signs, and tells what that makes of the classical bounds', {
  timeout: 120_000,
}, async () => {
  const notes: string[] = [];
  const { result, runDir } = await runTheoryConfig(
    {
      experiment: 'rademacher',
      data: { name: 'synthetic', limit: 64, testLimit: 20, crop: 8 },
      model: { name: 'mlp', hidden: [128] },
      train: { batchSize: 16, epochs: 200, decay: 1, learningRate: 0.05 },
      engine: { name: 'wasm' },
      theory: { draws: 2 },
    },
    { events: { note: (message) => notes.push(message) } },
  );
  const found = result as RademacherFindings & typeof result;
  expect(found).toMatchObject({
    n: 64,
    draws: 2,
    correlation: 1,
    correlation_min: 1,
    vacuous: true,
  });
  expect(found.gap_bound).toBeCloseTo(1 + 3 * Math.sqrt(Math.log(2 / 0.05) / 128), 12);
  // ‖x‖ = √192 for a whitened input of 8·8·3 numbers (less for a nearly flat one), so the bound is √(64·192) / 64.
  expect(found.linear_complexity_bound).toBeCloseTo(Math.sqrt(3), 2);
  // The mean norm is below the root mean square; all on one line, it would be √(2/π) of it. The draws add noise.
  expect(found.linear_complexity).toBeLessThan(1.3 * found.linear_complexity_bound);
  expect(found.linear_complexity).toBeGreaterThan(0.5 * found.linear_complexity_bound);
  expect(found.linear_vacuous_norm).toBeCloseTo(0.5 / found.linear_complexity_bound, 12);
  const rows = readFileSync(join(runDir, 'draws.csv'), 'utf8').trim().split('\n');
  expect(rows[0]).toBe('draw,correlation,epochs,steps,seconds');
  expect(rows).toHaveLength(3);
  expect(notes.filter((note) => note.startsWith('Draw '))).toHaveLength(2);
});
