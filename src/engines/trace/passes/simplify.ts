import { sizeOf } from '../../../shape.js';
import type { GraphBuilder } from '../builder.js';
import { type Graph, type Node, type Op, sameShape, type Value } from '../graph.js';
import { broadcastShapes } from '../types/rule.js';
import { rewrite } from './rewrite.js';

type Rules = {
  [K in Op]?: (inputs: readonly Value[], builder: GraphBuilder, node: Node<K>) => Value | undefined;
};

/**
 * Removes what computes nothing (casts and back, products with one, sums with zero, constants that a step computes
 * from constants) and moves scalars in front of broadcasts. Results keep their bits but for the sign of a zero.
 */
export function simplify(graph: Graph): Graph {
  let [before, after] = [graph, rewrite(graph, simplifyNode)];
  // What a rule makes may be what another one waits for; a graph that shrinks no more is done.
  while (after.nodes.length < before.nodes.length) {
    before = after;
    after = rewrite(after, simplifyNode);
  }
  return after;
}

const simplifyNode = (node: Node, inputs: readonly Value[], builder: GraphBuilder) => {
  const rule = RULES[node.op] as
    | ((inputs: readonly Value[], builder: GraphBuilder, node: Node) => Value | undefined)
    | undefined;
  const result = rule?.(inputs, builder, node);
  return result === undefined ? undefined : [result];
};

/** The value of a splat, else `undefined`. */
function splatOf({ node }: Value): number | undefined {
  return node.op === 'splat' ? node.attrs.value : undefined;
}

/** A binary op on splats is a splat, computed in single precision as an engine would. */
function fold(f: (a: number, b: number) => number) {
  return (inputs: readonly Value[], builder: GraphBuilder): Value | undefined => {
    const [a, b] = [inputs[0]!, inputs[1]!];
    const [x, y] = [splatOf(a), splatOf(b)];
    if (x === undefined || y === undefined || a.dtype !== 'float32') return undefined;
    const shape = broadcastShapes(a.shape, b.shape);
    return builder.splat(Math.fround(f(x, y)), { shape, dtype: a.dtype });
  };
}

/** `x ∘ identity` is x, as far as its shape is the result's. */
function withoutIdentity(identity: number, x: Value, other: Value, builder: GraphBuilder) {
  if (splatOf(other) !== identity) return undefined;
  return builder.broadcast(x, broadcastShapes(x.shape, other.shape));
}

/** `broadcast(x) ∘ scalar` is cheaper as `broadcast(x ∘ scalar)`. */
function scalarFirst(op: 'multiply' | 'divide', a: Value, b: Value, builder: GraphBuilder) {
  if (a.node.op !== 'broadcast' || splatOf(b) === undefined || b.shape.length > 0) return undefined;
  return builder.broadcast(builder.apply(op, a.node.inputs[0]!, b), a.shape);
}

const foldAdd = fold((a, b) => a + b);
const foldSubtract = fold((a, b) => a - b);
const foldMultiply = fold((a, b) => a * b);
const foldDivide = fold((a, b) => a / b);

/** Integers that float32 holds exactly, and bools: converting through them loses nothing. */
const EXACT: Record<string, readonly string[]> = {
  uint8: ['int32', 'float32'],
  bool: ['uint8', 'int32', 'float32'],
};

const RULES: Rules = {
  cast: ([x], builder, node) => {
    const { dtype } = node.outputs[0]!;
    const inner = x!.node;
    if (inner.op === 'cast' && EXACT[inner.inputs[0]!.dtype]?.includes(x!.dtype)) {
      return builder.cast(inner.inputs[0]!, dtype);
    }
    const value = splatOf(x!);
    if (value === undefined || dtype !== 'float32') return builder.cast(x!, dtype);
    return builder.splat(value, { shape: x!.shape, dtype });
  },
  reshape: ([x], builder, node) => {
    const { shape } = node.outputs[0]!;
    const value = splatOf(x!);
    if (value !== undefined) return builder.splat(value, { shape, dtype: x!.dtype });
    return builder.reshape(x!.node.op === 'reshape' ? x!.node.inputs[0]! : x!, shape);
  },
  broadcast: ([x], builder, node) => {
    const { shape } = node.outputs[0]!;
    const value = splatOf(x!);
    if (value !== undefined) return builder.splat(value, { shape, dtype: x!.dtype });
    return builder.broadcast(x!.node.op === 'broadcast' ? x!.node.inputs[0]! : x!, shape);
  },
  add: ([a, b], builder) =>
    foldAdd([a!, b!], builder) ??
    withoutIdentity(0, a!, b!, builder) ??
    withoutIdentity(0, b!, a!, builder),
  subtract: ([a, b], builder) =>
    foldSubtract([a!, b!], builder) ?? withoutIdentity(0, a!, b!, builder),
  multiply: ([a, b], builder) =>
    foldMultiply([a!, b!], builder) ??
    withoutIdentity(1, a!, b!, builder) ??
    withoutIdentity(1, b!, a!, builder) ??
    scalarFirst('multiply', a!, b!, builder) ??
    scalarFirst('multiply', b!, a!, builder),
  divide: ([a, b], builder) =>
    foldDivide([a!, b!], builder) ??
    withoutIdentity(1, a!, b!, builder) ??
    scalarFirst('divide', a!, b!, builder),
  whiten: ([x], builder) => {
    // As numbers bytes are the same, whatever their type.
    const inner = x!.node;
    const bytes = inner.op === 'cast' && inner.inputs[0]!.dtype === 'uint8' ? inner.inputs[0]! : x!;
    return builder.typed('whiten', [bytes], {}, { shape: x!.shape, dtype: 'float32' });
  },
  transpose: ([x], _, { attrs }) =>
    attrs.permutation.every((axis, i) => axis === i) ? x : undefined,
  slice: ([x], _, { outputs }) => (sameShape(x!.shape, outputs[0]!.shape) ? x : undefined),
  concat: (inputs) => (inputs.length === 1 ? inputs[0] : undefined),
  split: ([x], _, { attrs }) => (attrs.sizes.length === 1 ? x : undefined),
  pad: ([x], _, { outputs }) => (sizeOf(x!.shape) === sizeOf(outputs[0]!.shape) ? x : undefined),
};
