import { type Graph, type Node, typeName, type Value } from './graph.js';

/** The graph as text, one node a line: `%7 = conv2d(%1, %4) {…} : float32[8,28,28,96]`. For debugging and snapshots. */
export function printGraph(graph: Graph): string {
  const nodes = graph.nodes.map(printNode);
  const outputs = [...graph.outputs].map(([name, value]) => `return ${name} = ${reference(value)}`);
  return [...nodes, ...outputs].join('\n');
}

function printNode(node: Node): string {
  const operands = node.inputs.map(reference).join(', ');
  const types = node.outputs.map(typeName).join(', ');
  return `%${node.id} = ${node.op}(${operands})${printAttributes(node.attrs)} : ${types}`;
}

function reference({ node, index }: Value): string {
  return node.outputs.length > 1 ? `%${node.id}#${index}` : `%${node.id}`;
}

function printAttributes(attrs: object): string {
  if (Object.keys(attrs).length === 0) return '';
  return ` ${JSON.stringify(attrs, (_, value) => (ArrayBuffer.isView(value) ? `${value.byteLength} bytes` : value))}`;
}
