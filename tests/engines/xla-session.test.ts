import '@tensorflow/tfjs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEagerSession } from '../../src/engines/eager/eager.js';
import type { Engine, Session, StepMetrics, TrainChunk } from '../../src/engines/types.js';
import { createXlaEngine } from '../../src/engines/xla/index.js';
import { usual } from '../helpers/models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { expectOwnRanks, partOf, ungated } from './fixture.js';
import { difference } from './lowering/lowering.js';
import { smoothTraining } from './smooth-twin.js';
import { cpuPlugin } from './xla-plugin.js';
import {
  evalChunk,
  expectSameState,
  type Setup,
  setup,
  stateDifference,
  trainChunk,
} from './xla-setup.js';

vi.mock('../../src/models/ops.js', async (original) =>
  (await import('./smooth-twin.js')).smoothOps(await original()),
);
vi.mock('../../src/models/layers.js', async (original) =>
  (await import('./smooth-twin.js')).smoothLayers(await original()),
);

const { plugin, reason } = await cpuPlugin();
const OPTIONS = {
  name: 'xla',
  precision: 'float32',
  device: 0,
  eager: false,
  deterministic: false,
} as const;

// Whole networks are compiled, on machines that may be busy.
describe.skipIf(!plugin)(`xla engine${reason}`, { timeout: 480_000 }, () => {
  let engine: Engine;
  let cache: string;
  const before = process.env.XDG_CACHE_HOME;
  const sessions: Session[] = [];

  beforeAll(async () => {
    process.env.RETHINK_GEN_PJRT_PLUGIN = plugin!.path;
    cache = temporaryFolder();
    process.env.XDG_CACHE_HOME = cache;
    engine = await createXlaEngine(OPTIONS, {});
  });
  afterEach(() => {
    for (const session of sessions.splice(0)) session.dispose();
  });
  afterAll(() => {
    engine.dispose();
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  });

  async function load({ program, state }: Setup, from: Engine = engine): Promise<Session> {
    const session = await from.load(program, state);
    sessions.push(session);
    return session;
  }

  async function eager({ program, state }: Setup): Promise<Session> {
    await tf.setBackend('cpu');
    const session = await createEagerSession('cpu', program, state);
    sessions.push(session);
    return session;
  }

  it('says what it is', () => {
    expect(engine.info).toMatchObject({ name: 'xla', device: 'cpu', mode: 'compiled' });
    expect(engine.info.version).toMatch(/^PJRT 0\.\d+/);
  });

  /** One state, trained with both engines, whose losses have to agree. */
  async function trainBoth(given: Setup, chunk: TrainChunk, within: number) {
    const both = [await load(given), await eager(given)] as [Session, Session];
    const [a, b] = [await both[0].runSteps(chunk), await both[1].runSteps(chunk)];
    expect(difference(a.loss, b.loss)).toBeLessThan(within);
    expect(a.correct).toEqual(b.correct);
    expect(a.finite).toEqual(b.finite);
    expect(a.finite).toEqual(new Uint8Array(chunk.steps).fill(1));
    return both;
  }

  const NETWORKS: [model: Record<string, unknown>, dropout: number, within: number][] = [
    [{ name: 'mlp', hidden: [16, 8] }, 0.5, 1e-5],
    [{ name: 'alexnet' }, 0, 1e-4],
    [{ name: 'inception' }, 0, 1e-3],
    [{ name: 'inception', batchNorm: false }, 0, 1e-3],
    [{ name: 'resnet18', width: 4 }, 0, 1e-3],
  ];
  it.each(usual(NETWORKS, 3))(
    '%j trains and evaluates as it does op by op',
    async (model, dropout, within) => {
      const itself = setup(model, dropout);
      const twin = { ...itself, program: smoothTraining(itself.program) };
      const chunk = trainChunk(itself, 1);
      let [compiled, reference] = await trainBoth(twin, chunk, within);
      const states = [await compiled.getState(), await reference.getState()] as const;
      expect(stateDifference(...states)).toBeLessThan(within);
      // tfjs' reference takes its time for an Inception: as its twin alone it trains here.
      if (model.name !== 'inception') {
        [compiled, reference] = await trainBoth(itself, chunk, within);
        const last = [await compiled.getState(), await reference.getState()].map(ungated);
        expect(stateDifference(last[0]!, last[1]!)).toBeLessThan(within);
      }

      // From one state: what the steps left apart is not the evaluation's business.
      await compiled.setState(await reference.getState());
      const evaluated = evalChunk(itself, 2, true);
      const [x, y] = [await compiled.evalChunk(evaluated), await reference.evalChunk(evaluated)];
      expect(difference(x.loss, y.loss)).toBeLessThan(1e-4);
      expect(difference(x.probabilities!, y.probabilities!)).toBeLessThan(1e-4);
      expectOwnRanks(x, evaluated.labels);
      const without = await compiled.evalChunk({ ...evaluated, probabilities: false });
      expect(without.probabilities).toBeUndefined();
      expect(without.loss).toEqual(x.loss);
    },
  );

  it('trains in bfloat16 near float32, with float32 state', async () => {
    const narrow = await createXlaEngine({ ...OPTIONS, precision: 'bfloat16' }, {});
    expect(narrow.info.precision).toBe('bfloat16');
    for (const name of usual(['mlp', 'alexnet', 'inception'], 2)) {
      const given = setup({ name });
      const chunk = trainChunk(given, 1);
      const [low, full] = [await load(given, narrow), await load(given)];
      const [a, b] = [await low.runSteps(chunk), await full.runSteps(chunk)];
      expect(a.finite[0]).toBe(1);
      const apart = Math.abs(a.loss[0]! - b.loss[0]!) / b.loss[0]!;
      expect(apart, name).toBeLessThan(0.05);
      // It is bfloat16 that ran: float32 rounding alone is a thousand times smaller.
      expect(apart, name).toBeGreaterThan(1e-6);
      expect(stateDifference(await low.getState(), await full.getState())).toBeLessThan(1.5);
    }
    narrow.dispose();
  });

  it('K steps in a call are K calls, bit for bit, whatever the session', async () => {
    const given = setup({ name: 'alexnet' });
    const chunk = trainChunk(given, 5);
    const whole = await load(given);
    const metrics = await whole.runSteps(chunk);
    const single = await load(given);
    const losses: number[] = [];
    for (let step = 0; step < 5; step++) {
      losses.push((await single.runSteps(partOf(chunk, step, 1))).loss[0]!);
    }
    expect(Float32Array.from(losses)).toEqual(metrics.loss);
    expectSameState(await single.getState(), await whole.getState());
  });

  it('runs more steps than one call has room for', async () => {
    const given = setup({ name: 'mlp', hidden: [4] });
    const session = await load(given);
    const chunk = trainChunk(given, 300);
    const metrics = await session.runSteps(chunk);
    const halves = await load(given);
    const [first, second] = [
      await halves.runSteps(partOf(chunk, 0, 130)),
      await halves.runSteps(partOf(chunk, 130, 170)),
    ];
    expect(metrics.loss).toEqual(Float32Array.of(...first.loss, ...second.loss));
    expectSameState(await session.getState(), await halves.getState());
  });

  it('takes calls without waiting for the one before', async () => {
    const given = setup({ name: 'mlp', hidden: [8] });
    const chunk = trainChunk(given, 6);
    const [overlapped, waited] = [await load(given), await load(given)];
    const parts = [partOf(chunk, 0, 2), partOf(chunk, 2, 1), partOf(chunk, 3, 3)];
    const results = await Promise.all(parts.map((piece) => overlapped.runSteps(piece)));
    const expected: StepMetrics[] = [];
    for (const piece of parts) expected.push(await waited.runSteps(piece));
    expect(results).toEqual(expected);
    expectSameState(await overlapped.getState(), await waited.getState());
  });

  it('keeps the old state where a step is not finite, and says so', async () => {
    const given = setup({ name: 'mlp', hidden: [8] });
    const session = await load(given);
    const chunk = trainChunk(given, 3);
    chunk.learningRates.fill(1e38);
    const metrics = await session.runSteps(chunk);
    expect(metrics.finite[0]).toBe(1);
    expect(metrics.finite[2]).toBe(0);
    const first = metrics.finite.indexOf(0);
    const other = await load(given);
    await other.runSteps(partOf(chunk, 0, first));
    expectSameState(await session.getState(), await other.getState());
  });

  it('gives back the state it was given, as copies', async () => {
    const given = setup({ name: 'inception' });
    const session = await load(given);
    const state = await session.getState();
    expectSameState(state, given.state);
    Object.values(state)[0]!.data.fill(0);
    expectSameState(await session.getState(), given.state);
    const name = Object.keys(state)[0]!;
    const { [name]: _, ...short } = given.state;
    await expect(session.setState(short)).rejects.toThrow(name);
  });

  it('does not leak buffers', async () => {
    const { client } = (engine as unknown as { shared: { client: { bufferCount: number } } })
      .shared;
    const given = setup({ name: 'mlp', hidden: [8] }, 0.5);
    const session = await load(given);
    const chunk = trainChunk(given, 2);
    await session.runSteps(chunk);
    await session.evalChunk(evalChunk(given, 1, true));
    const held = client.bufferCount;
    for (let i = 0; i < 20; i++) {
      await session.runSteps(chunk);
      await session.evalChunk(evalChunk(given, 1, true));
      await session.setState(await session.getState());
    }
    expect(client.bufferCount).toBe(held);
  });

  it('finds compiled programs on the disk, and replaces damaged ones', async () => {
    const given = setup({ name: 'mlp', hidden: [7] });
    const chunk = trainChunk(given, 2);
    const folder = join(cache, 'rethink-gen', 'xla');
    const before = new Set(await readdir(folder).catch(() => []));
    const first = await (await load(given)).runSteps(chunk);
    const added = (await readdir(folder)).filter((name) => !before.has(name));
    expect(added).toHaveLength(1);
    const path = join(folder, added[0]!);
    const bytes = await readFile(path);

    // Another engine in this process: nothing is shared but the disk.
    const other = await createXlaEngine(OPTIONS, {});
    expect(await (await load(given, other)).runSteps(chunk)).toEqual(first);
    expect(await readdir(folder)).toHaveLength(before.size + 1);

    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1]! ^= 0xff;
    for (const content of [damaged, bytes.subarray(0, 40), Buffer.alloc(0)]) {
      await writeFile(path, content);
      expect(await (await load(given, other)).runSteps(chunk)).toEqual(first);
      expect((await readFile(path)).length).toBeGreaterThan(100);
    }
    other.dispose();
  });

  it('goes on without a cache folder, and says so', async () => {
    const file = join(cache, 'file');
    await writeFile(file, '');
    process.env.XDG_CACHE_HOME = file;
    const notes: string[] = [];
    const other = await createXlaEngine(OPTIONS, { note: (message) => notes.push(message) });
    process.env.XDG_CACHE_HOME = cache;
    const given = setup({ name: 'mlp', hidden: [5] });
    const metrics = await (await load(given, other)).runSteps(trainChunk(given, 1));
    expect(metrics.finite[0]).toBe(1);
    expect(notes.join()).toMatch(/could not be kept/);
    other.dispose();
  });
});

describe('xla plugin', () => {
  it('named but absent is an error', async () => {
    const named = process.env.RETHINK_GEN_PJRT_PLUGIN;
    process.env.RETHINK_GEN_PJRT_PLUGIN = '/nonexistent/plugin.so';
    await expect(createXlaEngine(OPTIONS, {})).rejects.toThrow(
      /'\/nonexistent\/plugin\.so', which does not exist/,
    );
    if (named === undefined) delete process.env.RETHINK_GEN_PJRT_PLUGIN;
    else process.env.RETHINK_GEN_PJRT_PLUGIN = named;
  });
});
