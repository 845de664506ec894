import { describe, expect, it } from 'vitest';
import { BINARY, COMPARISON, LOGICAL, REDUCE, UNARY } from '../../../src/engines/trace/names.js';
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
    const families = { ...UNARY, ...BINARY, ...COMPARISON, ...LOGICAL, ...REDUCE };
    for (const op of [...Object.keys(families), 'gather', 'replaceRows'])
      expect(lowering.ops, op).toHaveProperty(op);
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
