import type { Graph } from '../graph.js';
import { fusePatterns } from './fuse.js';
import { lowerPrecision } from './precision.js';
import { simplify } from './simplify.js';

/** All clean-up of a traced graph, and its precision: what a lowering starts from. */
export function optimize(graph: Graph, precision: 'float32' | 'bfloat16'): Graph {
  const clean = fusePatterns(simplify(graph));
  return precision === 'bfloat16' ? lowerPrecision(clean) : clean;
}
