import { BINARY, COMPARISON, each, LOGICAL, UNARY } from '../../../trace/names.js';
import { type Lowering, type Lowerings, one, resultOf, typeOf } from './context.js';

/** Where tfjs hasn't taken TensorFlow's name. */
const RENAMED: Record<string, string> = { Add: 'AddV2', Multiply: 'Mul' };

const untyped =
  (name: string): Lowering =>
  (context, inputs, node) => [context.node(name, inputs, {}, resultOf(node))];

/** Arithmetic, comparisons, logic and conversions. */
export const ELEMENTWISE: Lowerings = {
  ...each({ ...UNARY, ...BINARY, ...COMPARISON }, ([name]) => one(RENAMED[name] ?? name)),
  ...each(LOGICAL, ([name]) => untyped(name)),
  isFinite: one('IsFinite'),
  isNaN: one('IsNan'),
  // TensorFlow's own cast to bool is `≠ 0` as well.
  cast: (context, [x], node) => [context.cast(x!, resultOf(node).dtype)],
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
  reluGrad: one('ReluGrad'),
  softmax: one('Softmax'),
  logSoftmax: one('LogSoftmax'),
  l2Loss: one('L2Loss'),
};
