import { RethinkError } from '../../errors.js';
import type { EngineKind } from '../kind.js';
import { GPU_TARGET_NAMES } from './check/targets.js';

/** The row of the engine `xla`. */
export const xla: EngineKind = {
  summary:
    'the same step compiled by XLA, through a PJRT plugin; the default where there is an NVIDIA GPU',
  auto: 'gpu',
  doubles: false,

  unsupported({ eager }) {
    if (!eager) return undefined;
    return new RethinkError(
      'usage',
      'engine.eager is true, and the engine xla only runs compiled.',
      { hint: 'Use engine.eager=false, or engine.name=tensorflow.' },
    );
  },

  async status(gpus) {
    return (await import('./plugin.js')).xlaStatus(gpus);
  },

  async create(options, context) {
    const { createXlaEngine } = await import('./index.js');
    return createXlaEngine(options, context);
  },

  install: {
    examples: [['xla --cuda13', 'for NVIDIA GPUs with a driver for CUDA 13']],
    async run({ target, plugin, from, force }, context) {
      const { installXla, usePlugin, variantOf } = await import('./install.js');
      if (plugin !== undefined) return usePlugin(plugin, context);
      return (await installXla({ variant: await variantOf(target), from, force }, context)).path;
    },
    async requirements(gpus) {
      return (await import('./install.js')).requirements(gpus);
    },
  },

  check: {
    targets: GPU_TARGET_NAMES,
    async open({ target, plugin, ...request }) {
      const { openDevice, openTarget } = await import('./check/check.js');
      const name = GPU_TARGET_NAMES.find((known) => known === target);
      return name === undefined ? openDevice(plugin, request) : openTarget(name, plugin, request);
    },
  },
};
