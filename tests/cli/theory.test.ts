import { describe, expect, it } from 'vitest';
import type { Runner } from '../../src/cli/context.js';
import { singleResult } from '../../src/cli/show/results.js';
import type { KernelFindings, TheoryConditions } from '../../src/results/findings.js';
import type { TheoryResult } from '../../src/results/theory.js';
import { configFile } from '../config/helpers.js';
import { cli } from './helpers.js';

const conditions: TheoryConditions = {
  name: 'theorem1',
  config_hash: '0123456789abcdef',
  outcome: 'finished',
  seconds: 12,
  engine: null,
  precision: 'float64',
  data: {
    name: 'cifar10',
    origin: 'official',
    hash: 'abc',
    train: 1000,
    test: 500,
    full_train: 50_000,
    full_test: 10_000,
    classes: 10,
  },
  label_noise: 0.9,
};

const theorem1: TheoryResult = {
  ...conditions,
  experiment: 'theorem1',
  n: 1000,
  distinct: 1000,
  dimension: 2352,
  fitted: 999,
  weights: 4352,
  depth: 2,
  width: 1000,
  max_error: 1e-6,
  min_gap: 3e-9,
  min_eigenvalue: 7.5e-10,
  max_weight: 5e9,
  condition: 3e14,
  test_accuracy: 0.07,
  build_seconds: 1,
  check_seconds: 2,
};

const runner: Runner = {
  async runExperiment(_config, options = {}) {
    options.events?.finished?.(theorem1, 'results/theorem1/run');
    return { result: theorem1, runDir: 'results/theorem1/run' };
  },
  resumeRun: () => Promise.reject(new Error('not in this test')),
};

describe('run, with an experiment of the theory', () => {
  it('prints paper and measured side by side', async () => {
    const path = await configFile('experiment: theorem1');
    const { code, stdout } = await cli(['run', path, '--quiet'], { runner });
    expect(code).toBe(0);
    expect(stdout).toMatch(/paper +measured/);
    expect(stdout).toMatch(/images fitted +1,000 +999\n/);
    expect(stdout).toMatch(/weights +4,352 +4,352\n/);
    expect(stdout).toContain('none: JavaScript, float64');
  });

  it('holds findings against --expect', async () => {
    const path = await configFile('experiment: theorem1');
    const good = await cli(['run', path, '--quiet', '--expect', 'fitted>=999'], { runner });
    expect(good.code).toBe(0);
    const bad = await cli(['run', path, '--quiet', '--expect', 'fitted>=1000'], { runner });
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('expected fitted>=1000, but fitted is 999');
  });

  it('gives the whole result to a program', async () => {
    const path = await configFile('experiment: theorem1');
    const { stdout } = await cli(['run', path, '--json', '--quiet'], { runner });
    const [line] = stdout.trim().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ event: 'finished', result: { fitted: 999 } });
  });
});

it('tells the number of images beside a published error that is not of as many', () => {
  const kernels: TheoryConditions & KernelFindings = {
    ...conditions,
    experiment: 'kernels',
    n: 1000,
    n_test: 500,
    features: 'random-conv',
    feature_count: 8192,
    filters: 2048,
    ridge: 0.1,
    bandwidth_fraction: 0.5,
    bandwidth: 7,
    held_out_errors: [],
    train_error: 0.01,
    test_error: 0.4,
    relative_residual: 1e-13,
    refinements: 0,
    norm: 100,
    feature_seconds: 1,
    solve_seconds: 2,
  };
  expect(singleResult(kernels, 'run')).toMatch(/test error +15.00 % \(n = 50,000\) +40.00 %/);
  expect(singleResult({ ...kernels, ridge: 0 }, 'run')).toMatch(/test error +17.00 %/);
});
