import { expect, it } from 'vitest';
import { ENGINES, type EngineName, PRECISIONS } from '../../src/config/engines.js';
import type { EngineKind } from '../../src/engines/kind.js';
import { ENGINE_KINDS, ENGINES_BY_PREFERENCE } from '../../src/engines/table.js';
import { EAGER } from '../helpers/engine.js';

const { tensorflow, xla, wasm } = ENGINE_KINDS;
const COMPILED = { ...EAGER, eager: false };

it('has a row for each engine that a config can name', () => {
  expect(Object.keys(ENGINE_KINDS)).toEqual([...ENGINES]);
  expect([...ENGINES_BY_PREFERENCE].sort()).toEqual([...ENGINES].sort());
  // @ts-expect-error: an engine without a row does not compile.
  const withoutWasm: Record<EngineName, EngineKind> = { tensorflow, xla };
  expect(withoutWasm).not.toHaveProperty('wasm');
});

it('takes no row that leaves something open', () => {
  const { doubles, ...rest } = tensorflow;
  // @ts-expect-error: nor does a row that doesn't say whether it has doubles.
  const incomplete: EngineKind = rest;
  expect(incomplete).not.toHaveProperty('doubles');
  expect(doubles).toBe(true);
});

it('ends with the one engine that every machine has', () => {
  const last = ENGINES.filter((name) => ENGINE_KINDS[name].auto === 'last');
  expect(last).toEqual([ENGINES_BY_PREFERENCE.at(-1)]);
  expect(ENGINE_KINDS[last[0]!].install).toBeNull();
});

it('says what an engine never does, and what would be right', () => {
  expect(xla.unsupported({ ...EAGER, name: 'xla' })).toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(/only runs compiled/),
    hint: expect.stringMatching(/engine.eager=false/),
  });
  expect(tensorflow.unsupported({ ...EAGER, precision: 'bfloat16' })).toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(/computes in float32/),
  });
  const wrong = [{ precision: 'bfloat16' as const }, { threads: 2 }, { device: 1 }];
  for (const setting of wrong) {
    expect(wasm.unsupported({ ...COMPILED, ...setting })).toMatchObject({ kind: 'usage' });
  }
  for (const kind of [tensorflow, wasm]) {
    expect(kind.unsupported({ ...COMPILED, devices: 2 })).toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/engine\.devices is 2, and the engine \w+ trains on one/),
      hint: expect.stringMatching(/engine\.name=xla/),
    });
  }
});

it('takes whatever an engine can do', () => {
  for (const precision of PRECISIONS) {
    expect(tensorflow.unsupported({ ...COMPILED, precision, threads: 2 })).toBeUndefined();
    expect(xla.unsupported({ ...COMPILED, precision, device: 1, devices: 2 })).toBeUndefined();
  }
  // All of one device.
  for (const kind of [tensorflow, xla, wasm]) {
    for (const devices of [1, 'all'] as const) {
      expect(kind.unsupported({ ...COMPILED, devices })).toBeUndefined();
    }
  }
  for (const kind of [tensorflow, wasm]) expect(kind.unsupported(EAGER)).toBeUndefined();
  expect(wasm.unsupported({ ...COMPILED, threads: 1 })).toBeUndefined();
});
