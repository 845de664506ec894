import type { Graph, Node, Value } from '../engines/trace/graph.js';
import { simplify } from '../engines/trace/passes/simplify.js';
import { traceEval, traceTrain } from '../engines/trace/trace.js';
import type { Program } from '../engines/types.js';
import { sizeOf } from '../shape.js';

/** Floating-point operations for one image, a product and a sum counting as two. */
export interface Arithmetic {
  evaluate: number;
  train: number;
}

/**
 * Counts the operations of a program's convolutions and dense layers, forward and (in training) backward. They are the
 * floor of a step; whatever else it does is bound by memory, and is left out.
 */
export function countArithmetic(program: Program): Arithmetic {
  return {
    evaluate: operations(simplify(traceEval(program))) / program.evalBatchSize,
    train: operations(simplify(traceTrain(program))) / program.batchSize,
  };
}

function operations({ nodes }: Graph): number {
  return nodes.reduce((sum, node) => sum + 2 * products(node), 0);
}

function products(node: Node): number {
  const [a, b] = node.inputs as [Value, Value];
  const out = node.outputs[0]!;
  switch (node.op) {
    case 'conv2d':
      return sizeOf(out.shape) * sizeOf(b.shape.slice(0, 3));
    case 'conv2dBackpropInput':
      // Each element of dy meets the filter once for every input channel.
      return sizeOf(a.shape) * sizeOf(b.shape.slice(0, 3));
    case 'conv2dBackpropFilter':
      return sizeOf(b.shape) * sizeOf(out.shape.slice(0, 3));
    case 'matMul':
      // A constant operand is no layer: local response normalization sums its windows in this way.
      if (a.node.op === 'constant' || b.node.op === 'constant') return 0;
      return sizeOf(out.shape) * a.shape.at(node.attrs.transposeA ? -2 : -1)!;
    default:
      return 0;
  }
}
