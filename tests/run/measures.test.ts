import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { checkpointPath, loadCheckpoint } from '../../src/record/checkpoint.js';
import { readResult } from '../../src/record/runs.js';
import { MARGIN_QUANTILES, MEASURE_NAMES } from '../../src/results/measures.js';
import { evaluateRun } from '../../src/run/evaluate.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';

const CONFIG = {
  ...TINY,
  data: { ...TINY.data, limit: 20, testLimit: 10, crop: 4 },
  train: { ...TINY.train, batchSize: 10 },
  record: { ...TINY.record, measures: true },
};

async function run(changes: object = {}, stopWhile?: string) {
  const { config } = (await loadExperiment({ ...CONFIG, ...changes })).trials[0]!;
  const controller = new AbortController();
  const out = temporaryFolder();
  const prepared: string[] = [];
  let runDir = '';
  const finished = runExperiment(config, {
    out,
    signal: controller.signal,
    events: {
      started: (event) => {
        runDir = event.runDir;
      },
      preparing: ({ what }) => {
        prepared.push(what);
        if (what === stopWhile) controller.abort(new DOMException('SIGTERM', 'AbortError'));
      },
    },
  });
  const result = await finished.then(
    (done) => done.result,
    (error: unknown) => error as Error,
  );
  return { result, runDir, prepared };
}

describe('a run with record.measures', () => {
  let whole: Awaited<ReturnType<typeof run>>;
  let plain: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    whole = await run();
    plain = await run({ record: TINY.record });
  });

  it('measures its last weights, once, and trains as one without', async () => {
    const { runDir, prepared } = whole;
    const { measures, last } = readResult(runDir)!;
    const told = { ...measures } as Record<string, unknown>;
    for (const name of MEASURE_NAMES) {
      const value = told[name];
      expect(value === null || Number.isFinite(value)).toBe(true);
      expect(value === null).toBe(name in measures!.absent!);
    }
    expect(Object.keys(measures!.margins!)).toEqual(Object.keys(MARGIN_QUANTILES));
    // All weights but biases, and so a little less than the norm of all.
    expect(Math.sqrt(measures!.param_norm!)).toBeLessThanOrEqual(last!.weight_norm!);
    expect(Math.sqrt(measures!.param_norm!) / last!.weight_norm!).toBeCloseTo(1, 1);
    expect(prepared).toContain('measuring sharpness');

    const again: string[] = [];
    await resumeRun(runDir, { events: { preparing: ({ what }) => again.push(what) } });
    expect(again).not.toContain('measuring sharpness');
    const stateOf = (of: string) =>
      loadCheckpoint(checkpointPath(join(of, 'checkpoints'), 'last')).checkpoint.state;
    expect(stateOf(plain.runDir)).toEqual(stateOf(runDir));
    expect(readResult(plain.runDir)!.measures).toBeUndefined();
  });

  it('measures again where it was ended while it measured', async () => {
    const { runDir, result } = await run({}, 'measuring sharpness');
    expect(result).toMatchObject({ kind: 'interrupted' });
    expect(existsSync(join(runDir, 'result.json'))).toBe(false);
    await resumeRun(runDir);
    expect(readResult(runDir)!.measures).toEqual(readResult(whole.runDir)!.measures);
  });

  it('is measured later, too, to the same numbers, and only on its own data', async () => {
    const { measures } = await evaluateRun(plain.runDir, { measures: true });
    expect(measures).toEqual(readResult(whole.runDir)!.measures);
    await expect(
      evaluateRun(plain.runDir, { measures: true, overrides: ['data.limit=10'] }),
    ).rejects.toMatchObject({
      kind: 'usage',
      message: 'data.limit is given, and measures are of the data that the network was trained on.',
    });
  });
});
