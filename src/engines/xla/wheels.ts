import type { Digests } from '../install/manifest.js';
import { CUDA12_LIBRARIES, CUDA13_LIBRARIES } from '../native/cuda-libraries.js';
import type { Platform } from './platforms.js';

/** What is known of a plugin that can be installed. */
export interface XlaVariantRow {
  platform: Platform;
  /** Path of the plugin below the folder that its wheel is unpacked to. */
  plugin: string;
  /** Whose wheels it takes: the plugin's first, then those of its libraries. */
  projects: readonly string[];
  /** Room that what is fetched and what is unpacked from it take together, in bytes. */
  space: number;
  /** SHA-256 of the plugins that older versions of this program installed without a word of their digests. */
  olderDigests: Digests;
  /** NVIDIA's, in the order in which they need each other. */
  libraries: readonly string[];
}

/** One row for each. The projects are those that JAX's plugin packages name. */
export const XLA_VARIANTS = {
  cuda13: {
    platform: 'cuda',
    plugin: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
    projects: [
      'jax_cuda13_pjrt',
      'nvidia_cublas',
      'nvidia_cuda_cupti',
      'nvidia_cuda_nvcc',
      'nvidia_cuda_nvrtc',
      'nvidia_cuda_runtime',
      'nvidia_cudnn_cu13',
      'nvidia_cufft',
      'nvidia_cusolver',
      'nvidia_cusparse',
      'nvidia_nccl_cu13',
      'nvidia_nvjitlink',
      'nvidia_nvshmem_cu13',
      'nvidia_nvvm',
    ],
    space: 6e9,
    olderDigests: {
      'jax_plugins/xla_cuda13/xla_cuda_plugin.so':
        'b6de513893c09af2c77e71afcef46d9706f8c259337cdef4cd5cae2353886f75',
    },
    libraries: CUDA13_LIBRARIES,
  },
  cuda12: {
    platform: 'cuda',
    plugin: 'jax_plugins/xla_cuda12/xla_cuda_plugin.so',
    projects: [
      'jax_cuda12_pjrt',
      'nvidia_cublas_cu12',
      'nvidia_cuda_cupti_cu12',
      'nvidia_cuda_nvcc_cu12',
      'nvidia_cuda_nvrtc_cu12',
      'nvidia_cuda_runtime_cu12',
      'nvidia_cudnn_cu12',
      'nvidia_cufft_cu12',
      'nvidia_cusolver_cu12',
      'nvidia_cusparse_cu12',
      'nvidia_nccl_cu12',
      'nvidia_nvjitlink_cu12',
      'nvidia_nvshmem_cu12',
    ],
    space: 9e9,
    olderDigests: {
      'jax_plugins/xla_cuda12/xla_cuda_plugin.so':
        '921aaa9c635255fb7b7a660d11c8f702c78a70e7f7d005d4f377c2dc5f0fede2',
    },
    libraries: CUDA12_LIBRARIES,
  },
  cpu: {
    platform: 'cpu',
    plugin: 'xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so',
    projects: ['xla_cpu_pjrt'],
    space: 0.4e9,
    olderDigests: {
      'xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so':
        '88c3f28c5900f48ad4a82cab9e79bba9537809743395e341485f8794268820dc',
    },
    libraries: [],
  },
  rocm7: {
    platform: 'rocm',
    plugin: 'jax_plugins/xla_rocm7/xla_rocm_plugin.so',
    projects: ['jax_rocm7_pjrt'],
    space: 1e9,
    olderDigests: {},
    // ROCm's own are those of the machine.
    libraries: [],
  },
  tpu: {
    platform: 'tpu',
    plugin: 'libtpu/libtpu.so',
    projects: ['libtpu'],
    space: 1e9,
    olderDigests: {},
    libraries: [],
  },
} as const satisfies Record<string, XlaVariantRow>;

export type XlaVariant = keyof typeof XLA_VARIANTS;
export const VARIANT_NAMES = Object.keys(XLA_VARIANTS) as XlaVariant[];

/** Where a file of a wheel goes; `undefined` leaves it out: Python, headers, what no library of these needs. */
export function selectFile(entry: string): string | undefined {
  const plugin =
    /^((jax_plugins|xla_plugins)\/\w+\/([\w.]+\.so|include\/[\w.]+\.h)|libtpu\/libtpu\.so)$/;
  const nvidia =
    /^nvidia\/\w+\/(lib\/[\w.+-]+\.so[\d.]*|bin\/(ptxas|nvlink|fatbinary)|nvvm\/(libdevice\/[\w.]+\.bc|bin\/\w+))$/;
  const needless = /\.alt\.so|\/libnvblas\.|\/libcufftw\.|\/libcusolverMg\./;
  return (plugin.test(entry) || nvidia.test(entry)) && !needless.test(entry) ? entry : undefined;
}
