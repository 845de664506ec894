import * as tf from '@tensorflow/tfjs-core';
import type { TraceBackend } from '../backend.js';
import type { ConvolutionAttributes, Padding, PoolAttributes, Value } from '../graph.js';
import { record } from './register.js';

type Shape4 = [number, number, number, number];
type Pad = Parameters<typeof tf.backend_util.computeConv2DInfo>[4];

interface ConvolutionKernelAttributes {
  strides: number | [number, number];
  pad: Pad;
  dataFormat?: string;
  dilations?: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface PoolKernelAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: Pad;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface LrnKernelAttributes {
  depthRadius: number;
  bias: number;
  alpha: number;
  beta: number;
}

/** Matrix products, convolutions, pooling and normalization. */
export function registerNetwork(backend: TraceBackend): void {
  record<{ transposeA: boolean; transposeB: boolean }>(
    backend,
    tf.BatchMatMul,
    ({ builder, pair }, { transposeA, transposeB }) =>
      builder.emit('matMul', pair('a', 'b'), {
        transposeA: transposeA === true,
        transposeB: transposeB === true,
      }),
  );
  registerConvolutions(backend);
  registerPools(backend);
  registerNormalization(backend);
}

function registerConvolutions(backend: TraceBackend): void {
  record<ConvolutionKernelAttributes>(backend, tf.Conv2D, ({ builder, value }, attrs) => {
    const [x, filter] = [value('x'), value('filter')];
    return builder.emit('conv2d', [x, filter], convolutionOf(x.shape, filter.shape, attrs));
  });
  record<ConvolutionKernelAttributes & { inputShape: Shape4 }>(
    backend,
    tf.Conv2DBackpropInput,
    ({ builder, value }, attrs) => {
      const filter = value('filter');
      const convolution = convolutionOf(attrs.inputShape, filter.shape, attrs);
      const type = { shape: attrs.inputShape, dtype: filter.dtype };
      return builder.typed('conv2dBackpropInput', [value('dy'), filter], convolution, type);
    },
  );
  record<ConvolutionKernelAttributes & { filterShape: Shape4 }>(
    backend,
    tf.Conv2DBackpropFilter,
    ({ builder, value }, attrs) => {
      const x = value('x');
      const convolution = convolutionOf(x.shape, attrs.filterShape, attrs);
      const type = { shape: attrs.filterShape, dtype: x.dtype };
      return builder.typed('conv2dBackpropFilter', [x, value('dy')], convolution, type);
    },
  );
}

function convolutionOf(
  x: readonly number[],
  filter: readonly number[],
  { strides, dilations, pad, dimRoundingMode, dataFormat }: ConvolutionKernelAttributes,
): ConvolutionAttributes {
  if (dataFormat !== undefined && dataFormat !== 'NHWC') throw new Error(`layout ${dataFormat}`);
  const info = tf.backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
  return {
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    padding: paddingOf(info),
  };
}

function registerPools(backend: TraceBackend): void {
  record<PoolKernelAttributes>(backend, tf.MaxPool, ({ builder, value }, attrs) =>
    builder.emit('maxPool', [value('x')], poolOf(value('x').shape, attrs)),
  );
  record<PoolKernelAttributes>(backend, tf.MaxPoolGrad, ({ builder, value }, attrs) => {
    const x = value('input');
    return builder.emit('maxPoolGrad', [value('dy'), x, value('output')], poolOf(x.shape, attrs));
  });
  record<PoolKernelAttributes>(backend, tf.AvgPool, ({ builder, value }, attrs) =>
    builder.emit('avgPool', [value('x')], poolOf(value('x').shape, attrs)),
  );
  record<PoolKernelAttributes>(backend, tf.AvgPoolGrad, ({ builder, value }, attrs) => {
    const { shape, dtype } = value('input');
    return builder.typed('avgPoolGrad', [value('dy')], poolOf(shape, attrs), { shape, dtype });
  });
}

function poolOf(x: readonly number[], attrs: PoolKernelAttributes): PoolAttributes {
  const info = tf.backend_util.computePool2DInfo(
    x as Shape4,
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  return {
    size: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    padding: paddingOf(info),
  };
}

function paddingOf({ padInfo }: tf.backend_util.Conv2DInfo): Padding {
  const { top, bottom, left, right, type } = padInfo;
  const named = type === 'SAME' || type === 'VALID' ? type : 'EXPLICIT';
  return { type: named, top, bottom, left, right };
}

function registerNormalization(backend: TraceBackend): void {
  record<LrnKernelAttributes>(backend, tf.LRN, ({ builder, value }, attrs) =>
    builder.emit('lrn', [value('x')], lrnOf(attrs)),
  );
  record<LrnKernelAttributes>(backend, tf.LRNGrad, ({ builder, value }, attrs) =>
    builder.emit('lrnGrad', [value('dy'), value('x'), value('y')], lrnOf(attrs)),
  );
  record<{ varianceEpsilon: number }>(
    backend,
    tf.FusedBatchNorm,
    ({ builder, value, inputs }, { varianceEpsilon }) => {
      const epsilon = builder.scalar(varianceEpsilon, 'float32');
      const deviation = builder.apply('rsqrt', builder.apply('add', value('variance'), epsilon));
      const scaled = (v: Value) =>
        inputs.scale ? builder.apply('multiply', v, value('scale')) : v;
      const centered = builder.apply('subtract', value('x'), value('mean'));
      const y = builder.apply('multiply', centered, scaled(deviation));
      return inputs.offset ? builder.apply('add', y, value('offset')) : y;
    },
  );
}

/** Only the four numbers: tfjs passes its own attribute object. */
function lrnOf({ depthRadius, bias, alpha, beta }: LrnKernelAttributes): LrnKernelAttributes {
  return { depthRadius, bias, alpha, beta };
}
