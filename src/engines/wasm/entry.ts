import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { RethinkError } from '../../errors.js';
import { refuseDevices } from '../devices.js';
import type { EngineKind } from '../kind.js';
import type { EngineOptions } from '../types.js';

/** The row of the engine `wasm`. */
export const wasm: EngineKind = {
  summary: 'from npm alone, many times slower; where nothing native can be had',
  auto: 'last',
  doubles: false,
  unsupported,

  async status() {
    const require = createRequire(import.meta.url);
    const path = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
    const { version } = require(path) as { version: string };
    return [
      {
        installed: true,
        version,
        where: dirname(path),
        device: 'cpu',
        problem: null,
        install: null,
      },
    ];
  },

  async create() {
    return (await import('./index.js')).createWasmEngine();
  },

  install: null,
  check: null,
};

function unsupported({
  precision,
  threads,
  device,
  devices,
}: EngineOptions): RethinkError | undefined {
  if (precision !== 'float32') {
    return new RethinkError(
      'usage',
      `engine.precision ${precision} isn't known to the engine wasm.`,
      { hint: 'Use engine.precision=float32.' },
    );
  }
  if (threads !== undefined && threads !== 1) {
    return new RethinkError('usage', `The engine wasm has one thread, not ${threads}.`, {
      hint: 'Leave engine.threads out, or set it to 1.',
    });
  }
  if (device !== 0) {
    return new RethinkError(
      'usage',
      `The engine wasm runs on the CPU and has no device ${device}.`,
      { hint: 'Leave engine.device out.' },
    );
  }
  return refuseDevices('wasm', devices);
}
