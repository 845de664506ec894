import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { portableConfig } from '../../src/config/portable.js';
import { kindOf } from '../../src/sweep/timings.js';
import { configFile } from '../config/helpers.js';
import { cli } from './helpers.js';

const SWEEP = 'name: s\nsweep:\n  corruption.kind: [none, random-labels]\n';
const GRID = 'name: s\nsweep:\n  seeds: 3\n';

describe('run --dry-run', () => {
  it('prints the resolved config, plain digits of parameters, trials and what is missing', async () => {
    const inspector = {
      parameters: async () => 1_649_402,
      missing: async () => ['data cifar10: get it'],
      flops: async () => 1e9,
    };
    const { code, stdout } = await cli(['run', await configFile(SWEEP), '--dry-run'], {
      inspector,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name: s\n/);
    expect(stdout).toMatch(/^parameters: 1649402$/m);
    expect(stdout).toMatch(
      /^trials:\n {2}- id: "?[0-9a-f]{8}"?\n {4}label: corruption.kind=none\n {4}parameters: 1649402$/m,
    );
    expect(stdout).toMatch(/^missing:\n {2}- "data cifar10: get it"\n$/m);
  });

  it('is one line of JSON with --json', async () => {
    const { stdout } = await cli(['run', await configFile(''), '--dry-run', '--json']);
    const plan = JSON.parse(stdout) as {
      event: string;
      trials: { parameters: number }[];
      missing: string[];
    };
    expect(plan).toMatchObject({
      event: 'dry-run',
      trials: [{ parameters: 1_649_402 }],
      missing: [],
    });
  });
});

describe('run --dry-run with a sweep', () => {
  it('says what is unknown, and what earlier runs tell', async () => {
    const argv = ['run', await configFile(GRID), '--dry-run'];
    const unknown = await cli(argv);
    expect(unknown.stdout).toMatch(/^ {4}time: unknown$/m);
    expect(unknown.stdout).toMatch(
      /^time: "unknown: no run on this machine so far was like this"$/m,
    );

    const [trial] = (await loadExperiment(argv[1]!)).trials;
    const timing = {
      ...kindOf(trial!.config),
      config: portableConfig(trial!.config),
      train_images_per_second: 1000,
      other_seconds_per_image: 0.0001,
    };
    const timings = { read: () => [timing], note() {} };
    // 100 epochs of 390 batches of 128, and 60,000 images evaluated after each.
    const seconds = (100 * 390 * 128) / 1000 + 100 * 60_000 * 0.0001;
    const known = await cli([...argv, '--json'], { timings });
    const plan = JSON.parse(known.stdout) as { trials: { estimate: unknown }[]; time: string };
    expect(plan.trials[2]!.estimate).toEqual({ seconds, basis: 'same' });
    expect(plan.time).toContain('at most 4 h 40 min if all epochs are needed');

    const other = await cli([...argv, '--json', 'model.name=mlp'], {
      timings,
      inspector: {
        parameters: async () => 1,
        missing: async () => [],
        flops: async ({ model }) => (model.name === 'mlp' ? 1e6 : 1e9),
      },
    });
    const rough = JSON.parse(other.stdout) as {
      trials: { estimate: { seconds: number; basis: string } }[];
      time: string;
    };
    expect(rough.trials[0]!.estimate.basis).toBe('other');
    expect(rough.trials[0]!.estimate.seconds).toBeCloseTo(seconds / 1000, 6);
    expect(rough.time).toContain("roughly, from another network's speed");
  });
});
