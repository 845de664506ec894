import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import type { EngineOptions, HostState, Program } from '../../src/engines/types.js';
import { compilationFor } from '../../src/engines/xla/compilation.js';
import { createXlaEngine } from '../../src/engines/xla/index.js';
import type { SessionContext } from '../../src/engines/xla/session.js';
import { Random } from '../../src/random.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { lossOf } from '../../src/train/losses.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type Case, evalChunk, makeCase, trainChunk } from './fixture.js';
import { difference } from './lowering/lowering.js';
import { smoothCase } from './smooth-model.js';
import { smoothTraining } from './smooth-twin.js';
import { cpuPlugin } from './xla-plugin.js';
import { stateDifference } from './xla-setup.js';

vi.mock('../../src/models/ops.js', async (original) =>
  (await import('./smooth-twin.js')).smoothOps(await original()),
);
vi.mock('../../src/models/layers.js', async (original) =>
  (await import('./smooth-twin.js')).smoothLayers(await original()),
);

/** RETHINK_GEN_TEST_DEVICES=1 compares whole networks over 20 steps (`npm run test:devices`). */
const LONG = process.env.RETHINK_GEN_TEST_DEVICES;

// Before the plugin is loaded, which reads it once.
process.env.XLA_FLAGS = '--xla_force_host_platform_device_count=4';
const { plugin, reason } = await cpuPlugin();

async function xla(devices: EngineOptions['devices'], more: Partial<EngineOptions> = {}) {
  return createXlaEngine(
    {
      name: 'xla',
      precision: 'float32',
      device: 0,
      devices,
      eager: false,
      deterministic: false,
      ...more,
    },
    {},
  );
}

/** What a number of devices make of the same steps and the same evaluation, from the same state. */
async function results(
  { program, state }: Case,
  devices: number,
  steps: number,
  rate: number,
  forms: 'cpu' | 'cuda',
) {
  const engine = await xla(devices);
  const { shared } = engine as unknown as { shared: SessionContext };
  const { target, prepare } = compilationFor(
    { platform: forms, cudaDir: undefined },
    { precision: 'float32', deterministic: false },
  );
  Object.assign(shared, { target, prepare });
  expect(engine.info.devices).toBe(devices);
  const session = await engine.load(program, state);
  const trained = await session.runSteps(trainChunk(program, steps, rate));
  const after = await session.getState();
  // From where all began: what the steps left apart is not the evaluation's business.
  await session.setState(state);
  const evaluated = await session.evalChunk(evalExamples(program));
  session.dispose();
  engine.dispose();
  return { trained, after, evaluated };
}

/** Two batches and a bit of the devices' own size, in batches that they can't share. */
function evalExamples(program: Program) {
  const batches = 5;
  const { evalBatchSize: batchSize } = program;
  return evalChunk(trainChunk({ ...program, batchSize }, batches), true);
}

/** Every number of a state one rounding up or down. */
function nudged(state: HostState, seed: number): HostState {
  const random = new Random(seed, 'test/nudged');
  return Object.fromEntries(
    Object.entries(state).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((x) => x * (1 + (random.integer(2) ? 1 : -1) * 2 ** -23)) },
    ]),
  ) as HostState;
}

async function expectAsOne(
  given: Case,
  counts: number[],
  steps: number,
  rate: number,
  forms: 'cpu' | 'cuda' = 'cpu',
) {
  const one = await results(given, 1, steps, rate, forms);
  expect(new Set(one.trained.finite)).toEqual(new Set([1]));
  for (const devices of counts) {
    const several = await results(given, devices, steps, rate, forms);
    const apart = difference(several.trained.loss, one.trained.loss);
    if (LONG)
      console.log(`devices: ${devices}, ${steps} steps: losses ${apart.toExponential(1)} apart`);
    expect(apart, `${devices} devices`).toBeLessThan(1e-5);
    expect(several.trained.finite).toEqual(one.trained.finite);
    expect(several.trained.correct).toEqual(one.trained.correct);
    expect(stateDifference(several.after, one.after)).toBeLessThan(1e-4);
    const { loss, rank, probabilities } = several.evaluated;
    expect(difference(loss, one.evaluated.loss)).toBeLessThan(1e-5);
    expect(difference(probabilities!, one.evaluated.probabilities!)).toBeLessThan(1e-5);
    expect(rank).toEqual(one.evaluated.rank);
  }
}

/** Of every step. */
function lossesOf(runDir: string): Float32Array {
  const [header, ...rows] = readFileSync(join(runDir, 'steps.csv'), 'utf8').trim().split('\n');
  const column = header!.split(',').indexOf('loss');
  return Float32Array.from(rows, (row) => Number(row.split(',')[column]));
}

describe.skipIf(!plugin)(`xla on several devices${reason}`, { timeout: 900_000 }, () => {
  beforeAll(() => {
    vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', plugin!.path);
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it('trains as one device does, dropout, BatchNorm, mixtures and memory included', async () => {
    const mlp = { name: 'mlp', hidden: [16, 8] };
    const shapes = { imageShape: [6, 6, 3] as [number, number, number], classes: 5 };
    const dense = makeCase(mlp, { ...shapes, batchSize: 8, evalBatchSize: 3, dropout: 0.5 });
    await expectAsOne(dense, LONG ? [2, 4] : [2], 20, 0.01);
    for (const loss of [undefined, lossOf({ name: 'elr', lambda: 3, beta: 0.7 }, null)]) {
      const more = { loss, mixup: loss === undefined, examples: 19 };
      const c = makeCase(mlp, { ...shapes, batchSize: 8, evalBatchSize: 3, ...more });
      await expectAsOne({ ...c, program: smoothTraining(c.program) }, [2], 6, 0.01);
    }
    // Convolutions and BatchNorm over the whole batch, in the forms that GPUs are given.
    await expectAsOne(smoothCase([6, 6, 3]), [3], 20, 0.1, 'cuda');
  });

  it.skipIf(!LONG).each([
    [{ name: 'mlp' }, 'cpu', 0.01, 128],
    [{ name: 'alexnet' }, 'cpu', 0.01, 128],
    [{ name: 'alexnet' }, 'cuda', 0.01, 32],
    [{ name: 'inception' }, 'cpu', 0.1, 32],
    [{ name: 'inception' }, 'cuda', 0.1, 32],
  ] as const)(
    '%j trains for 20 steps as on one device, in the forms of %s',
    async (model, forms, rate, batchSize) => {
      const imageShape: [number, number, number] = [28, 28, 3];
      const shapes = { imageShape, classes: 10, batchSize, evalBatchSize: 10 };
      const itself = makeCase(model, { ...shapes, dropout: model.name === 'inception' ? 0 : 0.5 });
      const twin = { ...itself, program: smoothTraining(itself.program) };
      await expectAsOne(twin, [2, 4], 20, rate, forms);
    },
  );

  // Their ReLUs and pools decide, and one that decides differently for a rounding leads all steps behind it elsewhere.
  it.skipIf(!LONG).each([
    [{ name: 'alexnet' }, 0.01, 128],
    [{ name: 'inception' }, 0.1, 32],
  ] as const)(
    '%j itself is led no further apart than by one rounding of its initial state',
    async (model, rate, batchSize) => {
      const imageShape: [number, number, number] = [28, 28, 3];
      const given = makeCase(model, { imageShape, classes: 10, batchSize, evalBatchSize: 10 });
      const lossesFrom = async (state: HostState, devices: number) =>
        (await results({ ...given, state }, devices, 20, rate, 'cpu')).trained.loss;
      const one = await lossesFrom(given.state, 1);
      let led = 0;
      for (const seed of [1, 2, 3]) {
        led = Math.max(led, difference(await lossesFrom(nudged(given.state, seed), 1), one));
      }
      for (const devices of [2, 4]) {
        const apart = difference(await lossesFrom(given.state, devices), one);
        console.log(
          `devices: ${devices}: ${apart.toExponential(1)}; one rounding: ${led.toExponential(1)}`,
        );
        expect(apart).toBeLessThan(2 * led);
      }
    },
  );

  it('goes on with another number of devices, and records how many', async () => {
    const out = temporaryFolder();
    const { trials } = await loadExperiment({
      name: 'devices',
      data: { name: 'synthetic', limit: 64, testLimit: 30 },
      model: { name: 'mlp', hidden: [16] },
      train: { epochs: 3, batchSize: 16, stop: 'never' },
      // Fewer threads than devices, which wait for each other.
      engine: { name: 'xla', devices: 4, threads: 1 },
    });
    const { config } = trials[0]!;
    const whole = await runExperiment(config, { out });
    const stop = new AbortController();
    const options = { signal: stop.signal, events: { epoch: () => stop.abort() } };
    const { runDir } = await runExperiment(config, { out, ...options });
    const notes: string[] = [];
    const events = { note: (text: string) => void notes.push(text) };
    const { result } = await resumeRun(runDir, { runsOn: { devices: 2 }, events });
    expect(notes.join()).toMatch(/devices 4, now 2/);
    expect(whole.result.engine!.devices).toBe(4);
    expect(result.engine!.devices).toBe(2);
    expect(result.config_hash).toBe(whole.result.config_hash);
    const record = JSON.parse(readFileSync(join(runDir, 'environment.json'), 'utf8'));
    expect(record.engine).toMatchObject({ name: 'xla', device: 'cpu', devices: 2 });
    const [a, b] = [lossesOf(whole.runDir), lossesOf(runDir)];
    expect(a).toHaveLength(12);
    expect(difference(b, a)).toBeLessThan(1e-5);
    expect(readdirSync(join(out, 'devices'))).toHaveLength(2);
  });

  it('refuses what it can’t do, before it writes anything', async () => {
    await expect(xla(8)).rejects.toMatchObject({
      kind: 'usage',
      message: 'engine.devices is 8, and the CPU is 4 devices.',
      hint: expect.stringMatching(/xla_force_host_platform_device_count=8/),
    });
    const out = temporaryFolder();
    const uneven = await loadExperiment({
      data: { name: 'synthetic', limit: 64, testLimit: 30 },
      model: { name: 'mlp', hidden: [4] },
      train: { batchSize: 18 },
      engine: { name: 'xla', devices: 'all' },
    });
    await expect(runExperiment(uneven.trials[0]!.config, { out })).rejects.toMatchObject({
      kind: 'usage',
      message: "A batch of 18 images can't be divided equally among 4 devices.",
      hint: expect.stringMatching(/batchSize=16 or 20 .* engine\.devices=1, 2 or 3\./),
    });
    expect(readdirSync(out)).toEqual([]);
  });
});
