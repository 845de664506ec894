import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Evaluator, Runner } from '../../src/cli/context.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { shippedConfigs } from '../../src/config/file/shipped.js';
import { configJsonSchema, type JsonSchema, mappingOf } from '../../src/config/json-schema.js';
import type { WrittenResult } from '../../src/results/training.js';
import { configFile } from '../config/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { cli, fakeRunner, runResult } from './helpers.js';

describe('init', () => {
  it('prints a config that is valid', async () => {
    const { code, stdout } = await cli(['init']);
    expect(code).toBe(0);
    const path = await configFile(stdout);
    expect((await cli(['validate', path])).stdout).toBe(`${path} is valid: one run.\n`);
  });

  it('writes a file once, and never over another', async () => {
    const path = join(temporaryFolder(), 'my.yaml');
    expect(await cli(['init', '-o', path])).toEqual({
      code: 0,
      stdout: `${path} is written. Run it with: rethink-gen run ${path}\n`,
      stderr: '',
    });
    await writeFile(path, 'mine');
    expect(await cli(['init', '-o', path])).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${path} exists already, and is left as it is.\nhint: Give another name with -o, or remove it first.\n`,
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  it('lists the shipped configs, and copies one into a file of its name that does not exist yet', async () => {
    const { stdout } = await cli(['init', '--list']);
    expect(stdout).toMatch(/^quickstart {2,}The paper's first experiment in a minute/m);
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' ')[0]),
    ).toEqual(shippedConfigs());
    const path = join(temporaryFolder(), 'mine.yaml');
    const copying = ['init', '--from', 'paper/table1', '-o', path];
    expect(await cli(copying)).toEqual({
      code: 0,
      stdout: `${path} is written. Run it with: rethink-gen run ${path}\n`,
      stderr: '',
    });
    expect(await readFile(path, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\/node_modules\/rethink-gen\/configs\/schema\.json\n/,
    );
    const trials = async (config: string) =>
      (await loadExperiment(config)).trials.map(({ id }) => id);
    expect(await trials(path)).toEqual(await trials('paper/table1'));
    expect(await cli(copying)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${path} exists already`),
    });
  });

  it.each([
    [['--from', 'tabel1'], 'There is no tabel1.\nhint: Did you mean paper/table1?'],
    [['--from', ''], 'There is no .\nhint: These come with rethink-gen: '],
    [
      ['--from', 'smoke', '-o', 'absent/my.yaml'],
      "smoke can't be written to absent/my.yaml: its file is smoke.json.\nhint: Give a name that ends in .json.",
    ],
  ])('init %j: says what would be right', async (argv, said) => {
    const { code, stdout, stderr } = await cli(['init', ...argv]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(said);
  });

  it('says why it cannot write', async () => {
    const path = join(temporaryFolder(), 'absent', 'my.yaml');
    const { code, stderr } = await cli(['init', '-o', path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^error: ${path} cannot be written: ENOENT.*\n$`));
  });
});

describe('init: every key', () => {
  it('is explained, nested ones too', async () => {
    const { stdout } = await cli(['init']);
    const names = (schema: JsonSchema): string[] => {
      const properties = Object.entries(mappingOf(schema)?.properties ?? {});
      return properties
        .filter(([name]) => name !== '$schema' && name !== 'sweep')
        .flatMap(([name, child]) => [name, ...names(child)]);
    };
    const keys = names(configJsonSchema());
    expect(keys).toEqual(expect.arrayContaining(['perClass', 'patience', 'fraction', 'rotation']));
    for (const key of keys) expect(stdout).toMatch(new RegExp(`^[# ]*${key}:`, 'm'));
  });

  it('can be taken from behind its mark, a mapping with what is in it', async () => {
    const { stdout } = await cli(['init']);
    // From behind one mark: the mapping; from behind the second: what is set in it.
    const mapping = stdout.slice(stdout.indexOf('  # stop:')).split('\n  # In epochs')[0]!;
    const live = mapping
      .replace(/^ {2}# {3}(\w+:)/gm, '    $1')
      .replace(/^ {2}# stop:/m, '  stop:');
    const path = await configFile(`train:\n${live}\n`);
    expect((await cli(['validate', path])).code).toBe(0);
  });
});

describe('validate', () => {
  it('answers in JSON, whatever the answer', async () => {
    const bad = await configFile('data: {limt: 3, testLimit: -1}');
    const { code, stdout, stderr } = await cli(['validate', bad, '--json']);
    expect([code, stderr]).toEqual([2, '']);
    expect(JSON.parse(stdout)).toEqual({
      event: 'invalid',
      problems: [
        {
          where: `${bad}:1:8`,
          message: 'data.limt is not a known key.',
          hint: 'Did you mean data.limit?',
        },
        { where: `${bad}:1:28`, message: expect.stringMatching(/^data.testLimit must be/) },
      ],
    });
    const absent = await cli(['validate', 'absent.yaml', '--json']);
    expect([absent.code, absent.stderr]).toEqual([2, '']);
    expect(JSON.parse(absent.stdout)).toMatchObject({
      event: 'invalid',
      problems: [{ where: 'absent.yaml', message: 'There is no absent.yaml.' }],
    });
    const good = await cli(['validate', await configFile(''), '--json']);
    expect([good.code, JSON.parse(good.stdout)]).toMatchObject([0, { event: 'valid' }]);
  });

  it('counts the trials of a sweep', async () => {
    const path = await configFile('sweep: {seed: [0, 1, 2]}');
    expect((await cli(['validate', path])).stdout).toBe(`${path} is valid: a sweep of 3 trials.\n`);
    const { stdout } = await cli(['validate', path, 'seed=4', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      event: 'valid',
      trials: [{ id: expect.stringMatching(/^[0-9a-f]{8}$/), label: '' }],
    });
  });

  it('tells what is wrong, with exit code 2', async () => {
    const path = await configFile('data: {limt: 3}');
    expect(await cli(['validate', path])).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${path}:1:8: data.limt is not a known key.\nhint: Did you mean data.limit?\n`,
    });
  });
});

/** A folder that looks like a run's. */
async function runDirectory(): Promise<string> {
  const path = join(temporaryFolder(), 'r', '20261124T101530Z-1a2b3c4d');
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'config.json'), '{}');
  return path;
}

describe('resume', () => {
  const resuming = (values: Partial<WrittenResult>, seen: unknown[] = []): Runner => ({
    ...fakeRunner(),
    async resumeRun(runDir, options = {}) {
      const { dataDir, runsOn } = options;
      seen.push({ runDir, dataDir, runsOn });
      const { base } = await loadExperiment({});
      const result = runResult(base!, values);
      options.events?.note?.('This run is finished.');
      return { result, runDir };
    },
  });

  it('prints the result', async () => {
    const seen: unknown[] = [];
    const runDir = await runDirectory();
    const { code, stdout, stderr } = await cli(['resume', join(runDir, '..'), '--data-dir', 'd'], {
      runner: resuming({}, seen),
    });
    expect([code, stderr]).toEqual([
      0,
      `This run is finished.\nFigures and tables of it: rethink-gen report ${join(runDir, '..')}\n`,
    ]);
    expect(stdout).toContain('train accuracy        100.00 %');
    expect(seen).toEqual([{ runDir, dataDir: 'd', runsOn: {} }]);
  });

  it('hands over the devices to go on with', async () => {
    const seen: unknown[] = [];
    const runDir = await runDirectory();
    const runner = resuming({}, seen);
    await cli(['resume', runDir, '--quiet', '--device', '0', '--devices', 'all'], { runner });
    await cli(['resume', runDir, '--quiet', '--devices', '2'], { runner });
    const wrong = await cli(['resume', runDir, '--devices', '0'], { runner });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/whole number of at/)]);
    expect(seen).toEqual([
      { runDir, dataDir: undefined, runsOn: { device: 0, devices: 'all' } },
      { runDir, dataDir: undefined, runsOn: { devices: 2 } },
    ]);
  });

  it('ends with 4 where it diverges and 130 where it is interrupted', async () => {
    const runDir = await runDirectory();
    expect(
      (
        await cli(['resume', runDir, '--quiet'], {
          runner: resuming({ outcome: 'diverged', diverged_at: 3 }),
        })
      ).code,
    ).toBe(4);
    const interrupted = await cli(['resume', runDir, '--quiet'], {
      runner: resuming({ outcome: 'interrupted' }),
    });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain(`Go on with: rethink-gen resume ${runDir}\n`);
  });
});

describe('evaluate', () => {
  it('hands over what is asked and prints both splits', async () => {
    const seen: unknown[] = [];
    const split = {
      count: 1000,
      loss: 0.0123,
      accuracy: 1,
      true_label_accuracy: 0.1,
      corrupted_label_accuracy: 1,
      corrupted_accuracy: 1,
      clean_accuracy: null,
    };
    const evaluator: Evaluator = {
      async evaluateRun(runDir, { events: _, signal: __, ...options } = {}) {
        seen.push(options);
        return {
          run_dir: runDir,
          checkpoint: 'best',
          epoch: 3,
          step: 1200,
          engine: {
            name: 'wasm',
            version: '4.22.0',
            device: 'cpu',
            precision: 'float32',
            mode: 'eager',
          },
          data: { name: 'synthetic', origin: 'generated', hash: 'abc' },
          corruption: [
            { kind: 'partial-labels', fraction: 0.5, channels: 'together', statistics: 'channel' },
          ],
          train: split,
          test: { ...split, accuracy: 0.1 },
        };
      },
    };
    const argv = [
      'evaluate',
      await runDirectory(),
      'data.limit=5',
      '--checkpoint',
      'best',
      '--weights',
      'w.safetensors',
      '--seed',
      '3',
    ];
    const { code, stdout, stderr } = await cli(argv, { evaluator });
    expect([code, stderr]).toEqual([0, '']);
    expect(seen).toMatchObject([
      {
        overrides: ['data.limit=5', { path: ['seed'], value: 3 }],
        checkpoint: 'best',
        weights: 'w.safetensors',
      },
    ]);
    expect(stdout).toBe(
      [
        '       images     loss  accuracy  true labels  corrupted labels  corrupted part  clean part',
        'train   1,000  0.01230  100.00 %      10.00 %          100.00 %        100.00 %           –',
        'test    1,000  0.01230   10.00 %      10.00 %          100.00 %        100.00 %           –',
        '',
        'weights  best checkpoint: epoch 3, step 1,200',
        'data     synthetic (generated), partial-labels 0.5',
        'engine   wasm 4.22.0 on cpu, float32, eager',
        `run      ${argv[1]}`,
        '',
      ].join('\n'),
    );
    const json = await cli([...argv, '--json'], { evaluator });
    expect(JSON.parse(json.stdout)).toMatchObject({ event: 'evaluation', train: { accuracy: 1 } });
  });

  it.each(['evaluate', 'resume', 'report'])(
    '%s says that there is no such folder',
    async (name) => {
      const { code, stdout, stderr } = await cli([name, 'results/absent']);
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(
        /^error: There is no folder results\/absent\.\nhint: Give a run directory/,
      );
    },
  );

  it('knows two checkpoints', async () => {
    const { code, stderr } = await cli(['evaluate', 'd', '--checkpoint', 'first']);
    expect(code).toBe(2);
    expect(stderr).toContain("'first' is invalid. Allowed choices are last, best.");
  });
});
