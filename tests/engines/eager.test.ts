import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEagerSession } from '../../src/engines/eager/eager.js';
import type { Session } from '../../src/engines/types.js';
import { evalChunk, expectOwnRanks, makeCase, partOf, trainChunk } from './fixture.js';

class OtherBackend extends tf.KernelBackend {
  override dispose(): void {}
}

const open: Session[] = [];

async function session(dropout = 0.5, hidden: number[] = [6]) {
  const { program, state } = makeCase({ name: 'mlp', hidden }, { dropout });
  const created = await createEagerSession('cpu', program, state);
  open.push(created);
  return { program, state, session: created };
}

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => {
  for (const each of open.splice(0)) each.dispose();
});

describe('runSteps', () => {
  it('gives the same bits in one call as in many', async () => {
    const [one, many] = [await session(), await session()];
    const chunk = trainChunk(one.program, 7);
    const whole = await one.session.runSteps(chunk);
    const losses: number[] = [];
    for (const [from, steps] of [
      [0, 1],
      [1, 4],
      [5, 2],
    ] as const) {
      losses.push(...(await many.session.runSteps(partOf(chunk, from, steps))).loss);
    }
    expect(losses).toEqual([...whole.loss]);
    expect(await many.session.getState()).toEqual(await one.session.getState());
  });

  it('learns what it is shown', async () => {
    const { program, session: s } = await session(0, [32]);
    const chunk = trainChunk(program, 1, 0.05);
    const first = await s.runSteps(chunk);
    for (let i = 0; i < 100; i++) await s.runSteps(chunk);
    const last = await s.runSteps(chunk);
    expect(first.loss[0]).toBeGreaterThan(0.5);
    expect(last.loss[0]).toBeLessThan(0.05);
    expect(last.correct[0]).toBe(program.batchSize);
  });

  it('keeps the state of a step that is not finite, and goes on', async () => {
    const { program, state, session: s } = await session(0);
    const chunk = trainChunk(program, 3);
    // The rate spoils the parameters after a first step that is itself finite: the second isn't.
    chunk.learningRates[0] = Number.POSITIVE_INFINITY;
    expect([...(await s.runSteps(chunk)).finite]).toEqual([1, 0, 0]);
    const spoilt = await s.getState();
    expect(spoilt).not.toEqual(state);
    expect([...(await s.runSteps(partOf(chunk, 1, 2))).finite]).toEqual([0, 0]);
    expect(await s.getState()).toEqual(spoilt);
    await s.setState(state);
    expect([...(await s.runSteps(partOf(chunk, 1, 2))).finite]).toEqual([1, 1]);
  });

  it('holds the same number of tensors after thousands of steps', async () => {
    const { program, session: s } = await session();
    const chunk = trainChunk(program, 500);
    await s.runSteps(partOf(chunk, 0, 1));
    const { numTensors, numDataBuffers } = tf.memory();
    for (let i = 0; i < 4; i++) await s.runSteps(chunk);
    await s.evalChunk(evalChunk(chunk));
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
    expect(numTensors).toBe(program.state.length);
  });

  it('lets timers run between two steps', async () => {
    const { program, session: s } = await session();
    const chunk = trainChunk(program, 200);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await s.runSteps(chunk);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
  });

  it('works beside a session on another backend', async () => {
    const { program, session: s } = await session();
    const chunk = trainChunk(program, 20);
    const running = s.runSteps(chunk);
    tf.registerBackend('test-other', () => new OtherBackend());
    await tf.setBackend('test-other');
    expect((await running).finite.every((finite) => finite === 1)).toBe(true);
    await tf.setBackend('cpu');
    tf.removeBackend('test-other');
  });
});

describe('evalChunk', () => {
  it('gives each example its own loss, prediction, rank and probabilities', async () => {
    const { program, session: s } = await session();
    const chunk = trainChunk(program, 3);
    const { loss, prediction, rank, probabilities } = await s.evalChunk(evalChunk(chunk, true));
    for (let i = 0; i < 3 * program.batchSize; i++) {
      const row = [...probabilities!.slice(i * program.classes, (i + 1) * program.classes)];
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect(prediction[i]).toBe(row.indexOf(Math.max(...row)));
      const own = row[chunk.labels[i]!]!;
      expect(rank[i]).toBe(row.filter((p) => p > own).length);
      expect(loss[i]).toBeCloseTo(-Math.log(row[chunk.labels[i]!]!), 4);
    }
  });

  it('leaves the probabilities out unless they are asked for', async () => {
    const { program, session: s } = await session();
    const metrics = await s.evalChunk(evalChunk(trainChunk(program, 1)));
    expect(metrics).not.toHaveProperty('probabilities');
  });

  it('gives margins where the program was made with them', async () => {
    const { program, session: s } = await session();
    const chunk = trainChunk(program, 3);
    expectOwnRanks(await s.evalChunk(evalChunk(chunk, true)), chunk.labels);
    const without = makeCase({ name: 'mlp', hidden: [8] }, { margin: false });
    const bare = await createEagerSession('cpu', without.program, without.state);
    expect(await bare.evalChunk(evalChunk(trainChunk(without.program, 1)))).not.toHaveProperty(
      'margin',
    );
    bare.dispose();
  });
});

describe('state', () => {
  it('comes back as it was given, in the program’s order, and is the caller’s own', async () => {
    const { program, state, session: s } = await session();
    const first = await s.getState();
    expect(first).toEqual(state);
    expect(Object.keys(first)).toEqual(program.state.map(({ name }) => name));
    for (const { data } of Object.values(first)) data.fill(Number.NaN);
    for (const { data } of Object.values(state)) data.fill(Number.NaN);
    for (const { data } of Object.values(await s.getState())) {
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });

  it('can be put back, and the same steps follow', async () => {
    const { program, state, session: s } = await session();
    const chunk = trainChunk(program, 3);
    const first = await s.runSteps(chunk);
    await s.setState(state);
    expect(await s.runSteps(chunk)).toEqual(first);
  });

  it.each([
    ['lacks a tensor', 'param/output/bias', undefined, /has no param\/output\/bias/],
    ['has another shape', 'param/output/bias', [4], /shape \[4\] with 4 values, not \[3\]/],
    ['has a tensor too many', 'param/extra', [1], /has param\/extra/],
  ])('is refused when it %s', async (_, name, shape, message) => {
    const { state, session: s } = await session();
    const { [name]: _old, ...rest } = state;
    const changed = shape
      ? { ...rest, [name]: { shape, data: new Float32Array(shape[0]!) } }
      : rest;
    await expect(s.setState(changed)).rejects.toThrow(message);
    expect(await s.getState()).toEqual(state);
  });

  it('is freed once by dispose, which may be called again', async () => {
    const before = tf.memory().numTensors;
    const { program, session: s } = await session();
    s.dispose();
    s.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await expect(s.runSteps(trainChunk(program, 1))).rejects.toThrow(/disposed/);
  });
});
