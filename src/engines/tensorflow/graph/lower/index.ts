import type { Graph, Node, Value } from '../../../trace/graph.js';
import type { LowerContext, Lowering, Ref } from './context.js';
import { ELEMENTWISE } from './elementwise.js';
import { NETWORK } from './network.js';
import { NORMALIZATION } from './normalization.js';
import { SHAPE } from './shape.js';

/** How every op but `input` becomes TensorFlow nodes. */
export const LOWERINGS = { ...ELEMENTWISE, ...SHAPE, ...NETWORK, ...NORMALIZATION };

/**
 * Adds a graph's nodes.
 *
 * @param inputs what stands for each named input
 * @param skip nodes that the caller takes care of: nothing may need their results
 * @returns what each value became
 */
export function lowerGraph(
  context: LowerContext,
  graph: Graph,
  inputs: ReadonlyMap<string, Ref>,
  skip: ReadonlySet<Node> = new Set(),
): (value: Value) => Ref {
  const refs = new Map<Value, Ref>();
  const refOf = (value: Value): Ref => {
    const ref = refs.get(value);
    if (ref === undefined) throw new Error(`a result of ${value.node.op} is not computed`);
    return ref;
  };
  for (const [name, value] of graph.inputs) refs.set(value, inputs.get(name)!);
  for (const node of graph.nodes) {
    if (node.op === 'input' || skip.has(node)) continue;
    const lowering = LOWERINGS[node.op] as Lowering | undefined;
    if (lowering === undefined) throw new Error(`${node.op} has no TensorFlow lowering`);
    const results = lowering(context, node.inputs.map(refOf), node);
    for (const [i, value] of node.outputs.entries()) refs.set(value, results[i]!);
  }
  return refOf;
}
