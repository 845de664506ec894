import type { ConvolutionAttributes, Padding, PoolAttributes } from '../../../trace/graph.js';
import { type Attribute, attribute } from '../graph-def.js';
import { type Lowerings, resultOf, typeOf } from './context.js';

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
  conv2d: (context, inputs, node) => {
    const attributes = { ...typeOf(inputs[0]!), ...convolution(node.attrs) };
    return [context.node('Conv2D', inputs, attributes, resultOf(node))];
  },
  conv2dBackpropInput: (context, [dy, filter], node) => {
    const type = resultOf(node);
    const operands = [context.integers(type.shape), filter!, dy!];
    const attributes = { ...typeOf(dy!), ...convolution(node.attrs) };
    return [context.node('Conv2DBackpropInput', operands, attributes, type)];
  },
  conv2dBackpropFilter: (context, [x, dy], node) => {
    const type = resultOf(node);
    const operands = [x!, context.integers(type.shape), dy!];
    const attributes = { ...typeOf(dy!), ...convolution(node.attrs) };
    return [context.node('Conv2DBackpropFilter', operands, attributes, type)];
  },
  maxPool: (context, [x], node) => {
    const attributes = {
      ...typeOf(x!),
      ...pool(node.attrs),
      explicit_paddings: attribute.integers([]),
    };
    return [context.node('MaxPool', [x!], attributes, resultOf(node))];
  },
  maxPoolGrad: (context, [dy, x, y], node) => {
    const attributes = {
      ...typeOf(x!),
      ...pool(node.attrs),
      explicit_paddings: attribute.integers([]),
    };
    return [context.node('MaxPoolGrad', [x!, y!, dy!], attributes, resultOf(node))];
  },
  avgPool: (context, [x], node) => [
    context.node('AvgPool', [x!], { ...typeOf(x!), ...pool(node.attrs) }, resultOf(node)),
  ],
  avgPoolGrad: (context, [dy], node) => {
    const type = resultOf(node);
    const operands = [context.integers(type.shape), dy!];
    const attributes = { ...typeOf(dy!), ...pool(node.attrs) };
    return [context.node('AvgPoolGrad', operands, attributes, type)];
  },
  biasAdd: (context, inputs, node) => [
    context.node('BiasAdd', inputs, { ...typeOf(inputs[0]!), ...NHWC }, resultOf(node)),
  ],
  biasAddGrad: (context, inputs, node) => [
    context.node('BiasAddGrad', inputs, { ...typeOf(inputs[0]!), ...NHWC }, resultOf(node)),
  ],
};
