import type { Graph, Node, Value } from '../../trace/graph.js';
import { CONTRACTION } from './contraction.js';
import { ELEMENTWISE } from './elementwise.js';
import { Emitter } from './emitter.js';
import { NORMALIZATION } from './normalization.js';
import { POOL } from './pool.js';
import { SHAPE } from './shape.js';
import type { Target } from './target.js';
import { elementType, type Ref, tensorType, typeOf } from './text.js';
import type { Lower, Lowerings } from './types.js';

/** Every op of the graph but `input`. */
export const LOWERINGS: Lowerings = {
  ...ELEMENTWISE,
  ...SHAPE,
  ...CONTRACTION,
  ...POOL,
  ...NORMALIZATION,
};

/**
 * A graph as one StableHLO function: its arguments are the graph's inputs in order, its results the outputs in order.
 *
 * @param visibility `private` for a function that `@main` calls.
 */
export function lowerFunction(
  graph: Graph,
  name: string,
  visibility: 'public' | 'private',
  target: Target,
): string {
  const e = new Emitter();
  const refs = new Map<Value, Ref>();
  const inputs = [...graph.inputs.values()].map((value, i) => {
    const ref = { id: `%arg${i}`, shape: value.shape, type: elementType(value.dtype) };
    refs.set(value, ref);
    return ref;
  });
  for (const node of graph.nodes) {
    if (node.op !== 'input') lowerNode(node, e, refs, target);
  }
  const outputs = [...graph.outputs.values()].map((value) => refOf(refs, value));
  const resultTypes = outputs.map(typeOf).join(', ');
  return [
    `func.func ${visibility} @${name}(${inputs.map((ref) => `${ref.id}: ${typeOf(ref)}`).join(', ')}) -> (${resultTypes}) {`,
    ...e.lines,
    `return ${outputs.map((ref) => ref.id).join(', ')} : ${resultTypes}`,
    '}',
  ].join('\n');
}

/** One function as a whole program. */
export function lowerModule(graph: Graph, target: Target): string {
  return `module @program {\n${lowerFunction(graph, 'main', 'public', target)}\n}\n`;
}

function lowerNode(node: Node, e: Emitter, refs: Map<Value, Ref>, target: Target): void {
  const lower = LOWERINGS[node.op] as Lower<Node['op']> | undefined;
  if (lower === undefined) throw new Error(`the xla engine cannot lower '${node.op}'`);
  const results = lower({
    e,
    inputs: node.inputs.map((value) => refOf(refs, value)),
    attrs: node.attrs as never,
    outputs: node.outputs.map(({ shape, dtype }) => ({ shape, type: elementType(dtype) })),
    target,
  });
  node.outputs.forEach((value, i) => {
    const result = results[i];
    const expected = tensorType(value.shape, elementType(value.dtype));
    if (result === undefined || typeOf(result) !== expected) {
      throw new Error(`'${node.op}' lowered to ${result && typeOf(result)}, not ${expected}`);
    }
    refs.set(value, result);
  });
}

function refOf(refs: Map<Value, Ref>, value: Value): Ref {
  const ref = refs.get(value);
  if (ref === undefined) throw new Error(`'${value.node.op}' is used before it is defined`);
  return ref;
}
