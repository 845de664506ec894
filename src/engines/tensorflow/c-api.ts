import { join } from 'node:path';
import { gpuMemoryShare } from '../../machine/gpu.js';
import koffi from '../../machine/koffi.js';
import { bytes, double, type Field } from '../../protobuf.js';
import { openLibrary } from '../native/library.js';
import { copyBytes, inMemory, type Memory } from '../native/memory.js';

/** A pointer of TensorFlow's; null where it gave none. */
export type Pointer = bigint | null;

/** The functions of TensorFlow's C API that a session takes (tensorflow/c/c_api.h). */
const FUNCTIONS = {
  TF_NewStatus: 'void *TF_NewStatus()',
  TF_DeleteStatus: 'void TF_DeleteStatus(void *status)',
  TF_GetCode: 'int TF_GetCode(void *status)',
  TF_Message: 'const char *TF_Message(void *status)',
  TF_NewBufferFromString: 'void *TF_NewBufferFromString(const void *proto, size_t bytes)',
  TF_DeleteBuffer: 'void TF_DeleteBuffer(void *buffer)',
  TF_GetRegisteredKernelsForOp:
    'void *TF_GetRegisteredKernelsForOp(const char *name, void *status)',
  TF_NewGraph: 'void *TF_NewGraph()',
  TF_DeleteGraph: 'void TF_DeleteGraph(void *graph)',
  TF_NewImportGraphDefOptions: 'void *TF_NewImportGraphDefOptions()',
  TF_DeleteImportGraphDefOptions: 'void TF_DeleteImportGraphDefOptions(void *options)',
  TF_GraphImportGraphDef:
    'void TF_GraphImportGraphDef(void *graph, void *graph_def, void *options, void *status)',
  TF_GraphOperationByName: 'void *TF_GraphOperationByName(void *graph, const char *name)',
  TF_NewSessionOptions: 'void *TF_NewSessionOptions()',
  TF_SetConfig: 'void TF_SetConfig(void *options, const void *proto, size_t bytes, void *status)',
  TF_DeleteSessionOptions: 'void TF_DeleteSessionOptions(void *options)',
  TF_NewSession: 'void *TF_NewSession(void *graph, void *options, void *status)',
  TF_DeleteSession: 'void TF_DeleteSession(void *session, void *status)',
  TF_SessionListDevices: 'void *TF_SessionListDevices(void *session, void *status)',
  TF_DeviceListCount: 'int TF_DeviceListCount(void *devices)',
  TF_DeviceListType: 'const char *TF_DeviceListType(void *devices, int index, void *status)',
  TF_DeleteDeviceList: 'void TF_DeleteDeviceList(void *devices)',
  TF_SessionRun:
    'void TF_SessionRun(void *session, void *run_options, void *inputs, void *input_values, int ninputs, void *outputs, void *output_values, int noutputs, void *targets, int ntargets, void *run_metadata, void *status)',
  TF_AllocateTensor:
    'void *TF_AllocateTensor(int dtype, const void *dims, int num_dims, size_t bytes)',
  TF_DeleteTensor: 'void TF_DeleteTensor(void *tensor)',
  TF_TensorData: 'void *TF_TensorData(void *tensor)',
  TF_TensorByteSize: 'size_t TF_TensorByteSize(void *tensor)',
  TF_TensorType: 'int TF_TensorType(void *tensor)',
} as const;

/** {@link FUNCTIONS} in TypeScript. */
export interface CApi {
  TF_NewStatus(): Pointer;
  TF_DeleteStatus(status: Pointer): void;
  TF_GetCode(status: Pointer): number;
  TF_Message(status: Pointer): string;
  TF_NewBufferFromString(proto: Memory, bytes: number): Pointer;
  TF_DeleteBuffer(buffer: Pointer): void;
  TF_GetRegisteredKernelsForOp(name: string, status: Pointer): Pointer;
  TF_NewGraph(): Pointer;
  TF_DeleteGraph(graph: Pointer): void;
  TF_NewImportGraphDefOptions(): Pointer;
  TF_DeleteImportGraphDefOptions(options: Pointer): void;
  TF_GraphImportGraphDef(graph: Pointer, def: Pointer, options: Pointer, status: Pointer): void;
  TF_GraphOperationByName(graph: Pointer, name: string): Pointer;
  TF_NewSessionOptions(): Pointer;
  TF_SetConfig(options: Pointer, proto: Memory, bytes: number, status: Pointer): void;
  TF_DeleteSessionOptions(options: Pointer): void;
  TF_NewSession(graph: Pointer, options: Pointer, status: Pointer): Pointer;
  TF_DeleteSession(session: Pointer, status: Pointer): void;
  TF_SessionListDevices(session: Pointer, status: Pointer): Pointer;
  TF_DeviceListCount(devices: Pointer): number;
  TF_DeviceListType(devices: Pointer, index: number, status: Pointer): string;
  TF_DeleteDeviceList(devices: Pointer): void;
  TF_SessionRun: {
    async(
      session: Pointer,
      runOptions: null,
      inputs: Memory,
      inputValues: Memory,
      inputCount: number,
      outputs: Memory,
      outputValues: Memory,
      outputCount: number,
      targets: null,
      targetCount: number,
      metadata: null,
      status: Pointer,
      done: (error: Error | null) => void,
    ): void;
  };
  TF_AllocateTensor(dtype: number, dims: Memory, rank: number, bytes: number): Pointer;
  TF_DeleteTensor(tensor: Pointer): void;
  TF_TensorData(tensor: Pointer): Pointer;
  TF_TensorByteSize(tensor: Pointer): number | bigint;
  TF_TensorType(tensor: Pointer): number;
}

let api: CApi | undefined;

/** Loads the TensorFlow in a folder: the addon there, should it be loaded, gets the same one. */
export function openCApi(dir: string): void {
  const path = join(dir, 'libtensorflow_cc.so.2');
  openLibrary(path, { lazy: true });
  const library = koffi.load(path);
  api = Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, prototype]) => [name, library.func(prototype)]),
  ) as unknown as CApi;
}

/** TensorFlow's functions, which the engine has to have been loaded for. */
export function cApi(): CApi {
  if (api === undefined) throw new Error('TensorFlow has not been loaded');
  return api;
}

/** Whether this build of TensorFlow has a kernel for an operation, on whatever device. */
export function hasKernel(operation: string): boolean {
  const { TF_GetRegisteredKernelsForOp, TF_DeleteBuffer } = cApi();
  const kernels = checked((status) => TF_GetRegisteredKernelsForOp(operation, status));
  if (kernels === null) return false;
  // A TF_Buffer: the address of a serialized list, and its length.
  const length = copyBytes(kernels + 8n, 8).readBigUInt64LE();
  TF_DeleteBuffer(kernels);
  return length > 0n;
}

/** Of an encoded tensorflow.ConfigProto what says how much memory of a GPU this process may take. */
function gpuOptions(): Field {
  const share = gpuMemoryShare();
  // gpu_options.per_process_gpu_memory_fraction
  return share === undefined ? Buffer.alloc(0) : bytes(6, double(1, share));
}

/** What this process's TensorFlow computes on: `CPU`, and `GPU` where it can use one. */
export function deviceTypes(): string[] {
  const api = cApi();
  const graph = api.TF_NewGraph();
  const options = api.TF_NewSessionOptions();
  const config = inMemory(gpuOptions());
  try {
    // The first session decides for the process how much memory of a GPU is taken.
    checked((status) => api.TF_SetConfig(options, config, config.length, status));
    const session = checked((status) => api.TF_NewSession(graph, options, status));
    try {
      return typesOf(
        api,
        checked((status) => api.TF_SessionListDevices(session, status)),
      );
    } finally {
      checked((status) => api.TF_DeleteSession(session, status));
    }
  } finally {
    api.TF_DeleteSessionOptions(options);
    api.TF_DeleteGraph(graph);
  }
}

function typesOf(api: CApi, devices: Pointer): string[] {
  try {
    return Array.from({ length: api.TF_DeviceListCount(devices) }, (_, index) =>
      checked((status) => api.TF_DeviceListType(devices, index, status)),
    );
  } finally {
    api.TF_DeleteDeviceList(devices);
  }
}

/** Calls a function that reports by a status, and throws what it reports. */
export function checked<T>(call: (status: Pointer) => T): T {
  const { TF_NewStatus, TF_DeleteStatus } = cApi();
  const status = TF_NewStatus();
  try {
    const result = call(status);
    throwIfFailed(cApi(), status);
    return result;
  } finally {
    TF_DeleteStatus(status);
  }
}

export function throwIfFailed({ TF_GetCode, TF_Message }: CApi, status: Pointer): void {
  if (TF_GetCode(status) !== 0) throw new Error(TF_Message(status));
}
