import type { ConvolutionAttributes, Padding, PoolAttributes } from '../../../trace/graph.js';
import { type Attribute, attribute } from '../graph-def.js';
import { type Lowerings, one, resultOf, typeOf } from './context.js';

const NHWC = { data_format: attribute.string('NHWC') };

/** Convolutions take any padding by name or by number. */
function convolution({ strides, dilations, padding }: ConvolutionAttributes) {
  const { type, top, bottom, left, right } = padding;
  const explicit = type === 'EXPLICIT' ? [0, 0, top, bottom, left, right, 0, 0] : [];
  return {
    ...NHWC,
    strides: attribute.integers([1, ...strides, 1]),
    dilations: attribute.integers([1, ...dilations, 1]),
    padding: attribute.string(type),
    explicit_paddings: attribute.integers(explicit),
    use_cudnn_on_gpu: attribute.bool(true),
  };
}

function pool({ size, strides, padding }: PoolAttributes): Record<string, Attribute> {
  return {
    ...NHWC,
    ksize: attribute.integers([1, ...size, 1]),
    strides: attribute.integers([1, ...strides, 1]),
    padding: attribute.string(named(padding)),
  };
}

const maxPool = (attrs: PoolAttributes) => ({
  ...pool(attrs),
  explicit_paddings: attribute.integers([]),
});

function named({ type, top, bottom, left, right }: Padding): string {
  if (type !== 'EXPLICIT') return type;
  throw new Error(`pooling with a padding of ${[top, bottom, left, right]} has no TensorFlow op`);
}

/** Products, convolutions, pooling and what belongs to them. */
export const NETWORK: Lowerings = {
  matMul: (context, inputs, node) => {
    const T = typeOf(inputs[0]!);
    const [a, b] = [node.attrs.transposeA, node.attrs.transposeB].map(attribute.bool);
    const type = resultOf(node);
    // Of the two, only MatMul can be fused with a bias and a ReLU.
    return type.shape.length === 2
      ? [context.node('MatMul', inputs, { ...T, transpose_a: a!, transpose_b: b! }, type)]
      : [context.node('BatchMatMulV2', inputs, { ...T, adj_x: a!, adj_y: b! }, type)];
  },
  conv2d: one('Conv2D', convolution),
  conv2dBackpropInput: one('Conv2DBackpropInput', convolution, ['shape', 1, 0]),
  conv2dBackpropFilter: one('Conv2DBackpropFilter', convolution, [0, 'shape', 1]),
  maxPool: one('MaxPool', maxPool),
  maxPoolGrad: one('MaxPoolGrad', maxPool, [1, 2, 0]),
  avgPool: one('AvgPool', pool),
  avgPoolGrad: one('AvgPoolGrad', pool, ['shape', 0]),
  biasAdd: one('BiasAdd', () => NHWC),
  biasAddGrad: one('BiasAddGrad', () => NHWC),
};
