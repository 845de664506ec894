import * as tf from '@tensorflow/tfjs-core';
import * as ours from '../../../models/ops.js';
import type { ConvolutionAttributes, Padding, PoolAttributes } from '../graph.js';
import { record } from './register.js';

/** Matrix products, convolutions, pooling and normalization. */

type Shape4 = [number, number, number, number];
/** The gradients come without dilations. */
type ConvolutionKernelAttributes = Omit<tf.Conv2DAttrs, 'dilations'> & Partial<tf.Conv2DAttrs>;

record<tf.BatchMatMulAttrs>(tf.BatchMatMul, ({ builder, pair }, attrs) =>
  builder.emit('matMul', pair('a', 'b'), {
    transposeA: attrs.transposeA === true,
    transposeB: attrs.transposeB === true,
  }),
);

record<ConvolutionKernelAttributes>(tf.Conv2D, ({ builder, value }, attrs) => {
  const [x, filter] = [value('x'), value('filter')];
  return builder.emit('conv2d', [x, filter], convolutionOf(x.shape, filter.shape, attrs));
});
record<tf.Conv2DBackpropInputAttrs>(tf.Conv2DBackpropInput, ({ builder, value }, attrs) => {
  const filter = value('filter');
  const type = { shape: attrs.inputShape, dtype: filter.dtype };
  const convolution = convolutionOf(type.shape, filter.shape, attrs);
  return builder.typed('conv2dBackpropInput', [value('dy'), filter], convolution, type);
});
record<tf.Conv2DBackpropFilterAttrs>(tf.Conv2DBackpropFilter, ({ builder, value }, attrs) => {
  const x = value('x');
  const type = { shape: attrs.filterShape, dtype: x.dtype };
  const convolution = convolutionOf(x.shape, type.shape, attrs);
  return builder.typed('conv2dBackpropFilter', [x, value('dy')], convolution, type);
});

function convolutionOf(
  x: readonly number[],
  filter: readonly number[],
  { strides, dilations = 1, pad, dimRoundingMode, dataFormat }: ConvolutionKernelAttributes,
): ConvolutionAttributes {
  if (dataFormat !== undefined && dataFormat !== 'NHWC') throw new Error(`layout ${dataFormat}`);
  const info = tf.backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  return {
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    padding: paddingOf(info),
  };
}

for (const [kernel, op] of [
  [tf.MaxPool, 'maxPool'],
  [tf.AvgPool, 'avgPool'],
] as const) {
  record<tf.MaxPoolAttrs>(kernel, ({ builder, value }, attrs) =>
    builder.emit(op, [value('x')], poolOf(value('x').shape, attrs)),
  );
}
record<tf.MaxPoolGradAttrs>(tf.MaxPoolGrad, ({ builder, value, values }, attrs) =>
  builder.emit('maxPoolGrad', values('dy', 'input', 'output'), poolOf(value('input').shape, attrs)),
);
record<tf.AvgPoolGradAttrs>(tf.AvgPoolGrad, ({ builder, value }, attrs) => {
  const { shape, dtype } = value('input');
  return builder.typed(
    'avgPoolGrad',
    [value('dy')],
    poolOf(shape, { ...attrs, dimRoundingMode: undefined }),
    { shape, dtype },
  );
});

function poolOf(
  x: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: tf.MaxPoolAttrs,
): PoolAttributes {
  const info = tf.backend_util.computePool2DInfo(
    x as Shape4,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
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

// Only the four numbers: tfjs passes its own attribute object.
record<tf.LRNAttrs>(tf.LRN, ({ builder, value }, { depthRadius, bias, alpha, beta }) =>
  builder.emit('lrn', [value('x')], { depthRadius, bias, alpha, beta }),
);
record<tf.LRNGradAttrs>(tf.LRNGrad, ({ builder, values }, { depthRadius, bias, alpha, beta }) =>
  builder.emit('lrnGrad', values('dy', 'x', 'y'), { depthRadius, bias, alpha, beta }),
);
record<tf.FusedBatchNormAttrs>(
  tf.FusedBatchNorm,
  ({ builder, value, inputs }, { varianceEpsilon }) => {
    const epsilon = builder.scalar(varianceEpsilon, 'float32');
    const deviation = builder.apply('rsqrt', builder.apply('add', value('variance'), epsilon));
    const factor = inputs.scale ? builder.apply('multiply', deviation, value('scale')) : deviation;
    const centered = builder.apply('subtract', value('x'), value('mean'));
    const y = builder.apply('multiply', centered, factor);
    return inputs.offset ? builder.apply('add', y, value('offset')) : y;
  },
);

// Our own kernels, recorded whole: every lowering has a native or a composite version.
record<{ epsilon: number }>(ours.FUSED_BATCH_NORM, ({ builder, values }, { epsilon }) =>
  builder.emitAll('fusedBatchNorm', values('x', 'scale', 'offset'), { epsilon }),
);
record<{ epsilon: number }>(ours.FUSED_BATCH_NORM_GRAD, ({ builder, values }, { epsilon }) =>
  builder.emitAll('fusedBatchNormGrad', values('dy', 'x', 'scale', 'r1', 'r2', 'r3'), { epsilon }),
);
record(ours.SPARSE_CROSS_ENTROPY, ({ builder, values }) =>
  builder.emitAll('sparseSoftmaxCrossEntropy', values('features', 'labels'), {}),
);
record<{ momentum: number }>(ours.APPLY_MOMENTUM, ({ builder, values }, { momentum }) =>
  builder.emitAll('applyMomentum', values('p', 'v', 'g', 'learningRate'), { momentum }),
);
record(ours.ALL_FINITE, ({ builder, values, inputs }) =>
  builder.emitAll('allFinite', values(...Object.keys(inputs)), {}),
);
record(ours.WHITEN, ({ builder, value }) => {
  const images = value('images');
  return [builder.typed('whiten', [images], {}, { shape: images.shape, dtype: 'float32' })];
});
