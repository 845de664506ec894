import type { Graph } from '../graph.js';
import { fusePatterns } from './fuse.js';
import { lowerPrecision } from './precision.js';
import { simplify } from './simplify.js';
import { expandWhitening } from './whiten.js';

/**
 * All clean-up of a traced graph, and its precision: what a lowering starts from.
 *
 * @param whitens whether the lowering has `whiten`; else that is expanded
 */
export function optimize(
  graph: Graph,
  precision: 'float32' | 'bfloat16',
  { whitens = false } = {},
): Graph {
  const clean = fusePatterns(simplify(whitens ? graph : expandWhitening(graph)));
  return precision === 'bfloat16' ? lowerPrecision(clean) : clean;
}
