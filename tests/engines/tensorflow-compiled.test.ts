import { readdir } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEagerSession } from '../../src/engines/eager/eager.js';
import { createCompiledSession } from '../../src/engines/tensorflow/compiled.js';
import { NativeSession } from '../../src/engines/tensorflow/native-session.js';
import type { HostState, Session, TrainChunk } from '../../src/engines/types.js';
import { ensureTensorflow, noBfloat16 } from '../helpers/engine.js';
import { usual } from '../helpers/models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import {
  type Case,
  evalChunk,
  expectOwnRanks,
  makeCase,
  partOf,
  sameBits,
  stateDistance,
  trainChunk,
  ungated,
} from './fixture.js';
import { smoothCase } from './smooth-model.js';
import { useSmoothTwins } from './smooth-twin.js';

vi.mock('../../src/models/ops.js', async (original) =>
  (await import('./smooth-twin.js')).smoothOps(await original()),
);
vi.mock('../../src/models/layers.js', async (original) =>
  (await import('./smooth-twin.js')).smoothLayers(await original()),
);

const { engine, skipped } = await ensureTensorflow();

const SMALL = { imageShape: [9, 9, 3] as [number, number, number], classes: 10, batchSize: 3 };
/** Not square, and the last BatchNorms still see 16 numbers each. */
const TALL = { ...SMALL, imageShape: [75, 107, 3] as [number, number, number], batchSize: 8 };
type Precision = 'float32' | 'bfloat16';

/** Operations of our own (ops.cc), or TensorFlow's alone, as without its addon and on GPUs. */
const OWN = 'our own';
const PORTABLE = 'portable';
type Ops = typeof OWN | typeof PORTABLE;
const FORMS: [Precision, Ops][] = [
  ['float32', OWN],
  ['float32', PORTABLE],
  ['bfloat16', OWN],
  ['bfloat16', PORTABLE],
];

const MLP = { name: 'mlp', hidden: [7] };
/** Large enough to be cut into parts. */
const WIDE = { name: 'mlp', hidden: [301, 300] };

describe.skipIf(engine === undefined)(`compiled TensorFlow sessions${skipped}`, () => {
  const sessions: Session[] = [];
  beforeEach(({ task, skip }) => {
    skip(noBfloat16 !== '' && task.name.includes('bfloat16'), noBfloat16);
  });
  afterEach(() => {
    useSmoothTwins(false);
    for (const session of sessions.splice(0)) session.dispose();
  });

  async function compiled(c: Case, precision: Precision = 'float32', parts = 2, ownOps = true) {
    const session = await createCompiledSession(c.program, c.state, { precision, parts, ownOps });
    sessions.push(session);
    return session;
  }

  async function eager(c: Case) {
    const session = await createEagerSession('tensorflow', c.program, c.state);
    sessions.push(session);
    return session;
  }

  /** One state, trained with both engines, whose losses have to agree; gives what comes out of both. */
  async function trainBoth(c: Case, chunk: TrainChunk, ownOps: boolean) {
    const [session, reference] = [await compiled(c, 'float32', 2, ownOps), await eager(c)];
    const [actual, expected] = [await session.runSteps(chunk), await reference.runSteps(chunk)];
    for (const [i, loss] of expected.loss.entries()) {
      expect(Math.abs(actual.loss[i]! - loss)).toBeLessThan(1e-5 * loss);
    }
    expect(actual.correct).toEqual(expected.correct);
    expect(actual.finite).toEqual(new Uint8Array(chunk.steps).fill(1));
    const states = [await reference.getState(), await session.getState()] as const;
    return { session, reference, states };
  }

  const NETWORKS: [Record<string, unknown>, typeof SMALL, number, number, Ops][] = [
    [{ name: 'mlp', hidden: [16, 8] }, SMALL, 0.5, 3, OWN],
    [{ name: 'mlp', hidden: [16, 8] }, SMALL, 0.5, 3, PORTABLE],
    [{ name: 'alexnet' }, SMALL, 0.5, 3, OWN],
    [{ name: 'alexnet' }, SMALL, 0.5, 3, PORTABLE],
    [{ name: 'inception' }, SMALL, 0, 2, OWN],
    [{ name: 'inception' }, SMALL, 0, 2, PORTABLE],
    [{ name: 'inception', batchNorm: false }, SMALL, 0.2, 2, OWN],
    [{ name: 'inception-v3' }, TALL, 0.2, 1, OWN],
  ];
  it.each(usual(NETWORKS, 5))(
    'trains and evaluates %j as it does op by op: %j, dropout %d, %i steps, %s operations',
    { timeout: 300_000 },
    async (model, sizes, dropout, steps, ops) => {
      // Without weight decay: velocities are gradients alone, and nothing larger hides a wrong one.
      const c = makeCase(model, { ...sizes, dropout, weightDecay: 0 });
      const chunk = trainChunk(c.program, steps, 1e-3);
      useSmoothTwins(true);
      const twins = await trainBoth(c, chunk, ops === OWN);
      expect(stateDistance(...twins.states)).toBeLessThan(2e-4);
      for (const each of sessions.splice(0)) each.dispose();

      useSmoothTwins(false);
      const { session, reference, states } = await trainBoth(c, chunk, ops === OWN);
      const [trained, other] = states;
      // Rounding errors grow from BatchNorm to BatchNorm: through V3's, to 3e-4 in the last features.
      expect(stateDistance(ungated(trained), other)).toBeLessThan(2e-3);

      // From one state: what the steps left apart is not the evaluation's business.
      await session.setState(trained);
      const evaluated = evalChunk(chunk, true);
      const [x, y] = [await session.evalChunk(evaluated), await reference.evalChunk(evaluated)];
      for (const key of ['loss', 'probabilities'] as const) {
        y[key]!.forEach((value, i) => {
          expect(Math.abs(x[key]![i]! - value)).toBeLessThan(1e-4 * Math.max(1, value));
        });
      }
      expectOwnRanks(x, chunk.labels);
      const without = await session.evalChunk(evalChunk(chunk));
      expect(without.probabilities).toBeUndefined();
      expect(without.loss).toEqual(x.loss);
    },
  );

  it('evaluates several batches at once to the same bits, in their order', async () => {
    const c = makeCase(WIDE, SMALL);
    const evaluated = evalChunk(trainChunk(c.program, 7), true);
    const one = await (await compiled(c)).evalChunk(evaluated);
    expect(new Set(one.loss).size).toBe(7 * 3);
    for (const evalAtOnce of [2, 3, 9]) {
      const many = await compiled({ ...c, program: { ...c.program, evalAtOnce } });
      expect(await many.evalChunk(evaluated)).toEqual(one);
    }
  });

  it('stays near the eager run over many steps where nothing is decided by a hair', async () => {
    const c = smoothCase([9, 9, 3]);
    const chunk = trainChunk(c.program, 20, 0.01);
    const [session, reference] = [await compiled(c), await eager(c)];
    const [actual, expected] = [await session.runSteps(chunk), await reference.runSteps(chunk)];
    expected.loss.forEach((loss, i) => {
      expect(Math.abs(actual.loss[i]! - loss)).toBeLessThan(1e-4 * loss);
    });
    const apart = stateDistance(await reference.getState(), await session.getState());
    expect(apart).toBeLessThan(1e-3);
  });

  it.each(FORMS)(
    'K steps in a call are K calls, bit for bit, and repeat themselves: %s, %s operations',
    async (precision, ops) => {
      const deep = [{ name: 'inception' }, { name: 'alexnet' }];
      const others = usual(deep, precision === 'float32' ? 1 : 0);
      for (const model of [MLP, WIDE, ...(ops === OWN ? others : [])]) {
        const c = makeCase(model, SMALL);
        // More than the most that one call takes, where steps are short.
        const [first, second, third] = model.name === 'mlp' ? [1, 21, 6] : [1, 5, 1];
        const chunk = trainChunk(c.program, first + second + third);
        const form = [c, precision, 2, ops === OWN] as const;
        const [one, many] = [await compiled(...form), await compiled(...form)];
        const whole = await one.runSteps(chunk);
        const parts: number[] = [];
        for (const [from, steps] of [
          [0, first],
          [first, second],
          [first + second, third],
        ] as const) {
          parts.push(...(await many.runSteps(partOf(chunk, from, steps))).loss);
        }
        expect(parts).toEqual([...whole.loss]);
        expect(sameBits(await one.getState(), await many.getState())).toBe(true);
      }
    },
  );

  it('takes calls without waiting for the one before', async () => {
    const c = makeCase(MLP);
    const chunk = trainChunk(c.program, 6);
    const [overlapped, waited] = [await compiled(c), await compiled(c)];
    const parts = [partOf(chunk, 0, 2), partOf(chunk, 2, 4)];
    const results = await Promise.all(parts.map((part) => overlapped.runSteps(part)));
    const whole = await waited.runSteps(chunk);
    expect(results.flatMap(({ loss }) => [...loss])).toEqual([...whole.loss]);
    expect(sameBits(await overlapped.getState(), await waited.getState())).toBe(true);
  });

  it.each<[string, Record<string, unknown>, string, Precision, Ops]>([
    ['parameters alone', MLP, 'param/output/weight', 'float32', OWN],
    ['with statistics', { name: 'inception' }, 'param/output/weight', 'float32', OWN],
    ['in parts, in bfloat16', WIDE, 'param/dense1/weight', 'bfloat16', OWN],
    ['in parts', WIDE, 'param/dense1/weight', 'float32', PORTABLE],
    ['in parts, in bfloat16', WIDE, 'param/dense1/weight', 'bfloat16', PORTABLE],
  ])(
    'keeps the old state, bit for bit, where a step is not finite: %s, %j, %s, %s, %s operations',
    async (_, model, name, precision, ops) => {
      const c = makeCase(model, SMALL);
      const chunk = trainChunk(c.program, 6);
      const session = await compiled(c, precision, 2, ops === OWN);
      await session.runSteps(partOf(chunk, 0, 2));
      const poisoned = withInfinity(await session.getState(), name);
      await session.setState(poisoned);
      const metrics = await session.runSteps(partOf(chunk, 2, 4));
      expect(metrics.finite).toEqual(new Uint8Array(4));
      // The first says what it found; those after it were not taken.
      expect(metrics.loss.slice(1)).toEqual(new Float32Array(3).fill(Number.NaN));
      expect(sameBits(await session.getState(), poisoned)).toBe(true);
    },
  );

  it.each([
    ['float32', MLP, OWN],
    ['bfloat16', WIDE, OWN],
    ['float32', WIDE, PORTABLE],
    ['bfloat16', WIDE, PORTABLE],
  ] as const)(
    'ends a call at the step that is not finite, wherever it is: %s, %j, %s operations',
    async (precision, model, ops) => {
      const c = makeCase(model, SMALL);
      const form = [c, precision, 2, ops === OWN] as const;
      const [session, other] = [await compiled(...form), await compiled(...form)];
      for (const bad of [0, 1, 2, 3, 4, 15, 16]) {
        const chunk = trainChunk(c.program, 19);
        // Weights of 1e30 after this step: finite themselves, but not the logits of the next.
        chunk.learningRates[bad] = 1e38;
        for (const each of [session, other]) await each.setState(c.state);
        const metrics = await session.runSteps(chunk);
        expect(metrics.finite).toEqual(Uint8Array.from({ length: 19 }, (_, i) => Number(i <= bad)));
        await other.runSteps(partOf(chunk, 0, bad + 1));
        expect(sameBits(await session.getState(), await other.getState())).toBe(true);
      }
    },
  );

  it.each([
    ['float32', 2, 1e-3, 1e-5, OWN],
    ['float32', 4, 0, 1e-5, OWN],
    ['float32', 2, 1e-3, 1e-5, PORTABLE],
    ['bfloat16', 2, 0, 0.01, OWN],
    ['bfloat16', 2, 0.1, 0.01, OWN],
    ['bfloat16', 2, 0.1, 0.01, PORTABLE],
  ] as const)(
    'computes in parts what it does whole: %s, %i parts, weight decay %d, within %d, %s operations',
    async (precision, count, weightDecay, within, ops) => {
      const c = makeCase(WIDE, { ...SMALL, dropout: 0.5, weightDecay });
      const chunk = trainChunk(c.program, 3);
      // Parts are added up in another order; rounded to bfloat16, that is enough to open a ReLU here and shut it there.
      useSmoothTwins(precision === 'bfloat16');
      const whole = await compiled(c, precision, 1, precision === 'bfloat16');
      const parts = await compiled(c, precision, count, ops === OWN);
      expect(sameBits(await parts.getState(), c.state)).toBe(true);
      const [actual, expected] = [await parts.runSteps(chunk), await whole.runSteps(chunk)];
      expected.loss.forEach((loss, i) => {
        expect(Math.abs(actual.loss[i]! - loss)).toBeLessThan(within * loss);
      });
      expect(stateDistance(await whole.getState(), await parts.getState())).toBeLessThan(within);
      await parts.setState(await whole.getState());
      expect(sameBits(await parts.getState(), await whole.getState())).toBe(true);
      const evaluated = evalChunk(chunk, true);
      const [x, y] = [await parts.evalChunk(evaluated), await whole.evalChunk(evaluated)];
      expect(x.prediction).toEqual(y.prediction);
      y.loss.forEach(
        (loss, i) => void expect(x.loss[i]).toBeCloseTo(loss, precision === 'float32' ? 5 : 1),
      );
    },
  );

  it('frees what it has when calls under way come back', async () => {
    const c = makeCase(MLP, SMALL);
    const session = await compiled(c);
    const steps = session.runSteps(trainChunk(c.program, 64));
    session.dispose();
    await expect(steps).rejects.toThrow('disposed');
  });

  it('leaves the event loop free while it computes', async () => {
    const c = makeCase({ name: 'inception' }, { ...SMALL, imageShape: [28, 28, 3], batchSize: 16 });
    const session = await compiled(c);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await session.runSteps(trainChunk(c.program, 1));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('trains in bfloat16 near float32, with float32 state', async () => {
    for (const name of usual(['mlp', 'alexnet', 'inception'], 2)) {
      const c = makeCase({ name }, SMALL);
      const chunk = trainChunk(c.program, 1);
      const [low, full] = [await compiled(c, 'bfloat16'), await compiled(c)];
      const [a, b] = [await low.runSteps(chunk), await full.runSteps(chunk)];
      const apart = Math.abs(a.loss[0]! - b.loss[0]!) / b.loss[0]!;
      expect(apart, name).toBeLessThan(0.05);
      // It is bfloat16 that ran: float32 rounding alone is a thousand times smaller.
      expect(apart, name).toBeGreaterThan(1e-6);
      expect(stateDistance(await full.getState(), await low.getState())).toBeLessThan(1.5);
    }
  });

  it('is warm when it is there: the first call finds the graph optimized', async () => {
    const run = vi.spyOn(NativeSession.prototype, 'run');
    const c = makeCase(MLP, { ...SMALL, dropout: 0.5 });
    const session = await compiled(c);
    const warmed = new Set(run.mock.calls.map(([endpoint]) => endpoint));
    run.mockClear();
    await session.runSteps(trainChunk(c.program, 5));
    expect(run).toHaveBeenCalledTimes(2);
    for (const [endpoint] of run.mock.calls) expect(warmed).toContain(endpoint);
    run.mockRestore();
  });

  it('gives back the state it was given, as copies, and refuses another program’s', async () => {
    const c = makeCase({ name: 'inception' }, SMALL);
    const session = await compiled(c);
    const state = await session.getState();
    expect(sameBits(state, c.state)).toBe(true);
    Object.values(state)[0]!.data.fill(0);
    expect(sameBits(await session.getState(), c.state)).toBe(true);
    const { 'param/output/bias': _, ...short } = c.state;
    await expect(session.setState(short)).rejects.toThrow('param/output/bias');
  });

  it('shares no memory with the state it was given', async () => {
    const c = makeCase(MLP, SMALL);
    const given = aligned(c.state);
    const session = await compiled({ ...c, state: given });
    for (const { data } of Object.values(given)) data.fill(7);
    expect(sameBits(await session.getState(), c.state)).toBe(true);
    await session.runSteps(trainChunk(c.program, 8));
    expect(Object.values(given).every(({ data }) => data.every((x) => x === 7))).toBe(true);
  });

  it('keeps no memory over thousands of steps, no tensors and no files', async () => {
    const c = makeCase(MLP, { ...SMALL, dropout: 0.5 });
    // A folder of its own: in the shared one, other tests make files at the same time.
    const folder = temporaryFolder();
    vi.stubEnv('TMPDIR', folder);
    const session = await compiled(c);
    vi.unstubAllEnvs();
    expect(await readdir(folder)).toEqual([]);
    const chunk = trainChunk(c.program, 501, 1e-4);
    const { numTensors } = tf.memory();
    for (let i = 0; i < 2; i++) await session.runSteps(chunk);
    const settled = process.memoryUsage().rss;
    for (let i = 0; i < 8; i++) await session.runSteps(chunk);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(process.memoryUsage().rss - settled).toBeLessThan(32 * 2 ** 20);
  });

  it('refuses to work after its end', async () => {
    const c = makeCase(MLP);
    const session = await compiled(c);
    session.dispose();
    session.dispose();
    await expect(session.runSteps(trainChunk(c.program, 1))).rejects.toThrow('disposed');
  });
});

function withInfinity(state: HostState, name: string): HostState {
  const data = state[name]!.data.slice();
  data[0] = Number.POSITIVE_INFINITY;
  return { ...state, [name]: { ...state[name]!, data } };
}

interface PageMemory {
  Memory: new (pages: { initial: number }) => { buffer: ArrayBuffer };
}

/** The same state on boundaries of 64 bytes: the addon gives such memory to TensorFlow without a copy. */
function aligned(state: HostState): HostState {
  // Node has it, though TypeScript's library for Node does not know it; its memory starts on a page.
  const { Memory } = (globalThis as unknown as { WebAssembly: PageMemory }).WebAssembly;
  const { buffer } = new Memory({ initial: 64 });
  let offset = 0;
  return Object.fromEntries(
    Object.entries(state).map(([name, { shape, data }]) => {
      const copy = new Float32Array(buffer, offset, data.length);
      copy.set(data);
      offset += Math.ceil(data.byteLength / 64) * 64;
      return [name, { shape, data: copy }];
    }),
  );
}
