import type { Graph, Node, Value } from '../../../trace/graph.js';
import type { LowerContext, Lowering, Ref } from './context.js';
import { ELEMENTWISE } from './elementwise.js';
import { NETWORK } from './network.js';
import { NORMALIZATION } from './normalization.js';
import { SHAPE } from './shape.js';

/** How every op but `input` becomes TensorFlow nodes. */
export const LOWERINGS = { ...ELEMENTWISE, ...SHAPE, ...NETWORK, ...NORMALIZATION };

/** A lowering of one node in one place. It may ask for the nodes before it. */
export type SpecialLowering = (refOf: (value: Value) => Ref) => readonly Ref[];

/**
 * Adds a graph's nodes.
 *
 * @param inputs what stands for each named input
 * @param special nodes that become something else here; one without results leaves it to the caller
 * @returns what each value became
 */
export function lowerGraph(
  context: LowerContext,
  graph: Graph,
  inputs: ReadonlyMap<string, Ref>,
  special: ReadonlyMap<Node, SpecialLowering> = new Map(),
): (value: Value) => Ref {
  const refs = new Map<Value, Ref>();
  const refOf = (value: Value): Ref => {
    const ref = refs.get(value);
    if (ref === undefined) throw new Error(`a result of ${value.node.op} is not computed`);
    return ref;
  };
  for (const [name, value] of graph.inputs) refs.set(value, inputs.get(name)!);
  for (const node of graph.nodes) {
    if (node.op === 'input') continue;
    const results = special.get(node)?.(refOf) ?? lowerNode(context, node, refOf);
    for (const [i, ref] of results.entries()) refs.set(node.outputs[i]!, ref);
  }
  return refOf;
}

function lowerNode(context: LowerContext, node: Node, refOf: (value: Value) => Ref) {
  const lowering = LOWERINGS[node.op as keyof typeof LOWERINGS] as Lowering | undefined;
  if (lowering === undefined) throw new Error(`${node.op} has no TensorFlow lowering`);
  return lowering(context, node.inputs.map(refOf), node);
}
