import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configFile, errorOf } from './helpers.js';

async function labels(
  sweep: object,
  overrides: string[] = [],
  rest: object = {},
): Promise<string[]> {
  const { trials } = await loadExperiment({ ...rest, sweep }, { overrides });
  return trials.map(({ label }) => label);
}

async function sweepError(text: string): Promise<string> {
  const path = await configFile(text);
  return errorOf(() => loadExperiment(path), path);
}

describe('sweeps', () => {
  it('are a grid in written order, the last key changing fastest', async () => {
    const sweep = { 'corruption.kind': ['none', 'random-labels'], seed: [0, 1] };
    const expected = [
      'corruption.kind=none,seed=0',
      'corruption.kind=none,seed=1',
      'corruption.kind=random-labels,seed=0',
      'corruption.kind=random-labels,seed=1',
    ];
    expect(await labels(sweep)).toEqual(expected);
    expect(await labels({ grid: sweep })).toEqual(expected);
  });

  it('set what they say', async () => {
    const { trials, isSweep } = await loadExperiment({
      data: { limit: 7 },
      sweep: { corruption: ['none', { kind: 'partial-labels', fraction: 0.5 }] },
    });
    expect(isSweep).toBe(true);
    expect(trials.map(({ label }) => label)).toEqual([
      'corruption=none',
      'corruption={kind:partial-labels,fraction:0.5}',
    ]);
    expect(trials[1]!.config.corruption).toMatchObject([{ kind: 'partial-labels', fraction: 0.5 }]);
    expect(trials[1]!.config.data.limit).toBe(7);
    expect(trials[1]!.overrides).toEqual({ corruption: { kind: 'partial-labels', fraction: 0.5 } });
    expect(new Set(trials.map(({ id }) => id)).size).toBe(2);
    expect(trials[0]!.id).toMatch(/^[0-9a-f]{8}$/);
  });

  it('zip lists, list trials, repeat with seeds, and multiply', async () => {
    const sweep = {
      zip: { 'data.limit': [10, 20], 'data.testLimit': [1, 2] },
      trials: [{ 'model.name': 'mlp' }, { 'model.name': 'alexnet', 'regularization.dropout': 0.5 }],
      seeds: 2,
    };
    expect(await labels(sweep, [], { seed: 5 })).toEqual([
      'data.limit=10,data.testLimit=1,model.name=mlp,seed=5',
      'data.limit=10,data.testLimit=1,model.name=mlp,seed=6',
      'data.limit=10,data.testLimit=1,model.name=alexnet,regularization.dropout=0.5,seed=5',
      'data.limit=10,data.testLimit=1,model.name=alexnet,regularization.dropout=0.5,seed=6',
      'data.limit=20,data.testLimit=2,model.name=mlp,seed=5',
      'data.limit=20,data.testLimit=2,model.name=mlp,seed=6',
      'data.limit=20,data.testLimit=2,model.name=alexnet,regularization.dropout=0.5,seed=5',
      'data.limit=20,data.testLimit=2,model.name=alexnet,regularization.dropout=0.5,seed=6',
    ]);
  });

  it('are fixed where a key is given from outside', async () => {
    const sweep = { 'corruption.kind': ['none', 'random-labels'], seed: [0, 1] };
    expect(await labels(sweep, ['seed=7'])).toEqual([
      'corruption.kind=none',
      'corruption.kind=random-labels',
    ]);
    expect(await labels(sweep, ['corruption=gaussian'])).toEqual(['seed=0', 'seed=1']);
    const fixed = await loadExperiment(
      { sweep },
      { overrides: ['seed=7', 'corruption.kind=none'] },
    );
    expect(fixed.isSweep).toBe(false);
    expect(fixed.trials).toHaveLength(1);
    expect(fixed.base!.seed).toBe(7);
    expect(await labels({ zip: { seed: [1, 2], 'data.limit': [3, 4] } }, ['seed=7'])).toEqual([
      'data.limit=3',
      'data.limit=4',
    ]);
  });

  it('run trials that a fixed key has made equal only once', async () => {
    const sweep = {
      trials: [
        { seed: 1, 'data.limit': 5 },
        { seed: 2, 'data.limit': 5 },
      ],
    };
    expect(await labels(sweep, ['seed=7'])).toEqual(['data.limit=5']);
  });

  it('give way to a deeper override, and count seeds from an overridden one', async () => {
    const { trials } = await loadExperiment(
      {
        sweep: {
          corruption: [
            { kind: 'partial-labels', fraction: 0.1 },
            { kind: 'flip-labels', fraction: 0.1 },
          ],
          seeds: 2,
        },
      },
      { overrides: ['corruption.fraction=0.5', 'seed=10'] },
    );
    expect(trials.map(({ config }) => [config.corruption[0]!.fraction, config.seed])).toEqual([
      [0.5, 10],
      [0.5, 11],
      [0.5, 10],
      [0.5, 11],
    ]);
  });

  it('can be given or changed by an override', async () => {
    expect(await labels({}, ['sweep.data.limit=[5, 6]'])).toEqual(['data.limit=5', 'data.limit=6']);
    expect(await labels({ seed: [0, 1] }, ['sweep.seed=[3]'])).toEqual(['seed=3']);
  });

  it('may name the trials they write out', async () => {
    const { trials } = await loadExperiment({
      sweep: {
        trials: [
          { name: 'a', seed: 1 },
          { name: 'b', seed: 2 },
        ],
      },
    });
    expect(trials.map(({ config }) => config.name)).toEqual(['a', 'b']);
  });

  it.each([
    [
      'sweep:\n  corruption.knd: [none]',
      'exp.yaml:2:3: corruption.knd is not a known key.\nhint: Did you mean corruption.kind?',
    ],
    ['sweep:\n  seed: 3', 'exp.yaml:2:9: sweep.seed must be a list of at least 1, not 3 (number).'],
    ['sweep:\n  seed: []', 'exp.yaml:2:9: sweep.seed must be a list of at least 1, not [] (list).'],
    [
      'sweep:\n  model.name: [mlp, alexnett]',
      'exp.yaml:2:21: model.name must be one of mlp, alexnet, inception, inception-v3, resnet18, wide-resnet, cnn5, not "alexnett" (string).\nhint: Did you mean alexnet?',
    ],
    [
      'sweep:\n  corruption.kind: [none, partial-labels]',
      'exp.yaml: corruption.fraction is missing: partial-labels needs a number from 0 to 1.\nhint: In the trial corruption.kind=partial-labels.',
    ],
    [
      'sweep:\n  corruption: [none, partial-labels]',
      'exp.yaml:2:22: corruption.fraction is missing: partial-labels needs a number from 0 to 1.\nhint: In the trial corruption=partial-labels.',
    ],
    [
      'sweep:\n  zip: {seed: [1, 2], data.limit: [1]}',
      'exp.yaml:2:3: sweep.zip needs lists of one length, but they have: seed 2, data.limit 1.',
    ],
    ['sweep:\n  seed: [1]\n  seeds: 2', 'exp.yaml:3:10: seed is swept over twice.'],
    [
      'sweep:\n  corruption.fraction: [1]\n  corruption: [gaussian]',
      'exp.yaml:3:16: corruption is swept over beside corruption.fraction, and one decides the other.',
    ],
    [
      'sweep:\n  record.steps: [true]',
      'exp.yaml:2:3: sweep.record.steps changes no number of a run, so there is nothing to compare.',
    ],
    [
      'sweep:\n  grid: {sweep.seed: [1]}',
      'exp.yaml:2:10: sweep.grid.sweep.seed would sweep over the sweep.',
    ],
    [
      'seed: 9007199254740990\nsweep:\n  seeds: 5',
      'exp.yaml:3:10: sweep.seeds counts 5 up from seed 9007199254740990, past the largest integer.',
    ],
    [
      'sweep:\n  seeds: 10000\n  data.limit: [1, 2]',
      'exp.yaml:1:1: sweep makes 20000 trials; at most 10000 are allowed.',
    ],
  ])('%j is refused', async (text, message) => {
    expect(await sweepError(text)).toBe(message);
  });
});
