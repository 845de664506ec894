import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchCase, Measurement } from '../../src/bench/types.js';
import { benchConditions, benchHeading, benchRow } from '../../src/cli/show/bench-report.js';
import { plain, write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { cli } from './helpers.js';

const bench: BenchCase = {
  model: 'mlp',
  engine: {
    name: 'tensorflow',
    precision: 'float32',
    device: 0,
    eager: false,
    deterministic: false,
  },
  batchSize: 128,
  seconds: 5,
  rounds: 3,
};

const measurement: Measurement = {
  model: 'mlp',
  parameters: 1_209_866,
  engine: {
    name: 'tensorflow',
    version: '2.21.0',
    device: 'cpu',
    precision: 'float32',
    mode: 'compiled',
    threads: 2,
  },
  batch_size: 128,
  train_images_per_second: 30_000.4,
  train_rounds: [30_000.4, 29_000, 31_000],
  evaluate_images_per_second: 60_000,
  evaluate_rounds: [60_000],
  compile_seconds: 0.123,
  peak_rss_bytes: 512 * 2 ** 20,
  evaluate_gflop_per_image: 0.00242,
  train_gflop_per_image: 0.00484864,
  train_gflop_per_second: 145.46,
};

describe('bench', () => {
  it('prints a row for each case, with the conditions of its numbers', () => {
    const wasm: BenchCase = { ...bench, engine: { ...bench.engine, name: 'wasm', eager: true } };
    const environment = {
      rethink_gen: { version: '1.2.3', git: null },
      command_line: [],
      started: '',
      node: '20.9.0',
      packages: {},
      os: 'linux',
      host: 'h',
      cpu: { model: 'CPU', cores: 2 },
      memory_bytes: 1,
      available: { threads: 1, memory_bytes: 1 },
      gpus: [{ name: 'GPU', memory_mib: 1, driver: '1' }],
    };
    const outcomes = [
      { bench, measurement },
      { bench: wasm, problem: 'It can not.' },
    ];
    const cells = (text: string) => text.trimEnd().split(/ {2,}/);
    const all = Number.POSITIVE_INFINITY;
    expect(cells(benchHeading(all))).toHaveLength(11);
    expect(cells(benchRow(outcomes[0]!, all))).toEqual([
      'mlp',
      'tensorflow',
      'float32',
      'compiled',
      '30,000',
      '29,000–31,000',
      '60,000',
      '0.00485',
      '145',
      '0.12',
      '512',
    ]);
    expect(cells(benchRow(outcomes[1]!, all))).toEqual([
      'mlp',
      'wasm',
      'float32',
      'eager',
      'failed',
    ]);
    expect(benchConditions(outcomes, environment, all).split('\n').slice(1, 3)).toEqual([
      'tensorflow 2.21.0 on cpu, 2 threads',
      'batch 128, medians of 3 × 5 s; rethink-gen 1.2.3, Node 20.9.0, 2 × CPU, GPU',
    ]);
    for (const width of [60, 80, 110]) {
      const heading = benchHeading(width).trimEnd();
      expect(heading.length).toBeLessThanOrEqual(width);
      expect(heading).toMatch(/^model +engine.* train\/s .*evaluate\/s/);
      const row = benchRow(outcomes[0]!, width);
      // Under its heading, and whole.
      expect(row.indexOf('30,000') + 6).toBe(heading.indexOf('train/s') + 7);
    }
  });

  it('--data times batches and the decoding of a tree', async () => {
    const tree = temporaryFolder();
    for (const name of [
      'train/cat/1.png',
      'train/cat/2.png',
      'train/dog/1.png',
      'test/dog/1.png',
    ]) {
      write(join(tree, name), await plain(40, 40, { r: 10, g: 20, b: 30 }));
    }
    const quick = ['--seconds', '0.01', '--rounds', '2', '--batch', '8'];
    const { code, stdout } = await cli(['bench', '--data', tree, ...quick]);
    expect(code).toBe(0);
    const names = stdout.split('\n').map((line) => line.split(/ {2,}/)[0]);
    const small = ['none', 'crop', 'full'].map((name) => `28×28, augment ${name}`);
    const rows = [...small, '299×299, augment imagenet'].map((what) => `batches of 8, ${what}`);
    expect(names).toEqual(['data', ...rows, `decoding ${tree}`, '']);
    const json = await cli(['bench', '--data', '--json', ...quick]);
    const lines = json.stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
      rows.map((what) => ({
        event: 'data',
        what,
        images_per_second: expect.any(Number),
        rounds: [expect.any(Number), expect.any(Number)],
      })),
    );
  });

  it.each([
    [['--model', 'mpl'], "There is no 'mpl'. Did you mean mlp?"],
    [['--engine', 'tensorflow,'], "There is no ''. There are tensorflow, xla, wasm."],
    [['--precision', 'float16'], "There is no 'float16'."],
    [['--batch', '0'], 'It should be a whole number of at least 1.'],
    [['--seconds', 'soon'], 'It should be a number above 0.'],
    [['--device', '-1'], 'It should be a whole number.'],
  ])('refuses %j in a sentence', async (argv, message) => {
    const { code, stdout, stderr } = await cli(['bench', ...argv]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('names a tree that is not there before it measures anything', async () => {
    const path = join(temporaryFolder(), 'absent');
    expect(await cli(['bench', '--data', path])).toEqual({
      code: 3,
      stdout: '',
      stderr: `error: Could not read ${path}: there is no such file or folder.\n`,
    });
  });
});
