import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { portableConfig } from '../../src/config/portable.js';

const configs: object[] = [
  { name: 'a', model: { name: 'mlp', hidden: [] } },
  { name: 'a', model: { name: 'alexnet' }, train: { stop: 'never' } },
  { name: 'a', model: { batchNorm: false }, corruption: 'random-labels' },
  {
    name: 'a',
    corruption: [
      { kind: 'partial-labels', fraction: 0.3 },
      { kind: 'random-pixels', channels: 'mixed' },
    ],
    regularization: { augment: 'full' },
  },
  { name: 'a', corruption: { kind: 'gaussian', statistics: 'global' }, train: { stop: {} } },
];

describe('portableConfig', () => {
  it.each(configs)('is a config that resolves to itself: %j', async (given) => {
    const { config } = (await loadExperiment(given)).trials[0]!;
    const again = (await loadExperiment(portableConfig(config))).trials[0]!;
    expect(again.config).toEqual(config);
  });
});
