import { GraphBuilder } from '../builder.js';
import type { Graph, Node, Value } from '../graph.js';

/**
 * What to put in place of a node whose operands have been rewritten already; `undefined` keeps the node. A rule may
 * change dtypes, but not shapes.
 */
export type RewriteRule = (
  node: Node,
  inputs: readonly Value[],
  builder: GraphBuilder,
) => readonly Value[] | undefined;

/**
 * Builds the graph anew with `rule` applied to every node; what nothing needs any more is gone.
 *
 * @param finish applied to every named output
 */
export function rewrite(
  graph: Graph,
  rule: RewriteRule,
  finish: (value: Value, builder: GraphBuilder) => Value = (value) => value,
): Graph {
  const builder = new GraphBuilder();
  const renamed = new Map<Value, Value>();
  const replaced = (value: Value): Value => renamed.get(value)!;
  for (const [name, value] of graph.inputs) renamed.set(value, builder.input(name, value));
  for (const node of graph.nodes) {
    if (node.op === 'input') continue;
    const inputs = node.inputs.map(replaced);
    const outputs = rule(node, inputs, builder) ?? builder.copy(node, inputs);
    for (const [i, value] of node.outputs.entries()) renamed.set(value, outputs[i]!);
  }
  const outputs = [...graph.outputs].map(([name, value]): [string, Value] => [
    name,
    finish(replaced(value), builder),
  ]);
  return builder.build(new Map(outputs));
}
