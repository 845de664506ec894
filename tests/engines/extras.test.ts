import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEagerSession } from '../../src/engines/eager/eager.js';
import { createEngine } from '../../src/engines/index.js';
import type { Engine, EngineOptions, Session } from '../../src/engines/types.js';
import { lossOf } from '../../src/train/losses.js';
import { EAGER, ensureTensorflow, noBfloat16 } from '../helpers/engine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { makeCase, partOf, sameBits, stateDistance, trainChunk } from './fixture.js';
import { smoothTraining } from './smooth-twin.js';
import { cpuPlugin } from './xla-plugin.js';

vi.mock('../../src/models/ops.js', async (original) =>
  (await import('./smooth-twin.js')).smoothOps(await original()),
);

const { skipped } = await ensureTensorflow();
const { plugin, reason } = await cpuPlugin();

const EXAMPLES = 23;
/** What a step is given beside, and what is remembered: mixtures, and targets of every example. */
const TRAININGS = {
  mixup: { mixup: true },
  elr: { loss: lossOf({ name: 'elr', lambda: 3, beta: 0.7 }, null), examples: EXAMPLES },
};
type Training = keyof typeof TRAININGS;

function caseOf(training: Training, hidden = [8]) {
  const model = { name: 'mlp', hidden };
  const c = makeCase(model, { batchSize: 6, dropout: 0.5, ...TRAININGS[training] });
  return { ...c, program: smoothTraining(c.program) };
}

const COMPILED: EngineOptions = { ...EAGER, eager: false };
const ENGINES: [string, EngineOptions, string][] = [
  ['tensorflow, compiled', COMPILED, skipped],
  ['tensorflow, op by op', EAGER, skipped],
  ['xla', { ...COMPILED, name: 'xla' }, reason],
  ['wasm', { ...EAGER, name: 'wasm' }, ''],
];

/** Layers; the second are large enough to be cut into parts. */
const SIZES: Record<string, number[][][]> = { 'tensorflow, compiled': [[[8]], [[301, 300]]] };

describe.each(ENGINES)('%s', (what, options, missing) => {
  const open: (Engine | Session)[] = [];
  beforeAll(() => {
    if (plugin !== undefined) vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', plugin.path);
    vi.stubEnv('XDG_CACHE_HOME', options.name === 'xla' ? temporaryFolder() : undefined);
  });
  afterEach(() => {
    for (const each of open.splice(0).reverse()) each.dispose();
  });
  afterAll(() => void vi.unstubAllEnvs());
  const opened = <T extends Engine | Session>(each: T): T => {
    open.push(each);
    return each;
  };
  const engineOf = async (more: Partial<EngineOptions> = {}) =>
    opened(await createEngine({ ...options, ...more }, { shortSteps: true }));

  for (const training of Object.keys(TRAININGS) as Training[]) {
    it.skipIf(missing !== '')(`trains with ${training} as tfjs does${missing}`, async () => {
      const c = caseOf(training);
      const chunk = trainChunk(c.program, 6);
      const session = opened(await (await engineOf()).load(c.program, c.state));
      const actual = await session.runSteps(chunk);
      await tf.setBackend('cpu');
      const reference = opened(await createEagerSession('cpu', c.program, c.state));
      const expected = await reference.runSteps(chunk);
      for (const [i, loss] of expected.loss.entries()) {
        expect(Math.abs(actual.loss[i]! / loss - 1)).toBeLessThan(1e-5);
      }
      expect(actual.correct).toEqual(expected.correct);
      const states = [await reference.getState(), await session.getState()] as const;
      expect(stateDistance(...states)).toBeLessThan(1e-4);
    });

    it.skipIf(missing !== '').each(SIZES[what] ?? [[[8]]])(
      `K steps with ${training} in a call are K calls, bit for bit: %j${missing}`,
      async (hidden) => {
        const c = caseOf(training, hidden);
        const chunk = trainChunk(c.program, 23);
        const engine = await engineOf();
        const [one, many] = [
          opened(await engine.load(c.program, c.state)),
          opened(await engine.load(c.program, c.state)),
        ];
        const { loss } = await one.runSteps(chunk);
        const parts: number[] = [];
        for (const [from, steps] of [
          [0, 1],
          [1, 17],
          [18, 5],
        ] as const) {
          parts.push(...(await many.runSteps(partOf(chunk, from, steps))).loss);
        }
        expect(parts).toEqual([...loss]);
        expect(sameBits(await one.getState(), await many.getState())).toBe(true);
      },
    );
  }

  it.skipIf(missing !== '')(`remembers the examples that it has seen${missing}`, async () => {
    const c = caseOf('elr');
    const chunk = trainChunk(c.program, 2);
    const session = opened(await (await engineOf()).load(c.program, c.state));
    await session.runSteps(chunk);
    const { data } = (await session.getState())['example/target']!;
    const seen = new Map<number, number>();
    for (const at of chunk.extras.position!) seen.set(at, (seen.get(at) ?? 0) + 1);
    for (let at = 0; at < EXAMPLES; at++) {
      const row = data.subarray(3 * at, 3 * at + 3);
      // Each time 1 − β of a distribution goes in, and β of what was remains.
      const sum = row.reduce((a, b) => a + b);
      expect(sum).toBeCloseTo(1 - 0.7 ** (seen.get(at) ?? 0), 5);
    }
  });

  const eager = options.eager || (options.name === 'tensorflow' && noBfloat16 !== '');
  it.skipIf(missing !== '' || eager)(`trains in bfloat16 near float32${missing}`, async () => {
    for (const training of Object.keys(TRAININGS) as Training[]) {
      const c = caseOf(training);
      const chunk = trainChunk(c.program, 1);
      const narrow = await engineOf({ precision: 'bfloat16' });
      const [low, full] = [
        opened(await narrow.load(c.program, c.state)),
        opened(await (await engineOf()).load(c.program, c.state)),
      ];
      const [a, b] = [await low.runSteps(chunk), await full.runSteps(chunk)];
      expect(a.finite[0]).toBe(1);
      const apart = Math.abs(a.loss[0]! / b.loss[0]! - 1);
      expect(apart).toBeLessThan(0.05);
      expect(apart).toBeGreaterThan(1e-6);
    }
  });
});
