import type { GraphBuilder } from '../builder.js';
import { type Graph, type Node, sameShape, type Value } from '../graph.js';
import { rewrite } from './rewrite.js';

/**
 * Recognises what tfjs writes as several ops and engines have as one: the gradient of ReLU, adding a bias and its
 * gradient, sums of squares. Numbers stay the same to rounding; where a gradient is infinite or NaN in a place that
 * ReLU had closed, 0 takes its place.
 */
export function fusePatterns(graph: Graph): Graph {
  return rewrite(graph, (node, inputs, builder) => {
    const result = fused(node, inputs, builder);
    return result === undefined ? undefined : [result];
  });
}

function fused(node: Node, inputs: readonly Value[], builder: GraphBuilder): Value | undefined {
  const [a, b] = inputs;
  switch (node.op) {
    case 'multiply':
      return reluGradient(a!, b!, builder) ?? reluGradient(b!, a!, builder);
    case 'add':
      return biasAdd(a!, b!, builder) ?? biasAdd(b!, a!, builder);
    case 'sum':
      return sumOfSquares(node, a!, builder) ?? biasGradient(node, a!, builder);
    default:
      return undefined;
  }
}

function reluGradient(dy: Value, step: Value, builder: GraphBuilder): Value | undefined {
  const { node } = step;
  if (node.op !== 'step' || node.attrs.alpha !== 0 || !sameShape(dy.shape, step.shape)) {
    return undefined;
  }
  const x = node.inputs[0]!;
  // relu(x) > 0 where x > 0, and with it x itself need not be kept for the backward pass.
  const features = builder.find('relu', [x], {})?.outputs[0] ?? x;
  return builder.apply('reluGrad', dy, features);
}

function biasAdd(x: Value, bias: Value, builder: GraphBuilder): Value | undefined {
  const fits = bias.shape.length === 1 && x.shape.length > 1 && x.shape.at(-1) === bias.shape[0];
  return fits && x.dtype === 'float32' ? builder.apply('biasAdd', x, bias) : undefined;
}

function biasGradient(
  { attrs: { axes, keepDims } }: Node<'sum'>,
  x: Value,
  builder: GraphBuilder,
): Value | undefined {
  const allButLast = axes.length === x.shape.length - 1 && axes.every((axis, i) => axis === i);
  if (keepDims || axes.length === 0 || !allButLast || x.dtype !== 'float32') return undefined;
  return builder.apply('biasAddGrad', x);
}

function sumOfSquares(
  { attrs: { axes, keepDims } }: Node<'sum'>,
  { node, dtype }: Value,
  builder: GraphBuilder,
): Value | undefined {
  if (node.op !== 'square' || keepDims || dtype !== 'float32') return undefined;
  const x = node.inputs[0]!;
  if (axes.length < x.shape.length) return undefined;
  const half = builder.apply('l2Loss', x);
  return builder.apply('add', half, half);
}
