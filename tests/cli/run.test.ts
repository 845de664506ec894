import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/resolve.js';
import { RethinkError } from '../../src/errors.js';
import { STOP_SIGNALS } from '../../src/machine/signals.js';
import { configFile } from '../config/helpers.js';
import { cli, epochRow, fakeRunner, onScreen, runResult } from './helpers.js';

const SWEEP = 'name: s\nsweep:\n  corruption.kind: [none, random-labels]\n';

/** True labels generalize, random ones do not. */
const paperLike = ({ corruption }: Config) => ({
  last: epochRow(
    corruption.length === 0
      ? { test_accuracy: 0.75, generalization_gap: 0.25 }
      : { test_accuracy: 0.104, generalization_gap: 0.896 },
  ),
});

describe('run', () => {
  it('hands over config, options and source', async () => {
    const path = await configFile('seed: 1 # mine\n');
    const seen: { config: Config; out: string; dataDir: string; source: unknown }[] = [];
    const argv = [
      'run',
      path,
      'data.limit=7',
      '--engine',
      'wasm',
      '--device',
      '2',
      '--devices',
      'all',
      '--seed',
      '5',
      '--out',
      'o',
      '--data-dir',
      'd',
      '--quiet',
    ];
    expect((await cli(argv, { runner: fakeRunner(undefined, seen) })).code).toBe(0);
    expect(seen).toHaveLength(1);
    const [{ config, out, dataDir, source }] = seen as [(typeof seen)[0]];
    expect([
      config.name,
      config.seed,
      config.data.limit,
      config.engine.name,
      config.engine.device,
      config.engine.devices,
    ]).toEqual(['exp', 5, 7, 'wasm', 2, 'all']);
    expect([out, dataDir]).toEqual(['o', 'd']);
    expect(source).toEqual({ text: 'seed: 1 # mine\n', extension: 'yaml' });
  });

  it('prints the result on stdout, and only it with --quiet', async () => {
    const result = await cli(['run', await configFile('name: r'), '--quiet']);
    expect(result.code).toBe(0);
    expect(result.stderr).toBe('');
    expect(result.stdout.replace(/-[0-9a-f]{8}/, '-HASH')).toBe(
      [
        '                last (epoch 2)  best test (epoch 2)',
        'train accuracy        100.00 %             100.00 %',
        'test accuracy          10.00 %              10.00 %',
        'gap                    90.00 %              90.00 %',
        '',
        'outcome  fitted',
        'epochs   2 (30 steps, 1 min 1 s)',
        'fit      95 % in epoch 1 (30.0 s), 99 % in epoch 2 (1 min 1 s), 99.9 % never, 100 % never, loss 0.1 never, loss 0.01 never',
        'data     synthetic (generated), 2,000 + 1,000 images, label noise 90.00 %',
        'engine   wasm 4.22.0 on cpu, float32, eager',
        'run      results/r/20261124-101500-HASH',
        '',
      ].join('\n'),
    );
  });

  it('writes a line for each epoch where stderr is no terminal', async () => {
    const { stderr } = await cli(['run', await configFile('model: {name: mlp}')]);
    expect(stderr).toBe(
      [
        'engine wasm: nothing native is installed',
        'reading synthetic …',
        'mlp (1,209,866 parameters) on 2,000 images of synthetic, true labels; wasm 4.22.0 on cpu (float32, eager)',
        'epoch 1/100  loss 0.0123  train 100.00 %  test 10.00 %  1,235 images/s  1 min 1 s',
        'epoch 2/100  loss 0.0123  train 100.00 %  test 10.00 %  1,235 images/s  1 min 1 s',
        'Figures and tables of it: rethink-gen report results/exp',
        '',
      ].join('\n'),
    );
  });

  it('draws bars on a terminal, and leaves none behind', async () => {
    const argv = ['run', await configFile('')];
    const bars = await cli(argv, { tty: true, env: { TERM: 'xterm' } });
    expect(onScreen(bars.stderr).slice(-2)).toEqual([
      '(float32, eager)',
      'Figures and tables of it: rethink-gen report results/exp',
    ]);
    expect(bars.stderr).not.toContain('epoch 1/100  loss');
    const lines = await cli(argv, { tty: true, env: { NO_COLOR: '1' } });
    expect(lines.stderr).not.toContain('\u001b');
    expect(lines.stderr).toContain('epoch 1/100  loss');
  });

  it('prints newline-delimited JSON with --json', async () => {
    const { stdout, stderr } = await cli(['run', await configFile(SWEEP), '--json']);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ event }) => event)).toEqual([
      'started',
      'epoch',
      'epoch',
      'finished',
      'started',
      'epoch',
      'epoch',
      'finished',
      'summary',
    ]);
    expect(events[1]).toMatchObject({
      epoch: 1,
      train_accuracy: 1,
      trial: { index: 1, total: 2, label: 'corruption.kind=none' },
    });
    expect(events[8]!.trials).toMatchObject([
      { label: 'corruption.kind=none', train_accuracy: 1 },
      { label: 'corruption.kind=random-labels', test_accuracy: 0.1 },
    ]);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { msg: string }).msg)[0],
    ).toBe('engine wasm: nothing native is installed');
    const quiet = await cli(['run', await configFile(''), '--json', '--quiet']);
    expect(quiet.stderr).toBe('');
    expect(quiet.stdout).toMatch(/^\{"event":"finished".*\}\n$/);
  });
});

describe('run with a sweep', () => {
  it("ends with a table and the paper's point", async () => {
    const { code, stdout, stderr } = await cli(['run', await configFile(SWEEP)], {
      runner: fakeRunner(paperLike),
    });
    expect(code).toBe(0);
    expect(stderr).toContain('trial 2 of 2: corruption.kind=random-labels');
    expect(
      stdout.replace(/-[0-9a-f]{8}$/gm, '-HASH').replace(/^table .*s.trials.csv$/m, 'table  CSV'),
    ).toBe(
      [
        'trial                          train acc  test acc      gap  epochs  outcome  run',
        'corruption.kind=none            100.00 %   75.00 %  25.00 %       2  fitted   results/s/20261124-101500-HASH',
        'corruption.kind=random-labels   100.00 %   10.40 %  89.60 %       2  fitted   results/s/20261124-101500-HASH',
        '',
        'engine  wasm 4.22.0 on cpu, float32, eager',
        'table  CSV',
        '',
        'The network fitted 100.00 % of the true labels and 100.00 % of the random ones.',
        'On test images it is then right 75.00 % of the time with the first and 10.40 % with the second, which is chance (10.00 %): that it can fit a training set says nothing of what it has learned.',
        '',
      ].join('\n'),
    );
  });

  it('claims nothing that was not measured', async () => {
    const path = await configFile(SWEEP);
    const unfitted = fakeRunner(({ corruption }) => ({
      last: epochRow({ train_accuracy: corruption.length === 0 ? 1 : 0.4 }),
    }));
    expect((await cli(['run', path], { runner: unfitted })).stdout).toContain(
      'but only 40.00 % of the random ones: give it more epochs',
    );
    const leaking = fakeRunner(() => ({ last: epochRow({ test_accuracy: 0.3 }) }));
    expect((await cli(['run', path], { runner: leaking })).stdout).toContain(
      '30.00 % with the second, where chance is 10.00 %.',
    );
  });

  it('stops after --max-trials, and says so', async () => {
    const seen: unknown[] = [];
    const { stderr } = await cli(['run', await configFile(SWEEP), '--max-trials', '1'], {
      runner: fakeRunner(undefined, seen),
    });
    expect(seen).toHaveLength(1);
    expect(stderr).toContain('running 1 of 2 trials (--max-trials)\n');
  });

  it('takes diverged as a result', async () => {
    const runner = fakeRunner(() => ({
      outcome: 'diverged',
      diverged_at: 7,
      last: null,
      best: null,
    }));
    const { code, stdout } = await cli(['run', await configFile(SWEEP)], { runner });
    expect(code).toBe(0);
    expect(stdout).toMatch(/none +– +– +– +2 {2}diverged/);
  });
});

describe('run: exit codes', () => {
  it('4 where a single run diverges', async () => {
    const runner = fakeRunner(() => ({ outcome: 'diverged', diverged_at: 7 }));
    const { code, stderr, stdout } = await cli(['run', await configFile(''), '--quiet'], {
      runner,
    });
    expect(code).toBe(4);
    expect(stdout).toContain('outcome  diverged at step 7\n');
    expect(stderr).toBe(
      'error: Training diverged at step 7: the loss or its gradient is not finite.\nhint: A smaller train.learningRate often helps.\n',
    );
  });

  it('0 or 1 as --expect holds, with both numbers', async () => {
    const path = await configFile('');
    const holds = [
      '--expect',
      'train_accuracy>=1',
      '--expect',
      'test_accuracy < 0.2',
      '--expect',
      'epoch==2',
      '--expect',
      'train_accuracy=100%',
      '--expect',
      'epoch!=3',
    ];
    expect((await cli(['run', path, '--quiet', ...holds])).code).toBe(0);
    const fails = [
      '--expect',
      'train_accuracy>=0.5',
      '--expect',
      'test_accuracy>0.5',
      '--expect',
      'clean_accuracy>0',
    ];
    const { code, stderr } = await cli(['run', path, '--quiet', ...fails]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: expected test_accuracy>0.5, but test_accuracy is 0.1 at the end of epoch 2.\nerror: expected clean_accuracy>0, but this run has no clean_accuracy.\n',
    );
  });

  it('1 where it does not hold in one trial of a sweep', async () => {
    const argv = ['run', await configFile(SWEEP), '--quiet', '--expect', 'test_accuracy>0.5'];
    const { code, stderr } = await cli(argv, { runner: fakeRunner(paperLike) });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: corruption.kind=random-labels: expected test_accuracy>0.5, but test_accuracy is 0.104 at the end of epoch 2.\n',
    );
  });

  it.each([
    [
      'accuracy',
      "error: --expect 'accuracy' is not of the form key=value.\nhint: For example: --expect 'train_accuracy>=0.9' (!= !~ <= >= = < > ~).\n",
    ],
    [
      'train_acuracy>=1',
      "error: --expect 'train_acuracy>=1': there is no column train_acuracy.\nhint: Did you mean train_accuracy?\n",
    ],
    ...['epoch=x', 'epoch~1', 'epoch!=', 'epoch>=2026-11-30'].map((text) => [
      text,
      `error: --expect '${text}' does not compare with a number.\nhint: For example: --expect 'train_accuracy>=0.9' (!= <= >= = < >).\n`,
    ]),
  ])('2 for --expect %s', async (condition, stderr) => {
    expect(await cli(['run', 'any.yaml', '--expect', condition])).toEqual({
      code: 2,
      stdout: '',
      stderr,
    });
  });

  it('2 for an --expect of an unknown column, with those there are', async () => {
    const { code, stderr } = await cli(['run', 'any.yaml', '--expect', 'foo>=1']);
    expect(code).toBe(2);
    expect(stderr).toContain(
      "error: --expect 'foo>=1': there is no column foo.\nhint: Columns: epoch, ",
    );
    expect(stderr).toContain('; of experiments of the theory: n, ');
  });

  it('2 for a bad option value, named as it was given', async () => {
    const { code, stderr } = await cli(['run', await configFile(''), '--engine', 'tensorflw']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'error: option --engine tensorflw: engine.name must be one of auto, tensorflow, xla, wasm, not "tensorflw" (string).\nhint: Did you mean tensorflow?\n',
    );
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGXCPU', 152],
  ] as const)('after %s and a checkpoint %d, and says how to go on', async (name, expected) => {
    const runner = fakeRunner();
    runner.runExperiment = async (config, { signal } = {}) => {
      const before = process.listenerCount(name);
      process.emit(name);
      expect(signal?.aborted).toBe(true);
      // The default handler is back where a second signal is to end the process.
      const again = STOP_SIGNALS[name].secondEndsAtOnce;
      expect(process.listenerCount(name)).toBe(again ? before - 1 : before);
      return {
        result: runResult(config, { outcome: 'interrupted', epochs: 3, steps: 50 }),
        runDir: 'results/r/1',
      };
    };
    const { code, stderr } = await cli(['run', await configFile(''), '--quiet'], { runner });
    expect(code).toBe(expected);
    expect(stderr).toBe(
      [
        '',
        'Finishing the step and writing a checkpoint; a second signal stops at once.',
        'Interrupted after epoch 3, step 50; a checkpoint is written.',
        'Go on with: rethink-gen resume results/r/1',
        '',
      ].join('\n'),
    );
  });

  it('130 for an interruption before training; another error stays what it is', async () => {
    const stopping = (error: Error) => ({
      ...fakeRunner(),
      runExperiment: () => {
        process.emit('SIGINT');
        return Promise.reject(error);
      },
    });
    const argv = ['run', await configFile(''), '--quiet'];
    const early = await cli(argv, {
      runner: stopping(new DOMException('aborted', 'AbortError') as Error),
    });
    expect(early.code).toBe(130);
    expect(early.stderr).toMatch(/Interrupted before training began\.\n$/);
    const full = await cli(argv, {
      runner: stopping(new RethinkError('failed', 'The disk is full.')),
    });
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/error: The disk is full\.\n$/);
  });
});
