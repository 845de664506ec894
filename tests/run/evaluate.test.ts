import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { evaluateRun } from '../../src/run/evaluate.js';
import { runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const flips = { kind: 'flip-labels', fraction: 0.4 };
const noise = { kind: 'gaussian', fraction: 0.4 };

/** A short training on corrupted data, its last row, and what `evaluate` says of it. */
async function trained(corruption: object) {
  const out = temporaryFolder();
  const { trials } = await loadExperiment({
    name: 'parts',
    data: { name: 'synthetic', limit: 60, testLimit: 30 },
    corruption,
    model: { name: 'mlp', hidden: [8] },
    train: { epochs: 3, batchSize: 20, stop: 'never' },
    engine: { name: 'wasm' },
    record: { tensorboard: false },
  });
  const { runDir, result } = await runExperiment(trials[0]!.config as never, { out });
  const examples = join(out, 'examples.csv');
  const evaluation = await evaluateRun(runDir, { examples });
  const [header, ...lines] = readFileSync(examples, 'utf8').trim().split('\n');
  const columns = header!.split(',');
  const rows = lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, i) => [column, cells[i]!]));
  });
  return { last: (result as { last: Record<string, number | null> }).last, evaluation, rows };
}

type Row = Record<string, string>;
const isCorrupted = (row: Row) => row.label !== row.true_label || row.image_changed === '1';

function accuracyOf(rows: Row[]): number | null {
  const right = rows.filter(({ label, prediction }) => label === prediction);
  return rows.length === 0 ? null : right.length / rows.length;
}

describe('accuracies of the corrupted and of the clean part', () => {
  it.each([
    ['labels', flips],
    ['pixels', noise],
    ['both', [flips, noise]],
  ])('are those of the examples one by one: %s', async (_what, corruption) => {
    const { last, evaluation, rows } = await trained(corruption);
    for (const split of ['train', 'test'] as const) {
      const own = rows.filter((row) => row.split === split);
      const parts = {
        corrupted_accuracy: accuracyOf(own.filter(isCorrupted)),
        clean_accuracy: accuracyOf(own.filter((row) => !isCorrupted(row))),
      };
      expect(evaluation[split]).toMatchObject(parts);
      if (split === 'train') expect(last).toMatchObject(parts);
    }
    const images = rows.filter((row) => row.image_changed === '1').length;
    const noisy = JSON.stringify(corruption).includes('gaussian');
    expect(images > 0.2 * rows.length && images < 0.6 * rows.length).toBe(noisy);
    // With 0.4 of 60 there are always some of either kind.
    expect(last).not.toMatchObject({ corrupted_accuracy: null });
    expect(last).not.toMatchObject({ clean_accuracy: null });
  });
});

it('takes other data for a network whose loss remembered its own, and none of its losses', async () => {
  const out = temporaryFolder();
  const { trials } = await loadExperiment({
    name: 'elr',
    data: { name: 'synthetic', limit: 60, testLimit: 30 },
    corruption: flips,
    model: { name: 'mlp', hidden: [8] },
    loss: { name: 'elr' },
    train: { epochs: 2, batchSize: 20, stop: 'never' },
    engine: { name: 'wasm' },
    record: { tensorboard: false, measures: true },
  });
  const { runDir, result } = await runExperiment(trials[0]!.config as never, { out });
  const weights = join(out, 'weights.safetensors');
  const own = await evaluateRun(runDir, { weights, measures: true });
  const { last, measures } = result as { last: Record<string, number>; measures: object };
  expect(own.measures).toEqual(measures);
  expect(own.train.loss).toBeCloseTo(last.train_loss!, 6);
  expect(readFileSync(weights).toString('latin1')).not.toContain('target');
  const other = await evaluateRun(runDir, { overrides: ['data.limit=40'] });
  expect(other.train.count).toBe(40);
  await expect(evaluateRun(runDir, { overrides: ['loss.name=gce'] })).rejects.toMatchObject({
    message: expect.stringContaining(
      "loss.name belongs to the trained network and can't be changed",
    ),
  });
});
