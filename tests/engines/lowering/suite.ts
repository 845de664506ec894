import { describe, expect, it } from 'vitest';
import {
  BINARY_OPS,
  COMPARISON_OPS,
  LOGICAL_OPS,
  REDUCE_OPS,
  UNARY_OPS,
} from '../../../src/engines/trace/graph.js';
import { testContractions } from './contractions.js';
import { testElementwise } from './elementwise.js';
import { testFormedOps, testGraphOps } from './graph-ops.js';
import { Bench, type Lowering } from './lowering.js';
import { testNetwork } from './network.js';

/**
 * The tests of an engine's lowering: every kernel against tfjs' own on the CPU. A new engine that lowers traced graphs
 * brings a `Lowering` and a test file that calls this.
 *
 * @param skipped Why nothing can be run on this machine; empty where it can.
 */
export function testLowering(name: string, lowering: Lowering, skipped: string): void {
  it('every op of the graph is lowered', () => {
    const families = [UNARY_OPS, BINARY_OPS, COMPARISON_OPS, LOGICAL_OPS, REDUCE_OPS];
    for (const op of families.flat()) expect(lowering.ops, op).toHaveProperty(op);
  });

  describe.skipIf(skipped !== '')(`${name} against tfjs${skipped}`, () => {
    const bench = new Bench(lowering);
    testElementwise(bench);
    testNetwork(bench);
    testGraphOps(bench);

    describe.each(lowering.forms)('%s', (form) => {
      const formed = new Bench(lowering, form);
      testContractions(formed);
      testFormedOps(formed);
    });
  });
}
