import { namesCudaDir } from '../native/nvidia.js';
import type { Graph } from '../trace/graph.js';
import { optimize } from '../trace/passes/index.js';
import type { EngineOptions } from '../types.js';
import type { Target } from './lower/target.js';
import type { DebugOptions } from './pjrt/compile-options.js';
import { PLATFORMS } from './platforms.js';
import type { XlaPlugin } from './plugin.js';

/** Lets float32 products run in TF32 on a GPU: ten bits of mantissa, several times the speed. */
export const TF32_VARIABLE = 'RETHINK_GEN_TF32';

/** XLA's option for what becomes part of a CUDA graph, which the GPU runs without the host. */
const COMMAND_BUFFERS = 'xla_gpu_enable_command_buffer';
/** Whole loops, where nothing in them is of another kind: the MLP's is one graph. Of XLA's own, without loops and branches. */
const GRAPHED = 'FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL,DYNAMIC_SLICE_FUSION,CONDITIONAL,WHILE';

/** Products by Triton are tried out for the fastest, and none of them is let pass as deterministic: cuBLAS's are. */
const DETERMINISTIC = { xla_gpu_deterministic_ops: true, xla_gpu_enable_triton_gemm: false };

/** How programs are made for a plugin: the same for a run and for a check without a device. */
export interface Compilation {
  target: Target;
  debug: DebugOptions;
  /** Whether float32 products run in TF32. */
  tf32: boolean;
  /** Kinds of operations that become part of CUDA graphs, by XLA's names; on a GPU. */
  commandBuffers?: string;
  /** Clean-up and precision of a traced graph. */
  prepare(graph: Graph): Graph;
}

export function compilationFor(
  { platform, cudaDir }: Pick<XlaPlugin, 'platform' | 'cudaDir'>,
  { precision, deterministic }: Pick<EngineOptions, 'precision' | 'deterministic'>,
): Compilation {
  const cuda = platform === 'cuda';
  const tf32 = cuda && process.env[TF32_VARIABLE] === '1';
  const { target } = PLATFORMS[platform];
  const flagged = flag(COMMAND_BUFFERS);
  return {
    target: { ...target, ...(tf32 ? { products: 'DEFAULT' } : {}) },
    debug: cuda ? cudaDebugOptions(cudaDir, deterministic) : {},
    tf32,
    ...(cuda ? { commandBuffers: flagged ?? GRAPHED } : {}),
    prepare: (graph) => optimize(graph, precision, target.has),
  };
}

function cudaDebugOptions(cudaDir: string | undefined, deterministic: boolean): DebugOptions {
  // What a person named in XLA_FLAGS goes before what was found.
  const named = cudaDir === undefined || namesCudaDir(process.env.XLA_FLAGS);
  return {
    ...(named ? {} : { xla_gpu_cuda_data_dir: cudaDir }),
    ...(deterministic ? DETERMINISTIC : {}),
    // A program's own options go before XLA_FLAGS: what is said there stays.
    ...(flag(COMMAND_BUFFERS) === undefined ? { [COMMAND_BUFFERS]: GRAPHED } : {}),
  };
}

/** What XLA_FLAGS says of an option, if anything. */
function flag(name: string): string | undefined {
  const flags = (process.env.XLA_FLAGS ?? '').split(/\s+/);
  return flags.findLast((each) => each.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
}
