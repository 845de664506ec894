import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { momentumUpdates } from '../../src/engines/tensorflow/graph/updates.js';
import { optimize } from '../../src/engines/trace/passes/index.js';
import { traceTrain } from '../../src/engines/trace/trace.js';
import { makeCase } from './fixture.js';

beforeAll(() => tf.setBackend('cpu'));

function updatesOf(precision: 'float32' | 'bfloat16', weightDecay: number, ownOps = true) {
  const { program } = makeCase({ name: 'mlp', hidden: [7] }, { weightDecay });
  return momentumUpdates(optimize(traceTrain(program), precision), ownOps);
}

describe('momentumUpdates', () => {
  it('finds the variables of every update', () => {
    expect(updatesOf('float32', 0).map(({ parameter, velocity }) => [parameter, velocity])).toEqual(
      ['dense1/weight', 'dense1/bias', 'output/weight', 'output/bias'].map((name) => [
        `param/${name}`,
        `velocity/${name}`,
      ]),
    );
  });

  it.each([0, 1e-3])('fuses what has a gradient in bfloat16, with a weight decay of %d', (rate) => {
    const fused = updatesOf('bfloat16', rate).map((update) => update.fused);
    // The gradient of the last bias is the loss's own, in float32.
    expect(fused.map((f) => f !== undefined)).toEqual([true, true, true, false]);
    const [weight, bias] = fused;
    expect(weight!.weightDecay).toBeCloseTo(rate, 9);
    // Biases do not decay.
    expect(bias!.weightDecay).toBe(0);
    expect(weight!.gradient).toMatchObject({ dtype: 'bfloat16', shape: [32, 7] });
    expect(weight!.gradient.node.op).toBe('matMul');
    expect(weight!.rounding.outputs[0]).toMatchObject({ dtype: 'bfloat16', shape: [32, 7] });
    expect(weight!.sums).toHaveLength(1);
  });

  it('fuses nothing in float32, or where there are no own operations', () => {
    for (const updates of [updatesOf('float32', 1e-3), updatesOf('bfloat16', 0, false)]) {
      expect(updates.every(({ fused }) => fused === undefined)).toBe(true);
    }
  });
});
