import { messageOf } from '../../../errors.js';
import { type Graph, type Node, typeName, type Value } from '../../trace/graph.js';
import { lowerModule } from '../lower/function.js';
import type { Target } from '../lower/target.js';
import { firstLine } from '../pjrt/errors.js';
import { isKnown } from '../pjrt/probe.js';

/** An operation that a plugin doesn't compile. */
export interface RefusedOperation {
  /** As the graph calls it, with the types of its operands. */
  op: string;
  why: string;
}

/**
 * Compiles each kind of operation of a graph alone: where a plugin refuses a program, the reason lies in some of them, or
 * nowhere that can be named. None are named where all are refused: then the plugin lacks something else.
 *
 * @param compile StableHLO text; throws where it is refused
 */
export async function refusedOperations(
  graph: Graph,
  target: Target,
  compile: (text: string) => Promise<unknown>,
): Promise<RefusedOperation[]> {
  const kinds = new Map<string, Node>();
  for (const node of graph.nodes) {
    const types = node.inputs.map(({ dtype }) => dtype).join(', ');
    const kind = `${node.op}(${types})`;
    if (node.op !== 'input' && !kinds.has(kind)) kinds.set(kind, node);
  }
  const refused: RefusedOperation[] = [];
  for (const node of kinds.values()) {
    try {
      await compile(lowerModule(alone(node), target));
    } catch (error) {
      // Something is missing that some operations take, as libdevice: the operation itself isn't refused.
      if (isKnown(error)) continue;
      const message = messageOf((error as Error).cause ?? error);
      const op = `${node.op} of ${node.inputs.map(typeName).join(', ')}`;
      refused.push({ op, why: firstLine(message) });
    }
  }
  return refused.length === kinds.size ? [] : refused;
}

/** A graph of one node: what it reads comes from outside, and what it makes is given back. */
function alone(node: Node): Graph {
  const read = [...new Set(node.inputs)];
  const named = (values: readonly Value[]) =>
    new Map(values.map((value, i): [string, Value] => [String(i), value]));
  return { nodes: [node], inputs: named(read), outputs: named(node.outputs) };
}
