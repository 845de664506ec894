import type { Digests } from '../install/manifest.js';
import type { WheelArch } from '../install/pinned.js';

/** The version of TensorFlow this program is built and tested against. */
export const TENSORFLOW_VERSION = '2.21.0';

export type Variant = 'cpu' | 'cuda';

/** Room a fresh installation takes while it is made: what is fetched and what is unpacked from it, with some to spare. */
export const SPACE_NEEDED: Record<Variant, number> = { cpu: 1.3e9, cuda: 9e9 };

/** Whose wheels a variant takes, TensorFlow's first; `undefined` where there are none for a processor. */
export const PROJECTS: Record<Variant, Record<WheelArch, readonly string[] | undefined>> = {
  // For arm64 the wheel of `tensorflow` has no CUDA in it.
  cpu: { x86_64: ['tensorflow_cpu'], aarch64: ['tensorflow'] },
  cuda: {
    x86_64: [
      'tensorflow',
      'nvidia_cublas_cu12',
      'nvidia_cuda_cupti_cu12',
      'nvidia_cuda_nvcc_cu12',
      'nvidia_cuda_nvrtc_cu12',
      'nvidia_cuda_runtime_cu12',
      'nvidia_cudnn_cu12',
      'nvidia_cufft_cu12',
      'nvidia_curand_cu12',
      'nvidia_cusolver_cu12',
      'nvidia_cusparse_cu12',
      'nvidia_nccl_cu12',
      'nvidia_nvjitlink_cu12',
    ],
    aarch64: undefined,
  },
};

/** SHA-256 of the libraries that older versions of this program installed without a word of their digests. */
export const OLDER_DIGESTS: Record<Variant, Digests> = {
  cpu: {
    'libtensorflow_cc.so.2': '6505a4b9657e62100c6bdacb683957a395cb047725042945aaa50e40a71e429e',
    'libtensorflow_framework.so.2':
      'f060b323b26ef80add21b9df9428de3aeaf2843d772c5bb098745f7abff3709b',
  },
  cuda: {
    'libtensorflow_cc.so.2': '2889ecc99d7641620f41a4bea538f4dd4b626f75aa3e12623161ae939054191c',
    'libtensorflow_framework.so.2':
      '98847c6f0448308159f6d3ff55e13a9e92978598c7fbb34cde63aadf35c6fe84',
  },
};

/**
 * Where a file of a wheel goes in the installed engine; `undefined` leaves it out. Of TensorFlow the two libraries and
 * the C headers that tfjs' addon includes; of NVIDIA's wheels the libraries, ptxas and libdevice.
 */
export function selectFile(entry: string): string | undefined {
  const library = /^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/.exec(entry);
  if (library) return library[1];
  const header =
    /^tensorflow\/(include\/(?:(?:tensorflow|xla\/tsl)\/c\/(?:eager\/)?\w+|(?:tensorflow\/core|tsl)\/platform\/ctstring\w*)\.h)$/.exec(
      entry,
    );
  if (header) return header[1];
  const nvidia =
    /^nvidia\/\w+\/(?:lib\/[\w.+-]+\.so[\d.]*|bin\/ptxas|nvvm\/libdevice\/[\w.]+\.bc)$/.exec(entry);
  const needless = /\.alt\.so|\/libnvblas\.|\/libcufftw\.|\/libcusolverMg\./;
  return nvidia && !needless.test(entry) ? entry : undefined;
}
