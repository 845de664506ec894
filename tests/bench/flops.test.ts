import { describe, expect, it } from 'vitest';
import { countArithmetic } from '../../src/bench/flops.js';
import { makeWorkload, type Workload } from '../../src/bench/workload.js';

/** Operations of one image in each layer's forward pass, from the filters and the side of what a layer puts out. */
function forward({ model }: Workload, side: (layer: string) => number): number[] {
  return model.parameters
    .filter(({ decayed }) => decayed)
    .map(({ name, shape }) => 2 * side(name) ** 2 * shape.reduce((a, b) => a * b, 1));
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

describe('countArithmetic', () => {
  it.each([
    ['mlp', () => 1],
    ['alexnet', (layer: string) => ({ conv1: 28, conv2: 14 })[layer.split('/')[0]!] ?? 1],
    [
      'inception',
      (layer: string) => {
        const [module] = layer.split('/');
        if (module === 'output') return 1;
        if (/^(stem|inception[12])$/.test(module!)) return 28;
        return /^(downsample1|inception[3-6])$/.test(module!) ? 14 : 7;
      },
    ],
  ] as const)('counts every layer of %s once forward and twice backward', (name, side) => {
    const workload = makeWorkload(name, 4);
    const layers = forward(workload, side);
    const { evaluate, train } = countArithmetic(workload.program);
    expect(evaluate).toBe(sum(layers));
    // Nothing asks for the gradient of the images.
    expect(train).toBe(3 * sum(layers) - layers[0]!);
  });

  it('gives the floor that is known of the small Inception', () => {
    const { evaluate, train } = countArithmetic(makeWorkload('inception', 4).program);
    expect([(evaluate / 1e9).toFixed(2), (train / 1e9).toFixed(2)]).toEqual(['0.41', '1.22']);
  });
});
