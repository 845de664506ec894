import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { commandsFor } from '../../src/report/command.js';
import type { ReportRun } from '../../src/report/runs.js';

async function commandsOf(config: object, seeds: number[] = [0]) {
  const runs = seeds.map(async (seed) => {
    const { trials } = await loadExperiment({ ...config, seed });
    return { config: trials[0]!.config } as ReportRun;
  });
  return commandsFor({ runs: await Promise.all(runs) });
}

describe('commandsFor', () => {
  it.each([
    [
      { train: { stop: 'never' } },
      [0, 1, 2],
      [
        `rethink-gen run paper/table1 'sweep={trials: [{model.name: "inception"}]}' seed=0 sweep.seeds=3`,
      ],
    ],
    [
      {
        model: { name: 'mlp', hidden: [512, 512, 512] },
        corruption: 'random-labels',
        data: { limit: 2000, dir: '/elsewhere' },
        regularization: { augment: 'crop', weightDecay: 1e-4 },
        engine: { threads: 1 },
        name: 'mine',
      },
      [7],
      [
        `rethink-gen run paper/table4 'sweep={trials: [{model.name: "mlp", data.limit: 2000, model.hidden: [512,512,512], regularization.weightDecay: 0.0001, regularization.augment.crop: true}]}' seed=7`,
      ],
    ],
    [
      { experiment: 'kernels', data: { name: 'mnist' }, theory: { features: 'gabor' } },
      [0],
      [`rethink-gen run paper/table3-mnist 'sweep={trials: [{theory.features: "gabor"}]}' seed=0`],
    ],
    [
      { experiment: 'kernels', theory: { features: 'random-conv', filters: 32000, ridge: 0.1 } },
      [0],
      [
        'rethink-gen run paper/table3-cifar10 theory.features=random-conv theory.filters=32000 theory.ridge=0.1 seed=0',
      ],
    ],
    [
      { data: { name: 'imagenet', size: 64, dir: '/images' }, model: { name: 'resnet18' } },
      [0],
      [
        `rethink-gen run paper/table1 'sweep={trials: [{model.name: "resnet18", data.name: "imagenet", data.size: 64, train.stop: {"accuracy":1,"patience":2}}]}' seed=0`,
      ],
    ],
  ])('makes the same runs again: %#', async (config, seeds, commands) => {
    expect(await commandsOf(config, seeds)).toEqual(commands);
  });

  it('has a command for each of seeds that do not count up', async () => {
    expect(await commandsOf({}, [3, 5])).toHaveLength(2);
  });
});
