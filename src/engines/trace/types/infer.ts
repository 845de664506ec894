import { type Op, type OpAttributes, sameShape, typeName, type ValueType } from '../graph.js';
import { BINARY, COMPARISON, each, LOGICAL, REDUCE, UNARY } from '../names.js';
import { NETWORK_TYPES } from './network.js';
import { broadcastShapes, check, first, operand, type Rule, sameDType } from './rule.js';

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
  'whiten',
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

function broadcastPair(inputs: readonly ValueType[]): number[] {
  return broadcastShapes(operand(inputs, 0).shape, operand(inputs, 1).shape);
}

const bool = (shape: readonly number[]): ValueType => ({ shape, dtype: 'bool' });

const binary: Rule<Op> = (inputs) => [{ shape: broadcastPair(inputs), dtype: sameDType(inputs) }];

const comparison: Rule<Op> = (inputs) => {
  sameDType(inputs);
  return [bool(broadcastPair(inputs))];
};

const logical: Rule<Op> = (inputs) => {
  check(sameDType(inputs) === 'bool', 'bools are needed');
  return [bool(inputs.length === 1 ? operand(inputs, 0).shape : broadcastPair(inputs))];
};

const reduce: Rule<keyof typeof REDUCE> = (inputs, { axes, keepDims }) => {
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

function checkIndices({ shape, dtype }: ValueType): void {
  check(dtype === 'int32' && shape.length === 1, 'indices are int32 [b]');
}

const RULES: { [K in Op]?: Rule<K> } = {
  ...NETWORK_TYPES,
  ...each(UNARY, () => first),
  ...each(BINARY, () => binary),
  ...each(COMPARISON, () => comparison),
  ...each(LOGICAL, () => logical),
  ...each(REDUCE, () => reduce),
  isFinite: (inputs) => [bool(operand(inputs, 0).shape)],
  isNaN: (inputs) => [bool(operand(inputs, 0).shape)],
  allFinite: () => [bool([])],
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
  gather: (inputs) => {
    const [x, indices] = [operand(inputs, 0), operand(inputs, 1)];
    checkIndices(indices);
    return [{ shape: [...indices.shape, ...x.shape.slice(1)], dtype: x.dtype }];
  },
  replaceRows: (inputs) => {
    const [x, indices, rows] = [operand(inputs, 0), operand(inputs, 1), operand(inputs, 2)];
    checkIndices(indices);
    check(sameShape(rows.shape, [...indices.shape, ...x.shape.slice(1)]), 'rows do not fit');
    return [{ shape: x.shape, dtype: sameDType([x, rows]) }];
  },
  argMax: (inputs, { axis }) => [
    { shape: operand(inputs, 0).shape.filter((_, i) => i !== axis), dtype: 'int32' },
  ],
};
