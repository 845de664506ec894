import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { registerDoctorCommand } from '../../src/cli/commands/doctor.js';
import { registerEngineCommand } from '../../src/cli/commands/engine.js';
import type { CliContext } from '../../src/cli/context.js';
import { platformProblem } from '../../src/engines/tensorflow/platform.js';
import { nodeFinding } from '../../src/setup/examine.js';
import { fakeMachine } from '../helpers/fake-machine.js';
import { Captured } from './helpers.js';

/** Runs `engine …` or `doctor …` alone and keeps what it prints. */
async function command(...argv: string[]) {
  const [stdout, stderr] = [new Captured(), new Captured()];
  // These commands load what they need themselves.
  const context = { stdout, stderr, env: {} } as unknown as CliContext;
  let code = 0;
  const program = new Command().exitOverride();
  registerEngineCommand(program, context);
  registerDoctorCommand(program, context, (exitCode) => {
    code = exitCode;
  });
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
    [['tensorflow', '--cuda13'], /CUDA 12, not CUDA 13/, /--cuda/],
    [['xla', '--cpu', '--cuda'], /--cpu and --cuda exclude each other/, undefined],
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

describe('doctor', () => {
  it('looks at everything and exits by what is missing', async () => {
    fakeMachine();
    const { code, stdout } = await command('doctor', '--json');
    const findings = json(stdout);
    const names = findings.map(({ what }) => what);
    for (const what of ['Node', 'processor', 'memory', 'disk', 'engine wasm', 'data cifar10']) {
      expect(names).toContain(what);
    }
    expect(code).toBe(findings.some(({ state }) => state === 'missing') ? 1 : 0);
  });

  it.skipIf(platformProblem())('gives the command that mends what is missing', async () => {
    const machine = fakeMachine();
    machine.hidePrograms();
    const { code, stdout } = await command('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ python3 +not found\n +→ apt install python3\n/);
    expect(stdout).toMatch(/✗ pip +not found\n +→ apt install python3-pip\n/);
    expect(stdout).toMatch(/\n2 things are missing\.\n$/);
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
