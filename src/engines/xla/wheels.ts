import type { XlaVariant } from './plugin.js';

/** Tags of the wheels; the plugins hold no Python, so any version does. */
export const PYTHON_TAG = '3.12';
export const PLATFORM_TAGS = [
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
];

/**
 * The plugin and, for a GPU, the NVIDIA libraries that JAX's plugin packages name, within the versions they allow.
 * The plugin goes first.
 */
export const REQUIREMENTS: Record<XlaVariant, string[]> = {
  cuda13: [
    'jax-cuda13-pjrt==0.12.0.1',
    'nvidia-cublas>=13.0.0.19,<14',
    'nvidia-cuda-cupti>=13.0.48,<14',
    'nvidia-cuda-nvcc>=13.0.48,<14',
    'nvidia-cuda-nvrtc>=13.0.48,<14',
    'nvidia-cuda-runtime>=13.0.48,<14',
    'nvidia-cudnn-cu13>=9.12.0.46,<10',
    'nvidia-cufft>=12.0.0.15,<13',
    'nvidia-cusolver>=12.0.3.29,<13',
    'nvidia-cusparse>=12.6.2.49,<13',
    'nvidia-nccl-cu13>=2.27.7,<3',
    'nvidia-nvjitlink>=13.0.39,<14',
    'nvidia-nvshmem-cu13>=3.3.20,<4',
    'nvidia-nvvm>=13.0.48,<14',
  ],
  cuda12: [
    'jax-cuda12-pjrt==0.12.0.1',
    'nvidia-cublas-cu12>=12.1.3.1,<13',
    'nvidia-cuda-cupti-cu12>=12.1.105,<13',
    'nvidia-cuda-nvcc-cu12>=12.6.85,<13',
    'nvidia-cuda-nvrtc-cu12>=12.1.55,<13',
    'nvidia-cuda-runtime-cu12>=12.1.105,<13',
    'nvidia-cudnn-cu12>=9.10.2.21,<10',
    'nvidia-cufft-cu12>=11.0.2.54,<12',
    'nvidia-cusolver-cu12>=11.4.5.107,<12',
    'nvidia-cusparse-cu12>=12.1.0.106,<13',
    'nvidia-nccl-cu12>=2.18.1,<3',
    'nvidia-nvjitlink-cu12>=12.1.105,<13',
    'nvidia-nvshmem-cu12>=3.2.5,<4',
  ],
  cpu: ['xla-cpu-pjrt==0.0.1'],
};

/** SHA-256 of the plugins' wheels; pip checks the others against its index. */
export const SHA256: Record<string, string> = {
  'jax_cuda13_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl':
    '5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90',
  'jax_cuda12_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl':
    '5ec28e06198d094031c37590b4ea753ae8cde4879ab4b60baf40f0dffb673286',
  'xla_cpu_pjrt-0.0.1-py3-none-manylinux_2_27_x86_64.whl':
    '55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc',
};

/** Room that wheels and unpacked files take together, in bytes. */
export const SPACE_NEEDED: Record<XlaVariant, number> = { cuda13: 10e9, cuda12: 10e9, cpu: 0.4e9 };

/** Where a file of a wheel goes; `undefined` leaves it out: Python, headers, static libraries. */
export function selectFile(entry: string): string | undefined {
  const plugin = /^(jax_plugins|xla_plugins)\/\w+\/([\w.]+\.so|include\/[\w.]+\.h)$/;
  const nvidia =
    /^nvidia\/\w+\/(lib\/[\w.+-]+\.so[\d.]*|bin\/(ptxas|nvlink|fatbinary)|nvvm\/(libdevice\/[\w.]+\.bc|bin\/\w+))$/;
  return plugin.test(entry) || nvidia.test(entry) ? entry : undefined;
}
