import { sizeOf } from '../../../shape.js';
import type { GraphBuilder } from '../builder.js';
import type { Graph, Node, Op, Value } from '../graph.js';
import { rewrite } from './rewrite.js';

/** Ops whose operands are rounded to bfloat16, whose products an engine sums in float32. */
const PRODUCTS: ReadonlySet<Op> = new Set<Op>([
  'matMul',
  'conv2d',
  'conv2dBackpropInput',
  'conv2dBackpropFilter',
]);

/** Ops that work in bfloat16 where their large operands are. */
const FOLLOWING: ReadonlySet<Op> = new Set<Op>([
  'add',
  'subtract',
  'multiply',
  'divide',
  'maximum',
  'minimum',
  'negate',
  'relu',
  'biasAdd',
  'biasAddGrad',
  'concat',
  'split',
  'reshape',
  'broadcast',
  'slice',
  'transpose',
  'maxPool',
]);

/** Which operand decides for those that need another's dtype. */
const DECIDING: Partial<Record<Op, number>> = {
  reluGrad: 0,
  maxPoolGrad: 1,
  gather: 0,
  fusedBatchNorm: 0,
  fusedBatchNormGrad: 1,
};

/** Operands of the deciding ops that follow the decision; the others stay float32. */
const FOLLOWERS: Partial<Record<Op, readonly number[]>> = {
  reluGrad: [0, 1],
  maxPoolGrad: [0, 1, 2],
  gather: [0],
  fusedBatchNorm: [0],
  fusedBatchNormGrad: [0, 1],
};

/**
 * Rounds activations and their gradients to bfloat16 and leaves in float32 what must not lose digits: master weights
 * and velocities, the loss, BatchNorm's scale and statistics, whitening's statistics, sums. A float32 operand smaller than the
 * bfloat16 one beside it (a bias, a scalar) follows it; of equals, float32 wins. All results are float32.
 */
export function lowerPrecision(graph: Graph): Graph {
  return rewrite(graph, lowerNode, (value, builder) => convert(value, 'float32', builder));
}

function lowerNode(node: Node, inputs: readonly Value[], builder: GraphBuilder): readonly Value[] {
  if (node.op === 'cast') return [castFrom(inputs[0]!, node, builder)];
  if (node.op === 'whiten') {
    return [builder.typed('whiten', inputs, {}, { shape: inputs[0]!.shape, dtype: 'bfloat16' })];
  }
  const operands = operandsOf(node.op, inputs, builder);
  if (operands[0]?.dtype !== 'bfloat16') return builder.copy(node, operands);
  // An op whose type has to be said is copied with it.
  const outputs = node.outputs.map((value) => ({ ...value, dtype: 'bfloat16' as const }));
  return builder.copy({ ...node, outputs }, operands);
}

function operandsOf(op: Op, inputs: readonly Value[], builder: GraphBuilder): readonly Value[] {
  const all = (dtype: 'float32' | 'bfloat16') => inputs.map((x) => convert(x, dtype, builder));
  if (PRODUCTS.has(op)) return all('bfloat16');
  if (FOLLOWING.has(op)) return all(common(inputs));
  const deciding = DECIDING[op];
  if (deciding === undefined) return all('float32');
  const { dtype } = inputs[deciding]!;
  return inputs.map((x, i) =>
    convert(x, FOLLOWERS[op]!.includes(i) && dtype === 'bfloat16' ? dtype : 'float32', builder),
  );
}

/** bfloat16 if every float32 operand is smaller than a bfloat16 one. */
function common(inputs: readonly Value[]): 'float32' | 'bfloat16' {
  const largest = (dtype: string) =>
    Math.max(-1, ...inputs.filter((x) => x.dtype === dtype).map((x) => sizeOf(x.shape)));
  return largest('bfloat16') > largest('float32') ? 'bfloat16' : 'float32';
}

/** Between the two floating types; others stay. Rounding back what was bfloat16 before is nothing. */
function convert(x: Value, dtype: 'float32' | 'bfloat16', builder: GraphBuilder): Value {
  if (x.dtype !== 'float32' && x.dtype !== 'bfloat16') return x;
  const { node } = x;
  if (node.op === 'cast' && node.inputs[0]!.dtype === dtype) return node.inputs[0]!;
  return builder.cast(x, dtype);
}

/** A cast of the program's own: to float32 from what is bfloat16 now is nothing. */
function castFrom(x: Value, { outputs }: Node<'cast'>, builder: GraphBuilder): Value {
  const { dtype } = outputs[0]!;
  return dtype === 'float32' && x.dtype === 'bfloat16' ? x : builder.cast(x, dtype);
}
