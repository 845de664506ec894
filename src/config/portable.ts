import { portableCorruption } from './corruptions.js';
import { portableModel } from './models.js';
import type { Config } from './resolve.js';
import { portableTheory } from './theory.js';

/**
 * A resolved config as a config file would say it: keys that do not apply to its model or corruption are left out, so
 * that `config.json` of a run directory is itself a config that can be run.
 */
export function portableConfig(config: Config): Record<string, unknown> {
  const { stop } = config.train;
  return {
    ...config,
    corruption: config.corruption.length === 0 ? 'none' : config.corruption.map(portableCorruption),
    model: portableModel(config.model),
    train: { ...config.train, stop: stop ?? 'never' },
    ...portableTheory(config),
  };
}
