import type { Op, OpAttributes, Value } from '../../trace/graph.js';
import type { ElementType } from '../pjrt/layout.js';
import type { Emitter } from './emitter.js';
import type { Target } from './target.js';
import type { Ref } from './text.js';

/** Everything the lowering of one node needs. */
export interface Lowering<K extends Op> {
  e: Emitter;
  inputs: readonly Ref[];
  attrs: OpAttributes[K];
  /** Types that the graph gives the node's results. */
  outputs: readonly { shape: Value['shape']; type: ElementType }[];
  target: Target;
}

/** Writes one node and returns its results, of the types in `outputs`. */
export type Lower<K extends Op> = (node: Lowering<K>) => readonly Ref[];

export type Lowerings = { [K in Op]?: Lower<K> };
