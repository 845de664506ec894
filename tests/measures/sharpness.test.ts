import { describe, expect, it } from 'vitest';
import type { HostState } from '../../src/engines/types.js';
import { folded } from '../../src/measures/fold.js';
import { DRAWS, EPSILON, largestScale, sharpness } from '../../src/measures/sharpness.js';
import { initialState } from '../../src/train/init.js';
import { build } from './helpers.js';

const scaleOf = async (cost: (scale: number) => number) => largestScale(async (s) => cost(s));

describe('the largest scale', () => {
  it.each([
    [0.05, 2],
    [1, 0.1],
    [1e4, 1e-5],
    [0.002, 50],
  ])('is found where the cost is %d times the scale', async (rate, expected) => {
    const asked: number[] = [];
    const found = await scaleOf((scale) => {
      asked.push(scale);
      return rate * scale;
    });
    // The largest that was tried and is not too much.
    expect(found.scale).toBeLessThanOrEqual(expected);
    expect(found.scale).toBeGreaterThan(expected / 1.0101);
    expect(asked.length).toBeLessThanOrEqual(40);
  });

  it('is that of a quadratic cost, too', async () => {
    expect((await scaleOf((scale) => 10 * scale ** 2)).scale! / 0.1).toBeCloseTo(1, 1);
  });

  it('is none, with a reason, where noise never costs so much, or always', async () => {
    expect(await scaleOf(() => 0.05)).toEqual({
      scale: null,
      reason: 'noise up to 64 changes the accuracy by less than 0.1',
    });
    expect(await scaleOf(() => 0.2)).toEqual({
      scale: null,
      reason: 'noise of any scale changes the accuracy by more than 0.1',
    });
  });
});

describe('sharpness', () => {
  const model = build({ name: 'mlp', hidden: [20] }, [16, 16, 3], 3);
  const state = initialState(model, 1);
  for (const { data } of Object.values(state)) data.fill(2);
  const weights = folded(model, state);
  /** 1 minus the mean distance of all parameters from 2: noise of deviation s costs s · √(2/π). */
  const linear = async (perturbed: HostState) => {
    let [sum, count] = [0, 0];
    for (const { name } of model.parameters) {
      for (const value of perturbed[`param/${name}`]!.data) {
        sum += Math.abs(value - 2);
        count++;
      }
    }
    return 1 - sum / count;
  };
  const given = { model, state, weights, seed: 3, accuracyOf: linear };

  it('is known of a linear cost, for noise as it is and by magnitude', async () => {
    const { accuracy, sigma, sigma_magnitude } = await sharpness(given);
    expect(accuracy).toBe(1);
    const deviation = 0.1 / Math.sqrt(2 / Math.PI);
    expect(sigma.scale! / deviation).toBeCloseTo(1, 1);
    expect(sigma_magnitude.scale! / (Math.sqrt(deviation ** 2 - EPSILON ** 2) / 2)).toBeCloseTo(
      1,
      1,
    );
    // Within the step of the search and the chance of 15,423 · 10 numbers.
    expect(Math.abs(sigma.scale! / deviation - 0.995)).toBeLessThan(0.015);
  });

  it('follows from the seed', async () => {
    const accuracies = async (seed: number) => {
      const all: number[] = [];
      await sharpness({
        ...given,
        seed,
        accuracyOf: async (perturbed) => {
          const found = await linear(perturbed);
          all.push(found);
          return found;
        },
      });
      return all;
    };
    const first = await accuracies(3);
    expect(await accuracies(3)).toEqual(first);
    expect(await accuracies(4)).not.toEqual(first);
    // Every draw is another one.
    expect(new Set(first.slice(1, DRAWS + 1)).size).toBe(DRAWS);
  });

  it('leaves scales alone that are folded in, and moves shifts', async () => {
    const cnn = build({ name: 'cnn5', width: 1 }, [4, 4, 1]);
    const before = initialState(cnn, 1);
    let moved: HostState = before;
    await sharpness({
      model: cnn,
      state: before,
      weights: folded(cnn, before),
      seed: 1,
      accuracyOf: async (perturbed) => {
        moved = perturbed;
        return 1;
      },
    });
    expect([...moved['param/conv2/scale']!.data]).toEqual([1, 1]);
    for (const name of ['conv2/shift', 'conv2/filter', 'output/bias', 'output/weight']) {
      expect(moved[`param/${name}`]!.data).not.toEqual(before[`param/${name}`]!.data);
    }
  });
});
