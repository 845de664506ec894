import { RethinkError } from '../../errors.js';
import { refuseDevices } from '../devices.js';
import type { EngineKind, InstallTarget } from '../kind.js';

/** What of it suits what was asked for. */
const VARIANTS: Partial<Record<InstallTarget, 'cpu' | 'cuda'>> = {
  cpu: 'cpu',
  cuda: 'cuda',
  cuda12: 'cuda',
};

/** The row of the engine `tensorflow`. */
export const tensorflow: EngineKind = {
  summary: 'TensorFlow.js on a current libtensorflow; the default on CPUs',
  auto: 'any',
  doubles: true,

  unsupported({ precision, eager, devices }) {
    if (!eager || precision === 'float32') return refuseDevices('tensorflow', devices);
    return new RethinkError(
      'usage',
      `engine.precision is ${precision}, and with engine.eager=true tensorflow computes in float32.`,
      { hint: 'Use engine.eager=false, or engine.precision=float32.' },
    );
  },

  async status(gpus) {
    const { tensorflowStatus } = await import('./status.js');
    const cpu = await tensorflowStatus('cpu', gpus);
    const cuda = await tensorflowStatus('cuda', gpus);
    return cuda.installed || gpus.length > 0 ? [cuda, cpu] : [cpu];
  },

  async create(options, context) {
    const { createTensorflowEngine } = await import('./index.js');
    return createTensorflowEngine(options, context);
  },

  install: {
    examples: [
      ['tensorflow', '195 MB from the package index, once'],
      ['tensorflow --from wheels', 'the same from a folder, without a network'],
      ['tensorflow --cuda', 'for NVIDIA GPUs, about 3 GB'],
    ],
    async run({ target = 'cpu', plugin, from, force }, context) {
      const variant = VARIANTS[target];
      if (variant === undefined || plugin !== undefined) {
        const given = plugin === undefined ? target : 'plugin';
        throw new RethinkError(
          'usage',
          `TensorFlow's wheels are for CPUs and CUDA 12, not --${given}.`,
          {
            hint: `Use --cuda, or the engine xla: rethink-gen engine install xla --${given}`,
          },
        );
      }
      const { installTensorflow } = await import('./install.js');
      return (await installTensorflow({ variant, from, force }, context)).dir;
    },
    async requirements() {
      return (await import('./status.js')).requirements();
    },
  },

  check: null,
};
