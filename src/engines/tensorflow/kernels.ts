import * as tf from '@tensorflow/tfjs-core';
import {
  FUSED_BATCH_NORM,
  FUSED_BATCH_NORM_GRAD,
  FUSED_BATCH_NORM_RELU,
  RELU_GRAD,
  SPARSE_CROSS_ENTROPY,
  WHITEN,
} from '../../models/ops.js';
import { hasKernel } from './c-api.js';

/** What we use of tfjs-node's backend: TensorFlow operations by name, eager. */
interface NativeBackend {
  binding: Record<`TF_${'FLOAT' | 'INT32'}`, number> &
    Record<`TF_ATTR_${'TYPE' | 'INT' | 'FLOAT' | 'BOOL' | 'STRING'}`, number>;
  executeSingleOutput(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
  ): tf.TensorInfo;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.TensorInfo[];
}

interface Attribute {
  name: string;
  type: number;
  value: number | number[] | boolean | string;
}

interface NativeCall {
  inputs: tf.TensorInfo[];
  attributes: Attribute[];
}

type Inputs = Record<string, tf.TensorInfo>;

let registered = false;

/**
 * Registers for tfjs' `tensorflow` backend the fused kernels that tfjs has no operation for, under TensorFlow's own
 * names; `models/ops.ts` says what each takes and gives. Eager Inception trains about twice as fast with them. Some of
 * tfjs' own kernels are replaced by cheaper ones.
 *
 * @param device what TensorFlow, which has to have been loaded, computes on
 */
export function registerKernels(device: 'cpu' | 'gpu'): void {
  if (registered) return;
  registered = true;
  if (device === 'cpu') registerCpuKernels();
  register(FUSED_BATCH_NORM, 6, batchNorm);
  register(FUSED_BATCH_NORM_GRAD, 5, (binding, { dy, x, scale, r1, r2, r3 }, epsilon) => ({
    inputs: [dy!, x!, scale!, r1!, r2!, r3!],
    attributes: batchNormAttributes(binding, epsilon),
  }));
  register(SPARSE_CROSS_ENTROPY, 2, (binding, { features, labels }) => ({
    inputs: [features!, labels!],
    attributes: [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'Tlabels', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
    ],
  }));
  register(RELU_GRAD, 1, (binding, { dy, y }) => ({
    inputs: [dy!, y!],
    attributes: [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }],
  }));
  replaceMatMul();
  replaceCast();
}

/** Operations of our own (ops.cc), and oneDNN's, which TensorFlow uses by itself in graphs only. */
function registerCpuKernels(): void {
  register(WHITEN, 1, ({ TF_ATTR_TYPE, TF_FLOAT, TF_INT32 }, { images }) => ({
    inputs: [images!],
    attributes: [
      { name: 'X', type: TF_ATTR_TYPE, value: images!.dtype === 'int32' ? TF_INT32 : TF_FLOAT },
      { name: 'Y', type: TF_ATTR_TYPE, value: TF_FLOAT },
    ],
  }));
  if (hasKernel(FUSED_BATCH_NORM_RELU)) {
    register(FUSED_BATCH_NORM_RELU, 6, (binding, inputs, epsilon) => {
      const call = batchNorm(binding, inputs, epsilon);
      call.attributes.push(
        oneDnn(binding),
        { name: 'activation_mode', type: binding.TF_ATTR_STRING, value: 'Relu' },
        { name: 'num_side_inputs', type: binding.TF_ATTR_INT, value: 0 },
      );
      return call;
    });
  }
  if (hasKernel(ONE_DNN_MAX_POOL)) replaceMaxPoolGrad();
}

/** The kernels that TensorFlow has from oneDNN are told from others of their operation by this label. */
function oneDnn({ TF_ATTR_STRING }: NativeBackend['binding']): Attribute {
  return { name: '_kernel', type: TF_ATTR_STRING, value: 'MklNameChangeOp' };
}

const ONE_DNN_MAX_POOL = '_MklNativeMaxPool';

/**
 * TensorFlow's own gradient of max pooling looks for the maxima one element after another, and takes ten times as long
 * as pooling again with oneDNN, which notes where they are.
 */
function replaceMaxPoolGrad(): void {
  replace(tf.MaxPoolGrad, (original, { inputs, attrs, backend }) => {
    const { dy, input } = inputs as Inputs;
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as tf.MaxPoolGradAttrs;
    const shape = input!.shape as [number, number, number, number];
    const info = tf.backend_util.computePool2DInfo(
      shape,
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    if (!['SAME', 'VALID'].includes(info.padInfo.type) || input!.dtype !== 'float32') {
      return original();
    }
    const native = backend as NativeBackend;
    const { TF_ATTR_BOOL, TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE, TF_FLOAT } = native.binding;
    const { filterHeight, filterWidth, strideHeight, strideWidth } = info;
    const attributes = [
      oneDnn(native.binding),
      { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: 'ksize', type: TF_ATTR_INT, value: [1, filterHeight, filterWidth, 1] },
      { name: 'strides', type: TF_ATTR_INT, value: [1, strideHeight, strideWidth, 1] },
      { name: 'padding', type: TF_ATTR_STRING, value: info.padInfo.type },
      { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
      { name: 'workspace_enabled', type: TF_ATTR_BOOL, value: true },
    ];
    const [y, places] = native.executeMultipleOutputs(ONE_DNN_MAX_POOL, attributes, [input!], 2);
    const operands = [input!, y!, dy!, places!];
    const dx = native.executeSingleOutput('_MklNativeMaxPoolGrad', attributes, operands);
    tf.dispose([y, places] as tf.Tensor[]);
    return dx;
  });
}

/**
 * tfjs multiplies matrices as batches of one, which costs small ones three times as much. What does have a batch stays
 * with tfjs' own kernel.
 */
function replaceMatMul(): void {
  replace('BatchMatMul', (original, { inputs, attrs, backend }) => {
    const { a, b } = inputs as Inputs;
    if (a!.shape.length !== 2 || b!.shape.length !== 2 || a!.dtype !== 'float32') return original();
    const native = backend as NativeBackend;
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    const { TF_ATTR_BOOL, TF_ATTR_TYPE, TF_FLOAT } = native.binding;
    const attributes = [
      { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: 'transpose_a', type: TF_ATTR_BOOL, value: transposeA },
      { name: 'transpose_b', type: TF_ATTR_BOOL, value: transposeB },
    ];
    return native.executeSingleOutput('MatMul', attributes, [a!, b!]);
  });
}

/** A cast to the type that a tensor has, as before every mean, is no work on tfjs' other backends. */
function replaceCast(): void {
  const { kernelFunc: identity } = tf.getKernel('Identity', 'tensorflow');
  replace('Cast', (original, call) => {
    const { dtype } = (call.inputs as Inputs).x!;
    return dtype === call.attrs?.dtype ? (identity(call) as tf.TensorInfo) : original();
  });
}

/** Puts a kernel before one of tfjs' own, which it may call. */
function replace(
  kernelName: string,
  kernel: (original: () => tf.TensorInfo, call: Parameters<tf.KernelFunc>[0]) => tf.TensorInfo,
): void {
  const backendName = 'tensorflow';
  const { kernelFunc } = tf.getKernel(kernelName, backendName);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: (call) => kernel(() => kernelFunc(call) as tf.TensorInfo, call),
  });
}

function register(
  kernelName: string,
  outputs: number,
  prepare: (binding: NativeBackend['binding'], inputs: Inputs, epsilon: number) => NativeCall,
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as NativeBackend;
      const epsilon = Number(attrs?.epsilon);
      const call = prepare(native.binding, inputs as Inputs, epsilon);
      return native.executeMultipleOutputs(kernelName, call.attributes, call.inputs, outputs);
    },
  });
}

/** Of training: the statistics are computed, not given, and TensorFlow wants empty ones. */
function batchNorm(
  binding: NativeBackend['binding'],
  { x, scale, offset }: Inputs,
  epsilon: number,
): NativeCall {
  return {
    inputs: [x!, scale!, offset!, empty(), empty()],
    attributes: [
      ...batchNormAttributes(binding, epsilon),
      { name: 'exponential_avg_factor', type: binding.TF_ATTR_FLOAT, value: 1 },
    ],
  };
}

function batchNormAttributes(binding: NativeBackend['binding'], epsilon: number): Attribute[] {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'U', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
  ];
}

let emptyTensor: tf.Tensor | undefined;

/** One empty tensor for the life of the process: making two for each of Inception's layers costs dispatch time. */
function empty(): tf.Tensor {
  emptyTensor ??= tf.keep(tf.tensor1d([]));
  return emptyTensor;
}
