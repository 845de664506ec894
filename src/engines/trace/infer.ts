import {
  BINARY_OPS,
  COMPARISON_OPS,
  type ConvolutionAttributes,
  type DType,
  LOGICAL_OPS,
  type Op,
  type OpAttributes,
  type PoolAttributes,
  REDUCE_OPS,
  type ReduceAttributes,
  sameShape,
  sizeOf,
  typeName,
  UNARY_OPS,
  type ValueType,
} from './graph.js';

type Rule<K extends Op> = (inputs: readonly ValueType[], attrs: OpAttributes[K]) => ValueType[];

/** Ops whose result's type does not follow from operands and attributes: whoever adds the node says it. */
export const FREELY_TYPED: ReadonlySet<Op> = new Set<Op>([
  'input',
  'constant',
  'splat',
  'cast',
  'reshape',
  'broadcast',
  'slice',
  'conv2dBackpropInput',
  'conv2dBackpropFilter',
  'avgPoolGrad',
]);

/**
 * Types of a node's results, from its operands' types and its attributes. Throws an `Error` (a bug of ours, or a
 * program that tfjs itself should have refused) where they don't fit.
 */
export function inferTypes<K extends Op>(
  op: K,
  inputs: readonly ValueType[],
  attrs: OpAttributes[K],
): ValueType[] {
  const rule = RULES[op] as Rule<K> | undefined;
  if (rule === undefined) throw new Error(`the type of ${op} must be given`);
  try {
    return rule(inputs, attrs);
  } catch (cause) {
    const operands = inputs.map(typeName).join(', ');
    throw new Error(`${op}(${operands}): ${(cause as Error).message}`, { cause });
  }
}

/** NumPy broadcasting of two shapes. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes [${a}] and [${b}] do not fit`);
    return x === 1 ? y : x;
  });
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

function operand(inputs: readonly ValueType[], i: number): ValueType {
  const value = inputs[i];
  check(value !== undefined, `operand ${i} is missing`);
  return value;
}

const first: Rule<Op> = (inputs) => [plain(operand(inputs, 0))];

/** A value is a node's, too: only its type must go on. */
const plain = ({ shape, dtype }: ValueType): ValueType => ({ shape, dtype });

function sameDType(inputs: readonly ValueType[]): DType {
  const { dtype } = operand(inputs, 0);
  check(
    inputs.every((input) => input.dtype === dtype),
    'operands differ in dtype',
  );
  return dtype;
}

const isFloat = (dtype: DType) => dtype === 'float32' || dtype === 'bfloat16';

function broadcastPair(inputs: readonly ValueType[]): number[] {
  return broadcastShapes(operand(inputs, 0).shape, operand(inputs, 1).shape);
}

const bool = (shape: readonly number[]): ValueType => ({ shape, dtype: 'bool' });

const reduce: Rule<'sum'> = (inputs, { axes, keepDims }: ReduceAttributes) => {
  const { shape, dtype } = operand(inputs, 0);
  check(
    axes.every((axis, i) => axis >= 0 && axis < shape.length && axis > (axes[i - 1] ?? -1)),
    `axes [${axes}]`,
  );
  const kept = keepDims
    ? shape.map((d, i) => (axes.includes(i) ? 1 : d))
    : shape.filter((_, i) => !axes.includes(i));
  return [{ shape: kept, dtype }];
};

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

const concat: Rule<'concat'> = (inputs, { axis }) => {
  const dtype = sameDType(inputs);
  const shape = [...operand(inputs, 0).shape];
  shape[axis] = inputs.reduce((sum, input) => sum + input.shape[axis]!, 0);
  const fits = inputs.every(
    (x) => x.shape.length === shape.length && x.shape.every((d, i) => i === axis || d === shape[i]),
  );
  check(fits, `axis ${axis}`);
  return [{ shape, dtype }];
};

const split: Rule<'split'> = (inputs, { axis, sizes }) => {
  const { shape, dtype } = operand(inputs, 0);
  check(sizes.reduce((a, b) => a + b, 0) === shape[axis], `sizes [${sizes}]`);
  return sizes.map((size) => ({ shape: shape.map((d, i) => (i === axis ? size : d)), dtype }));
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

const each = <K extends Op>(ops: readonly K[], rule: Rule<Op>) =>
  Object.fromEntries(ops.map((op) => [op, rule])) as Record<K, Rule<Op>>;

const RULES: { [K in Op]?: Rule<K> } = {
  ...each(UNARY_OPS, first),
  ...each(BINARY_OPS, (inputs) => [{ shape: broadcastPair(inputs), dtype: sameDType(inputs) }]),
  ...each(COMPARISON_OPS, (inputs) => {
    sameDType(inputs);
    return [bool(broadcastPair(inputs))];
  }),
  ...each(LOGICAL_OPS, (inputs) => {
    check(sameDType(inputs) === 'bool', 'bools are needed');
    return [bool(inputs.length === 1 ? operand(inputs, 0).shape : broadcastPair(inputs))];
  }),
  ...each(REDUCE_OPS, reduce as Rule<Op>),
  isFinite: (inputs) => [bool(operand(inputs, 0).shape)],
  isNaN: (inputs) => [bool(operand(inputs, 0).shape)],
  step: first,
  select: (inputs) => {
    check(operand(inputs, 0).dtype === 'bool', 'the condition is a bool');
    const shape = broadcastShapes(operand(inputs, 0).shape, broadcastPair(inputs.slice(1)));
    return [{ shape, dtype: sameDType(inputs.slice(1)) }];
  },
  transpose: (inputs, { permutation }) => {
    const { shape, dtype } = operand(inputs, 0);
    const seen = new Set(permutation);
    check(seen.size === shape.length && permutation.length === shape.length, `[${permutation}]`);
    return [{ shape: permutation.map((i) => shape[i]!), dtype }];
  },
  concat,
  split,
  pad: (inputs, { paddings }) => {
    const { shape, dtype } = operand(inputs, 0);
    check(paddings.length === shape.length, 'paddings');
    return [{ shape: shape.map((d, i) => d + paddings[i]![0] + paddings[i]![1]), dtype }];
  },
  oneHot: (inputs, { depth }) => {
    check(operand(inputs, 0).dtype === 'int32', 'indices are int32');
    return [{ shape: [...operand(inputs, 0).shape, depth], dtype: 'float32' }];
  },
  argMax: (inputs, { axis }) => [
    { shape: operand(inputs, 0).shape.filter((_, i) => i !== axis), dtype: 'int32' },
  ],
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
    check(isFloat(operand(inputs, 0).dtype), 'a floating type is needed');
    return [{ shape: [], dtype: operand(inputs, 0).dtype }];
  },
  fusedBatchNorm,
  fusedBatchNormGrad,
  sparseSoftmaxCrossEntropy: crossEntropy,
  applyMomentum,
};
