import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { registerDoctorCommand } from '../../src/cli/commands/doctor.js';
import { registerEngineCommand } from '../../src/cli/commands/engine.js';
import type { CliContext } from '../../src/cli/context.js';
import { platformProblem } from '../../src/engines/tensorflow/platform.js';
import { nodeFinding, severalGpus } from '../../src/setup/examine.js';
import { fakeMachine, WHEEL } from '../helpers/fake-machine.js';
import { serve } from '../helpers/server.js';
import { Captured } from './helpers.js';

/** Runs `engine …` or `doctor …` alone and keeps what it prints. */
async function command(...argv: string[]) {
  const [stdout, stderr] = [new Captured(), new Captured()];
  // These commands load what they need themselves.
  const context = { stdout, stderr, env: {} } as unknown as CliContext;
  let code = 0;
  const program = new Command().exitOverride();
  const exit = (exitCode: number) => {
    code = exitCode;
  };
  registerEngineCommand(program, context, exit);
  registerDoctorCommand(program, context, exit);
  await program.parseAsync(argv, { from: 'user' });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

const json = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('engine list', () => {
  it('prints a table', async () => {
    fakeMachine();
    const { stdout } = await command('engine', 'list');
    expect(stdout).toMatch(/^engine +version +runs on +state +where\n/);
    expect(stdout).toMatch(/^wasm +4\.\S+ +cpu +ready/m);
    expect(stdout).toMatch(/^tensorflow +2\.21\.0/m);
  });

  it('prints JSON, a line for each', async () => {
    fakeMachine();
    const lines = json((await command('engine', 'list', '--json')).stdout);
    expect(lines.every(({ event }) => event === 'engine')).toBe(true);
    expect(lines.map(({ name }) => name)).toContain('wasm');
  });
});

describe('engine install', () => {
  it.skipIf(platformProblem())('installs from a folder, then finds it there', async () => {
    const machine = fakeMachine();
    const first = await command('engine', 'install', 'tensorflow', '--from', machine.wheels);
    expect(first.stdout).toMatch(/^tensorflow is installed in .*tensorflow-2\.21\.0-cpu\.\n$/);
    expect(first.stderr).toContain('Installing TensorFlow 2.21.0');
    const [again] = json((await command('engine', 'install', 'tensorflow', '--json')).stdout);
    expect(again).toMatchObject({ event: 'installed', name: 'tensorflow' });
    expect((await command('engine', 'list')).stdout).toMatch(/^tensorflow .* ready /m);
  });

  it('has nothing to do for wasm', async () => {
    expect((await command('engine', 'install', 'wasm')).stdout).toContain('wasm is installed');
  });

  it.each([
    [['tensorfow'], /There is no engine 'tensorfow'/, /tensorflow/],
    [['tensorflow', '--cuda13'], /CPUs and CUDA 12, not --cuda13/, /install xla --cuda13/],
    [['tensorflow', '--tpu'], /CPUs and CUDA 12, not --tpu/, /install xla --tpu/],
    [['tensorflow', '--plugin', 'x.so'], /not --plugin/, /install xla --plugin/],
    [['xla', '--cpu', '--cuda'], /--cpu and --cuda exclude each other/, undefined],
    [['xla', '--tpu', '--plugin', 'x.so'], /--tpu and --plugin exclude each other/, undefined],
    [['xla', '--plugin', '/no/x.so'], /'\/no\/x.so', which does not exist/, /PJRT plugin/],
  ])('refuses %j', async (argv, message, hint) => {
    fakeMachine();
    const running = command('engine', 'install', ...argv);
    await expect(running).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
      hint: hint ? expect.stringMatching(hint) : undefined,
    });
  });
});

describe('engine check', () => {
  it.each<[string[], RegExp, RegExp]>([
    [['tensorflow'], /tensorflow has nothing to check/, /xla/],
    [['xla', '--target', 'h200'], /takes XLA's CUDA plugin, which isn't installed/, /--cuda13/],
    [['xla', '--plugin', '/no/x.so'], /'\/no\/x.so', which does not exist/, /PJRT plugin/],
  ])('says what is missing for %j', async (argv, message, hint) => {
    fakeMachine().program('python3', '#!/bin/sh\nexit 1');
    const running = command('engine', 'check', ...argv, '--model', 'mlp');
    await expect(running).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

/** What the doctor finds, by name, on a machine without an engine, and its exit code. */
async function doctor() {
  const { code, stdout } = await command('doctor', '--json');
  const findings = json(stdout);
  const found = (what: string) => findings.find((finding) => finding.what === what);
  return { code, findings, found };
}

describe('doctor', () => {
  it('looks at everything and exits by what is missing', async () => {
    const machine = fakeMachine();
    vi.stubEnv('RETHINK_GEN_WHEELS', machine.wheels);
    const { code, findings, found } = await doctor();
    for (const what of ['Node', 'processor', 'memory', 'disk', 'engine wasm', 'data cifar10']) {
      expect(found(what), what).toBeDefined();
    }
    expect(code).toBe(findings.some(({ state }) => state === 'missing') ? 1 : 0);
  });

  it('says of several GPUs what they are good for together', () => {
    expect(severalGpus(1)).toEqual([]);
    const detail = '3: engine.devices=all trains one run on all (xla), --jobs 3 trials at once';
    expect(severalGpus(3)).toEqual([{ what: 'GPUs', state: 'ok', detail }]);
  });

  describe.skipIf(platformProblem())('of an engine that isn’t installed', () => {
    it('lacks neither python3 nor a compiler, and says what one would gain', async () => {
      const machine = fakeMachine();
      vi.stubEnv('RETHINK_GEN_WHEELS', machine.wheels);
      vi.stubEnv('CXX', '');
      machine.hidePrograms();
      const { code, found } = await doctor();
      expect(code).toBe(0);
      for (const what of ['python3', 'pip']) expect(found(what)).toBeUndefined();
      expect(found('g++')).toMatchObject({
        state: 'optional',
        detail: expect.stringContaining('engine.eager'),
        mend: 'apt install g++',
      });
      expect(found('tensorflow, from')).toMatchObject({ state: 'ok', detail: machine.wheels });
    });

    it('says whether it can be had', async () => {
      fakeMachine().hidePrograms();
      let status = 200;
      const { origin, server } = await serve((_, response) => {
        const files = [{ filename: WHEEL, url: WHEEL }];
        response.writeHead(status, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
        response.end(JSON.stringify({ files }));
      });
      const host = new URL(origin).host;
      vi.stubEnv('PIP_INDEX_URL', origin);
      const first = await doctor();
      expect(first.code).toBe(0);
      expect(first.found('tensorflow, from')).toMatchObject({ state: 'ok', detail: host });
      status = 403;
      const refused = await doctor();
      expect(refused.code).toBe(1);
      expect(refused.found('tensorflow, from')).toMatchObject({
        state: 'missing',
        detail: expect.stringContaining('answered 403'),
      });
      server.close();
      const offline = await doctor();
      expect(offline.code).toBe(1);
      expect(offline.found('tensorflow, from')).toMatchObject({
        state: 'missing',
        detail: expect.stringContaining(`cannot reach ${host}`),
        mend: 'rethink-gen engine install tensorflow --from DIR',
      });
      vi.stubEnv('RETHINK_GEN_NO_INSTALL', '1');
      expect((await doctor()).found('tensorflow, from')?.detail).toMatch(/NO_INSTALL/);
    });

    it('says that a run can’t write where it would put it', async () => {
      const machine = fakeMachine();
      vi.stubEnv('RETHINK_GEN_WHEELS', machine.wheels);
      machine.hidePrograms();
      // Neither a folder nor made into one by anybody, root included.
      for (const cache of [join(machine.wheels, WHEEL), '/proc/rethink-gen']) {
        vi.stubEnv('XDG_CACHE_HOME', cache);
        const { code, found } = await doctor();
        expect(code).toBe(1);
        expect(found('cache folder')).toMatchObject({
          state: 'missing',
          detail: expect.stringContaining(`Could not create ${cache}`),
          mend: expect.stringContaining('XDG_CACHE_HOME'),
        });
        await expect(command('engine', 'install', 'tensorflow')).rejects.toThrow(/Could not/);
      }
    });
  });

  it.skipIf(platformProblem())('is content offline where the engine is installed', async () => {
    const machine = fakeMachine();
    await command('engine', 'install', 'tensorflow', '--from', machine.wheels);
    vi.stubEnv('PIP_INDEX_URL', 'https://index.invalid');
    const { code, found } = await doctor();
    expect(code).toBe(0);
    expect(found('tensorflow, from')).toBeUndefined();
    expect(found('engine tensorflow')?.state).toBe('ok');
    expect(machine.listing()).toEqual(['tensorflow-2.21.0-cpu']);
  });

  it.each([
    ['18.20.4', 'missing'],
    ['20.8.1', 'missing'],
    ['20.9.0', 'ok'],
    ['24.1.0', 'ok'],
  ])('finds Node %s %s', (version, state) => {
    expect(nodeFinding(version).state).toBe(state);
  });
});
