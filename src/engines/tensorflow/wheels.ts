/** The version of TensorFlow this program is built and tested against. */
export const TENSORFLOW_VERSION = '2.21.0';

/** What the wheels are built for: any Python's wheel holds the same C libraries. */
export const PYTHON_TAG = '3.12';
export const PLATFORM_TAGS = [
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
  'manylinux2010_x86_64',
];

export type Variant = 'cpu' | 'cuda';

/** Room a fresh installation takes while it is made: wheels and what is unpacked from them, with some to spare. */
export const SPACE_NEEDED: Record<Variant, number> = { cpu: 1.5e9, cuda: 12e9 };

/** Requirements of a variant, TensorFlow's first. NVIDIA's are the newest that TensorFlow 2.21's `and-cuda` allows. */
export const REQUIREMENTS: Record<Variant, string[]> = {
  cpu: [`tensorflow_cpu==${TENSORFLOW_VERSION}`],
  cuda: [
    `tensorflow==${TENSORFLOW_VERSION}`,
    'nvidia-cublas-cu12==12.9.3.13',
    'nvidia-cuda-cupti-cu12==12.8.90',
    'nvidia-cuda-nvcc-cu12==12.9.86',
    'nvidia-cuda-nvrtc-cu12==12.9.86',
    'nvidia-cuda-runtime-cu12==12.9.79',
    'nvidia-cudnn-cu12==9.28.0.42',
    'nvidia-cufft-cu12==11.4.1.4',
    'nvidia-curand-cu12==10.3.10.19',
    'nvidia-cusolver-cu12==11.7.5.82',
    'nvidia-cusparse-cu12==12.5.10.65',
    'nvidia-nccl-cu12==2.32.3',
    'nvidia-nvjitlink-cu12==12.9.86',
  ],
};

/** SHA-256 of wheels by `<name>-<version>-<python tag>`: a download or a folder that differs is refused. */
export const SHA256: Record<string, string> = {
  'tensorflow_cpu-2.21.0-cp310': 'd143e92f5c0661cdfa26eaca8f73cd2efd0ec53a68af8dec82f584ba8eb14b83',
  'tensorflow_cpu-2.21.0-cp311': '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  'tensorflow_cpu-2.21.0-cp312': 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  'tensorflow_cpu-2.21.0-cp313': '05af7c26d35f4de910b5598c7b507e3981831a7b0f47fed9a405d995d51d7793',
  'tensorflow-2.21.0-cp310': '77c6f298e695ea1d283cdd7d30f8d97530cc6e92c1395a9ddbab9771c99233a4',
  'tensorflow-2.21.0-cp311': '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
  'tensorflow-2.21.0-cp312': 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
  'tensorflow-2.21.0-cp313': 'e9d8da8dcab9650efb45f032ba70af2f016f907e6e0c6bda29dd101bba945406',
  'nvidia_cublas_cu12-12.9.3.13-py3':
    'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
  'nvidia_cuda_cupti_cu12-12.8.90-py3':
    'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
  'nvidia_cuda_nvcc_cu12-12.9.86-py3':
    '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
  'nvidia_cuda_nvrtc_cu12-12.9.86-py3':
    '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
  'nvidia_cuda_runtime_cu12-12.9.79-py3':
    '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
  'nvidia_cudnn_cu12-9.28.0.42-py3':
    '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
  'nvidia_cufft_cu12-11.4.1.4-py3':
    'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
  'nvidia_curand_cu12-10.3.10.19-py3':
    '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
  'nvidia_cusolver_cu12-11.7.5.82-py3':
    '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
  'nvidia_cusparse_cu12-12.5.10.65-py3':
    '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
  'nvidia_nccl_cu12-2.32.3-py3': 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
  'nvidia_nvjitlink_cu12-12.9.86-py3':
    'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
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
  return nvidia ? entry : undefined;
}
