import type { EngineContext } from './install/context.js';
import { createTensorflowEngine } from './tensorflow/index.js';
import type { Engine, EngineInfo, EngineOptions } from './types.js';
import { createWasmEngine } from './wasm/index.js';

export type EngineName = EngineInfo['name'];

/** How each engine is made. An engine that isn't here isn't part of this version. */
export const ENGINE_FACTORIES: Partial<
  Record<EngineName, (options: EngineOptions, context: EngineContext) => Promise<Engine>>
> = {
  tensorflow: createTensorflowEngine,
  wasm: createWasmEngine,
};
