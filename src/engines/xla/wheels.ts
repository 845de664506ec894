import type { Digests } from '../install/manifest.js';

export const VARIANTS = ['cuda13', 'cuda12', 'cpu'] as const;
export type XlaVariant = (typeof VARIANTS)[number];

/** Whose wheels a variant takes: the plugin's first, then NVIDIA's that JAX's plugin packages name. */
export const PROJECTS: Record<XlaVariant, readonly string[]> = {
  cuda13: [
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
  cuda12: [
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
  cpu: ['xla_cpu_pjrt'],
};

/** SHA-256 of the plugins that older versions of this program installed without a word of their digests. */
export const OLDER_DIGESTS: Record<XlaVariant, Digests> = {
  cuda13: {
    'jax_plugins/xla_cuda13/xla_cuda_plugin.so':
      'b6de513893c09af2c77e71afcef46d9706f8c259337cdef4cd5cae2353886f75',
  },
  cuda12: {
    'jax_plugins/xla_cuda12/xla_cuda_plugin.so':
      '921aaa9c635255fb7b7a660d11c8f702c78a70e7f7d005d4f377c2dc5f0fede2',
  },
  cpu: {
    'xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so':
      '88c3f28c5900f48ad4a82cab9e79bba9537809743395e341485f8794268820dc',
  },
};

/** Room that what is fetched and what is unpacked from it take together, in bytes. */
export const SPACE_NEEDED: Record<XlaVariant, number> = { cuda13: 6e9, cuda12: 9e9, cpu: 0.4e9 };

/** Where a file of a wheel goes; `undefined` leaves it out: Python, headers, what no library of these needs. */
export function selectFile(entry: string): string | undefined {
  const plugin = /^(jax_plugins|xla_plugins)\/\w+\/([\w.]+\.so|include\/[\w.]+\.h)$/;
  const nvidia =
    /^nvidia\/\w+\/(lib\/[\w.+-]+\.so[\d.]*|bin\/(ptxas|nvlink|fatbinary)|nvvm\/(libdevice\/[\w.]+\.bc|bin\/\w+))$/;
  const needless = /\.alt\.so|\/libnvblas\.|\/libcufftw\.|\/libcusolverMg\./;
  return (plugin.test(entry) || nvidia.test(entry)) && !needless.test(entry) ? entry : undefined;
}
