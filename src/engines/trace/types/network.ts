import { sizeOf } from '../../../shape.js';
import {
  type ConvolutionAttributes,
  type Op,
  type PoolAttributes,
  sameShape,
  type ValueType,
} from '../graph.js';
import { check, first, operand, plain, type Rule, sameDType } from './rule.js';

/** Size of a window's output along one axis. */
function windowed(
  size: number,
  window: number,
  stride: number,
  before: number,
  after: number,
  dilation = 1,
): number {
  const extent = (window - 1) * dilation + 1;
  return Math.floor((size + before + after - extent) / stride) + 1;
}

function rank4(shape: readonly number[]): [number, number, number, number] {
  check(shape.length === 4, 'rank 4 is needed');
  return shape as [number, number, number, number];
}

const convolution: Rule<'conv2d'> = (inputs, attrs: ConvolutionAttributes) => {
  const dtype = sameDType(inputs);
  const [batch, height, width, channels] = rank4(operand(inputs, 0).shape);
  const [filterHeight, filterWidth, filterInputs, outputs] = rank4(operand(inputs, 1).shape);
  check(channels === filterInputs, 'channels differ');
  const { padding: p, strides, dilations } = attrs;
  const h = windowed(height, filterHeight, strides[0], p.top, p.bottom, dilations[0]);
  const w = windowed(width, filterWidth, strides[1], p.left, p.right, dilations[1]);
  return [{ shape: [batch, h, w, outputs], dtype }];
};

function pool(
  inputs: readonly ValueType[],
  { size, strides, padding: p }: PoolAttributes,
): ValueType[] {
  const [batch, height, width, channels] = rank4(operand(inputs, 0).shape);
  const h = windowed(height, size[0], strides[0], p.top, p.bottom);
  const w = windowed(width, size[1], strides[1], p.left, p.right);
  return [{ shape: [batch, h, w, channels], dtype: operand(inputs, 0).dtype }];
}

const maxPoolGrad: Rule<'maxPoolGrad'> = (inputs, attrs) => {
  const x = operand(inputs, 1);
  const [y] = pool([x], attrs);
  check(sameShape(y!.shape, operand(inputs, 0).shape), 'dy does not fit');
  sameDType(inputs);
  return [plain(x)];
};

const matMul: Rule<'matMul'> = (inputs, { transposeA, transposeB }) => {
  const dtype = sameDType(inputs);
  const a = operand(inputs, 0).shape;
  const b = operand(inputs, 1).shape;
  check(a.length >= 2 && a.length === b.length, 'ranks do not fit');
  const batch = a.slice(0, -2);
  check(sameShape(batch, b.slice(0, -2)), 'batch axes differ');
  const [m, k] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [l, n] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  check(k === l, 'inner axes differ');
  return [{ shape: [...batch, m, n], dtype }];
};

const perChannel: ValueType['dtype'] = 'float32';

const fusedBatchNorm: Rule<'fusedBatchNorm'> = (inputs) => {
  const x = operand(inputs, 0);
  const channels = rank4(x.shape)[3];
  check(
    inputs.slice(1).every((v) => sameShape(v.shape, [channels]) && v.dtype === perChannel),
    'scale and offset are float32, one for each channel',
  );
  const row: ValueType = { shape: [channels], dtype: perChannel };
  return [plain(x), row, row, row, row, { shape: [0], dtype: perChannel }];
};

const fusedBatchNormGrad: Rule<'fusedBatchNormGrad'> = (inputs) => {
  const x = operand(inputs, 1);
  check(sameShape(operand(inputs, 0).shape, x.shape) && inputs.length === 6, 'dy does not fit');
  sameDType(inputs.slice(0, 2));
  const row: ValueType = { shape: [rank4(x.shape)[3]], dtype: perChannel };
  return [plain(x), row, row];
};

const crossEntropy: Rule<'sparseSoftmaxCrossEntropy'> = (inputs) => {
  const logits = operand(inputs, 0);
  const labels = operand(inputs, 1);
  check(logits.shape.length === 2 && labels.dtype === 'int32', 'logits [b, c] and int32 labels');
  check(sameShape(labels.shape, logits.shape.slice(0, 1)), 'labels do not fit');
  return [{ shape: labels.shape, dtype: logits.dtype }, plain(logits)];
};

const applyMomentum: Rule<'applyMomentum'> = (inputs) => {
  const [p, v, g, rate] = [0, 1, 2, 3].map((i) => operand(inputs, i)) as [
    ValueType,
    ValueType,
    ValueType,
    ValueType,
  ];
  check(sameShape(p.shape, v.shape) && sameShape(p.shape, g.shape), 'shapes differ');
  check(rate.shape.length === 0, 'the learning rate is a scalar');
  sameDType(inputs);
  return [plain(p), plain(v)];
};

/** Types of products, convolutions, pools and what belongs to them. */
export const NETWORK_TYPES: { [K in Op]?: Rule<K> } = {
  matMul,
  conv2d: convolution,
  maxPool: pool,
  maxPoolGrad,
  avgPool: pool,
  lrn: first,
  lrnGrad: first,
  softmax: first,
  logSoftmax: first,
  reluGrad: (inputs) => {
    check(sameShape(operand(inputs, 0).shape, operand(inputs, 1).shape), 'shapes differ');
    return [{ shape: operand(inputs, 0).shape, dtype: sameDType(inputs) }];
  },
  biasAdd: (inputs) => {
    check(operand(inputs, 0).shape.at(-1) === sizeOf(operand(inputs, 1).shape), 'channels differ');
    return [{ shape: operand(inputs, 0).shape, dtype: sameDType(inputs) }];
  },
  biasAddGrad: (inputs) => {
    const { shape, dtype } = operand(inputs, 0);
    return [{ shape: shape.slice(-1), dtype }];
  },
  l2Loss: (inputs) => {
    check(['float32', 'bfloat16'].includes(operand(inputs, 0).dtype), 'a floating type is needed');
    return [{ shape: [], dtype: operand(inputs, 0).dtype }];
  },
  fusedBatchNorm,
  fusedBatchNormGrad,
  sparseSoftmaxCrossEntropy: crossEntropy,
  applyMomentum,
};
