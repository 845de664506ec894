import type { EngineContext } from './install/context.js';
import type { Engine, EngineInfo, EngineOptions } from './types.js';

export type EngineName = EngineInfo['name'];

type EngineFactory = (options: EngineOptions, context: EngineContext) => Promise<Engine>;

/** How each engine is made; its code and libraries are loaded when it is. */
export const ENGINE_FACTORIES: Record<EngineName, EngineFactory> = {
  async tensorflow(options, context) {
    const { createTensorflowEngine } = await import('./tensorflow/index.js');
    return createTensorflowEngine(options, context);
  },
  async xla(options, context) {
    const { createXlaEngine } = await import('./xla/index.js');
    return createXlaEngine(options, context);
  },
  async wasm(options, context) {
    const { createWasmEngine } = await import('./wasm/index.js');
    return createWasmEngine(options, context);
  },
};

export const ENGINE_NAMES = Object.keys(ENGINE_FACTORIES) as EngineName[];
