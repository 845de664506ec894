import { describe, expect, it } from 'vitest';
import { ENGINES, PRECISIONS } from '../../src/config/engines.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
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

  it.each(['auto', ...ENGINES])('gives the engine %s the same hash again', async (name) => {
    for (const precision of PRECISIONS) {
      const given = { name: 'a', engine: { name, precision, threads: 1, eager: true } };
      const { config } = (await loadExperiment(given)).trials[0]!;
      expect(config.engine).toMatchObject(given.engine);
      const again = (await loadExperiment(portableConfig(config))).trials[0]!;
      expect(configHash(again.config)).toBe(configHash(config));
    }
  });
});
