/** A GPU as its data sheet describes it: what XLA has to know of one in order to compile for it. */
interface GpuTarget {
  name: string;
  /** Compute capability; `accelerated`: with the instructions of this generation alone. */
  capability: [major: number, minor: number, feature?: 'accelerated'];
  cores: number;
  /** Bytes of shared memory of a core, and how many of them one block may ask for. */
  sharedMemory: [perCore: number, perBlock: number];
  /** Bytes a second. */
  bandwidth: number;
  /** Bytes. */
  memory: number;
  l2Cache: number;
  clockGhz: number;
  /** Where they are others than of most. */
  threadsPerCore?: number;
  fpusPerCore?: number;
}

/** GPUs that programs can be compiled for without having one. */
export const GPU_TARGETS = {
  h200: {
    name: 'NVIDIA H200',
    capability: [9, 0, 'accelerated'],
    cores: 132,
    sharedMemory: [233_472, 232_448],
    bandwidth: 4.8e12,
    memory: 150_754_820_096,
    l2Cache: 62_914_560,
    clockGhz: 1.98,
  },
  h100: {
    name: 'NVIDIA H100 80GB HBM3',
    capability: [9, 0, 'accelerated'],
    cores: 132,
    sharedMemory: [233_472, 232_448],
    bandwidth: 3.352_32e12,
    memory: 84_942_979_072,
    l2Cache: 52_428_800,
    clockGhz: 1.98,
  },
  a100: {
    name: 'NVIDIA A100-SXM4-80GB',
    capability: [8, 0],
    cores: 108,
    sharedMemory: [167_936, 166_912],
    bandwidth: 2.039e12,
    memory: 85_097_971_712,
    l2Cache: 41_943_040,
    clockGhz: 1.41,
    fpusPerCore: 64,
  },
  b200: {
    name: 'NVIDIA B200',
    capability: [10, 0, 'accelerated'],
    cores: 148,
    sharedMemory: [233_472, 232_448],
    bandwidth: 8e12,
    memory: 191_514_345_472,
    l2Cache: 132_644_864,
    clockGhz: 1.965,
  },
  'rtx-pro-6000': {
    name: 'NVIDIA RTX PRO 6000 Blackwell',
    capability: [12, 0, 'accelerated'],
    cores: 188,
    sharedMemory: [102_400, 101_376],
    bandwidth: 1.792e12,
    memory: 102_000_000_000,
    l2Cache: 134_217_728,
    clockGhz: 2.6,
    threadsPerCore: 1536,
  },
} as const satisfies Record<string, GpuTarget>;

export type GpuTargetName = keyof typeof GPU_TARGETS;
export const GPU_TARGET_NAMES = Object.keys(GPU_TARGETS) as GpuTargetName[];

/** What a machine of today has: the driver's CUDA, the plugin's, and cuDNN. */
const SOFTWARE = { cuda: '13.0.0', driver: '13.0.0', cudnn: [9, 12, 0] } as const;

/**
 * A target as XLA reads it: a `stream_executor.GpuTargetConfigProto` in protobuf's text format (`xla/stream_executor/
 * device_description.proto`).
 */
export function targetConfig(name: GpuTargetName): string {
  const gpu: GpuTarget = GPU_TARGETS[name];
  const [major, minor, feature] = gpu.capability;
  const accelerated = feature === undefined ? '' : ' feature_extension: ACCELERATED_FEATURES';
  const numbers = {
    threads_per_block_limit: 1024,
    threads_per_warp: 32,
    shared_memory_per_block: 49_152,
    shared_memory_per_core: gpu.sharedMemory[0],
    shared_memory_per_block_optin: gpu.sharedMemory[1],
    threads_per_core_limit: gpu.threadsPerCore ?? 2048,
    core_count: gpu.cores,
    fpus_per_core: gpu.fpusPerCore ?? 128,
    block_dim_limit_x: 2 ** 31 - 1,
    block_dim_limit_y: 65_535,
    block_dim_limit_z: 65_535,
    thread_dim_limit_x: 1024,
    thread_dim_limit_y: 1024,
    thread_dim_limit_z: 64,
    registers_per_core_limit: 65_536,
    registers_per_block_limit: 65_536,
    memory_bandwidth: gpu.bandwidth,
    l2_cache_size: gpu.l2Cache,
    clock_rate_ghz: gpu.clockGhz,
    device_memory_size: gpu.memory,
    device_address_bits: 64,
  };
  const { cuda, driver, cudnn } = SOFTWARE;
  const [dnnMajor, dnnMinor, dnnPatch] = cudnn;
  return `gpu_device_info {
${Object.entries(numbers)
  .map(([field, value]) => `  ${field}: ${value}`)
  .join('\n')}
  cuda_compute_capability { major: ${major} minor: ${minor}${accelerated} }
  device_vendor: "NVIDIA Corporation"
  platform_version: "Compute Capability ${major}.${minor}${feature === undefined ? '' : 'a'}"
  name: "${gpu.name}"
  driver_version: "${driver}"
  runtime_version: "${cuda}"
  compile_time_toolkit_version: "${cuda}"
  dnn_version: "${cudnn.join('.')}"
}
platform_name: "CUDA"
dnn_version_info { major: ${dnnMajor} minor: ${dnnMinor} patch: ${dnnPatch} }
device_description_str: "${gpu.name}"
`;
}
