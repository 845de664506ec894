/** NVIDIA's libraries of CUDA 12, in the order in which they need each other. */
export const CUDA12_LIBRARIES = [
  'libcudart.so.12',
  'libnvJitLink.so.12',
  'libnvrtc.so.12',
  'libcublasLt.so.12',
  'libcublas.so.12',
  'libcusparse.so.12',
  'libcusolver.so.11',
  'libcufft.so.11',
  'libcurand.so.10',
  'libcupti.so.12',
  'libnccl.so.2',
  'libcudnn.so.9',
] as const;

/** Those of CUDA 13. */
export const CUDA13_LIBRARIES = [
  'libcudart.so.13',
  'libnvJitLink.so.13',
  'libnvrtc.so.13',
  'libcublasLt.so.13',
  'libcublas.so.13',
  'libcusparse.so.12',
  'libcusolver.so.12',
  'libcufft.so.12',
  'libcupti.so.13',
  'libnccl.so.2',
  'libcudnn.so.9',
] as const;
