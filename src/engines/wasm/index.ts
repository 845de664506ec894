import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setThreadsCount, setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf, RethinkError } from '../../errors.js';
import { createEagerSession } from '../eager/eager.js';
import type { Engine } from '../types.js';
import { registerConv2DBackpropFilter } from './conv2d-backprop-filter.js';

const require = createRequire(import.meta.url);

let ready: Promise<void> | undefined;

/** The engine `wasm`: tfjs' WebAssembly backend, op by op on one thread; installed with this package. */
export async function createWasmEngine(): Promise<Engine> {
  ready ??= initialize();
  await ready;
  return {
    info: {
      name: 'wasm',
      version: version_wasm,
      device: 'cpu',
      precision: 'float32',
      mode: 'eager',
      threads: 1,
    },
    load: (program, state) => createEagerSession('wasm', program, state),
    dispose: () => {},
  };
}

async function initialize(): Promise<void> {
  tf.enableProdMode();
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(join(folder, 'dist', '/'));
  setThreadsCount(1);
  try {
    if (!(await tf.setBackend('wasm'))) throw new Error('its backend refused to start');
  } catch (cause) {
    ready = undefined;
    throw new RethinkError('failed', `The engine wasm can't be started: ${messageOf(cause)}.`, {
      hint: 'Run npm ci again in the folder of rethink-gen.',
      cause,
    });
  }
  registerConv2DBackpropFilter();
}
