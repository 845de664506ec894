import type { BinaryOp, ComparisonOp, LogicalOp, Op, UnaryOp } from '../../../trace/graph.js';
import { type Lowering, type Lowerings, resultOf, typeOf } from './context.js';

const SAME_TYPE: Record<UnaryOp | BinaryOp | ComparisonOp, string> = {
  abs: 'Abs',
  exp: 'Exp',
  log: 'Log',
  log1p: 'Log1p',
  negate: 'Neg',
  reciprocal: 'Reciprocal',
  relu: 'Relu',
  rsqrt: 'Rsqrt',
  sigmoid: 'Sigmoid',
  softplus: 'Softplus',
  sqrt: 'Sqrt',
  square: 'Square',
  tanh: 'Tanh',
  add: 'AddV2',
  subtract: 'Sub',
  multiply: 'Mul',
  divide: 'RealDiv',
  maximum: 'Maximum',
  minimum: 'Minimum',
  power: 'Pow',
  squaredDifference: 'SquaredDifference',
  equal: 'Equal',
  notEqual: 'NotEqual',
  greater: 'Greater',
  greaterEqual: 'GreaterEqual',
  less: 'Less',
  lessEqual: 'LessEqual',
};

const UNTYPED: Record<LogicalOp, string> = {
  logicalAnd: 'LogicalAnd',
  logicalOr: 'LogicalOr',
  logicalNot: 'LogicalNot',
};

/** One TensorFlow op of another name, with T, the operands' dtype. */
const typed =
  (name: string): Lowering =>
  (context, inputs, node) => [context.node(name, inputs, typeOf(inputs[0]!), resultOf(node))];

const untyped =
  (name: string): Lowering =>
  (context, inputs, node) => [context.node(name, inputs, {}, resultOf(node))];

const each = <K extends Op>(names: Record<K, string>, lowering: (name: string) => Lowering) =>
  Object.fromEntries(
    Object.entries<string>(names).map(([op, name]) => [op, lowering(name)]),
  ) as Record<K, Lowering>;

/** Arithmetic, comparisons, logic and conversions. */
export const ELEMENTWISE: Lowerings = {
  ...each(SAME_TYPE, typed),
  ...each(UNTYPED, untyped),
  isFinite: typed('IsFinite'),
  isNaN: typed('IsNan'),
  cast: (context, [x], node) => {
    const { dtype } = resultOf(node);
    // TensorFlow's own cast to bool is `≠ 0` as well.
    return [context.cast(x!, dtype)];
  },
  select: (context, inputs, node) => [
    context.node('SelectV2', inputs, typeOf(inputs[1]!), resultOf(node)),
  ],
  step: (context, [x], node) => {
    const type = resultOf(node);
    const one = context.splat(1, type);
    const alpha = context.splat(node.attrs.alpha, type);
    const bool = { shape: type.shape, dtype: 'bool' } as const;
    const zero = context.scalar(0, type.dtype);
    const positive = context.node('Greater', [x!, zero], typeOf(x!), bool);
    const step = context.node('SelectV2', [positive, one, alpha], typeOf(type), type);
    const nan = context.node('IsNan', [x!], typeOf(x!), bool);
    return [context.node('SelectV2', [nan, x!, step], typeOf(type), type)];
  },
  reluGrad: (context, inputs, node) => [
    context.node('ReluGrad', inputs, typeOf(inputs[0]!), resultOf(node)),
  ],
  softmax: typed('Softmax'),
  logSoftmax: typed('LogSoftmax'),
  l2Loss: typed('L2Loss'),
};
