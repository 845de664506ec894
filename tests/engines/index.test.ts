import '@tensorflow/tfjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngine, listEngines } from '../../src/engines/index.js';
import type { EngineOptions } from '../../src/engines/types.js';
import { RethinkError } from '../../src/errors.js';
import { EAGER } from '../helpers/engine.js';
import { fakeMachine } from '../helpers/fake-machine.js';

// On a machine of its own: nothing installed, no GPU, nothing may be installed.
beforeEach(() => {
  fakeMachine();
  vi.stubEnv('RETHINK_GEN_NO_INSTALL', '1');
});

async function create(changes: Partial<EngineOptions>) {
  const notes: string[] = [];
  const engine = await createEngine(
    { ...EAGER, ...changes },
    { note: (message) => notes.push(message) },
  );
  return { engine, notes };
}

describe('createEngine', () => {
  it('falls back to wasm only with auto, saying loudly why and what would help', async () => {
    const { engine, notes } = await create({ name: 'auto' });
    expect(engine.info.name).toBe('wasm');
    expect(notes).toEqual([
      'Engine wasm, MANY TIMES SLOWER than tensorflow (not installed). Mend it: rethink-gen engine install tensorflow',
    ]);
  });

  it('says which engine was asked for by name', async () => {
    const { notes } = await create({ name: 'wasm' });
    expect(notes).toEqual([expect.stringMatching(/^Engine wasm 4\..*: asked for by name\.$/)]);
  });

  it('never replaces an engine that was asked for by name', async () => {
    await expect(create({ name: 'tensorflow' })).rejects.toSatisfy(
      (error) =>
        error instanceof RethinkError &&
        error.kind === 'failed' &&
        /tensorflow can't be used/.test(error.message) &&
        /engine install tensorflow/.test(error.hint ?? ''),
    );
  });

  it('does not install where the caller forbids it', async () => {
    vi.stubEnv('RETHINK_GEN_NO_INSTALL', '');
    const creating = createEngine(EAGER, { allowInstall: false });
    await expect(creating).rejects.toMatchObject({ kind: 'failed' });
  });

  it('does not take a wrong setting for a missing engine', async () => {
    const creating = create({ name: 'auto', precision: 'bfloat16' });
    await expect(creating).rejects.toMatchObject({ kind: 'usage' });
  });
});

describe('listEngines', () => {
  it('has a line for each engine, with what is missing and the command that gets it', async () => {
    const engines = await listEngines();
    expect(engines.find(({ name }) => name === 'wasm')).toMatchObject({
      installed: true,
      problem: null,
      install: null,
    });
    expect(engines.find(({ name }) => name === 'tensorflow')).toMatchObject({
      installed: false,
      where: null,
      problem: expect.any(String),
    });
    expect(new Set(engines.map(({ name }) => name))).toEqual(
      new Set(['xla', 'tensorflow', 'wasm']),
    );
  });

  it('says that a plugin named by hand is not there, and goes on', async () => {
    vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', '/nowhere/plugin.so');
    const xla = (await listEngines()).find(({ name }) => name === 'xla');
    expect(xla).toMatchObject({ installed: false, problem: expect.stringContaining('/nowhere') });
  });
});
