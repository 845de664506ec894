import type { Graph } from '../graph.js';
import { type CompositeOp, expandComposites } from './composites.js';
import { fusePatterns } from './fuse.js';
import { lowerPrecision } from './precision.js';
import { simplify } from './simplify.js';

/**
 * All clean-up of a traced graph, and its precision: what a lowering starts from.
 *
 * @param has the ops that not every lowering has, and this one does; the others are expanded
 */
export function optimize(
  graph: Graph,
  precision: 'float32' | 'bfloat16',
  has: readonly CompositeOp[] = [],
): Graph {
  const clean = fusePatterns(simplify(expandComposites(graph, has)));
  return precision === 'bfloat16' ? lowerPrecision(clean) : clean;
}
