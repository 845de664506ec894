import type { Graph } from '../trace/graph.js';
import { optimize } from '../trace/passes/index.js';
import type { EngineOptions } from '../types.js';
import { CPU_TARGET, GPU_TARGET, type Target } from './lower/target.js';
import type { DebugOptions } from './pjrt/compile-options.js';
import type { XlaPlugin } from './plugin.js';

/** Lets float32 products run in TF32 on a GPU: ten bits of mantissa, several times the speed. */
export const TF32_VARIABLE = 'RETHINK_GEN_TF32';

/** How programs are made for a plugin: the same for a run and for a check without a device. */
export interface Compilation {
  target: Target;
  debug: DebugOptions;
  /** Whether float32 products run in TF32. */
  tf32: boolean;
  /** Clean-up and precision of a traced graph. */
  prepare(graph: Graph): Graph;
}

export function compilationFor(
  { platform, cudaDir }: Pick<XlaPlugin, 'platform' | 'cudaDir'>,
  { precision, deterministic }: Pick<EngineOptions, 'precision' | 'deterministic'>,
): Compilation {
  const gpu = platform === 'cuda';
  const tf32 = gpu && process.env[TF32_VARIABLE] === '1';
  return {
    target: { ...(gpu ? GPU_TARGET : CPU_TARGET), ...(tf32 ? { products: 'DEFAULT' } : {}) },
    debug: gpu ? gpuDebugOptions(cudaDir, deterministic) : {},
    tf32,
    prepare: (graph) => optimize(graph, precision),
  };
}

function gpuDebugOptions(cudaDir: string | undefined, deterministic: boolean): DebugOptions {
  return {
    ...(cudaDir === undefined ? {} : { xla_gpu_cuda_data_dir: cudaDir }),
    ...(deterministic ? { xla_gpu_deterministic_ops: true } : {}),
  };
}
