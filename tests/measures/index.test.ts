import { describe, expect, it } from 'vitest';
import { MODEL_NAMES, MODELS, type ModelName } from '../../src/config/models.js';
import type { HostState } from '../../src/engines/types.js';
import { measureNetwork, quantilesOf } from '../../src/measures/index.js';
import { spectralNorm } from '../../src/measures/norms.js';
import type { Model } from '../../src/models/types.js';
import { MEASURE_NAMES, MEASURES, type Measures } from '../../src/results/measures.js';
import { initialState } from '../../src/train/init.js';
import { EVERY_MODEL } from '../helpers/models.js';
import { build, trainedState } from './helpers.js';

/** 1 minus the mean distance of all weights and biases from what they were: noise costs in proportion to its deviation. */
function linear(model: Model, state: HostState): (perturbed: HostState) => Promise<number> {
  const names = model.parameters.map(({ name }) => `param/${name}`);
  return async (perturbed) => {
    let [sum, count] = [0, 0];
    for (const name of names) {
      for (const [i, value] of perturbed[name]!.data.entries()) {
        sum += Math.abs(value - state[name]!.data[i]!);
        count++;
      }
    }
    return 1 - sum / count;
  };
}

const MARGINS = Float32Array.of(
  9,
  2,
  4,
  3,
  5,
  6,
  7,
  8,
  1,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  18,
  19,
  20,
);

function measure(model: Model, state: HostState, changes: object = {}): Promise<Measures> {
  return measureNetwork({
    name: model.name as ModelName,
    model,
    state,
    initSeed: 5,
    noiseSeed: 6,
    margins: MARGINS,
    images: 20,
    accuracyOf: linear(model, state),
    ...changes,
  });
}

describe('measures of a network', () => {
  it('are what their definitions give, of two layers of whole numbers', async () => {
    const model = build({ name: 'mlp', hidden: [2] }, [1, 1, 2], 2);
    const state = initialState(model, 1);
    state['param/dense1/weight']!.data.set([3, 0, 4, 5]);
    state['param/output/weight']!.data.set([0, 2, 0, 0]);
    const first = initialState(model, 5);
    const found = await measure(model, state);
    const { sigma, sigma_magnitude } = found.sharpness as Record<string, number>;
    const moved = ['dense1/weight', 'output/weight'].map((name) =>
      state[`param/${name}`]!.data.map((value, i) => value - first[`param/${name}`]!.data[i]!),
    );
    const squares = moved.map((values) => values.reduce((sum, value) => sum + value ** 2, 0));
    const distance = squares[0]! + squares[1]!;
    // ‖W₁‖F² = 50, ‖W₁‖₂² = 45; both 4 of the second layer; γ = 2 is the second of twenty.
    const [fro, spec, gamma2, d, m] = [50 * 4, 45 * 4, 4, 2, 20];
    const ratio = squares[0]! / 45 + squares[1]! / 4;
    const spectral = moved.map((values) =>
      spectralNorm({ values: Float64Array.from(values), columns: 2 }),
    );
    const byMagnitude = (above: number) =>
      moved
        .flatMap((values) => [...values])
        .reduce(
          (sum, value) => {
            const over = 1e-6 + (sigma_magnitude! ** 2 + 1) * (above / 8);
            return sum + Math.log(over / (1e-6 + sigma_magnitude! ** 2 * value ** 2)) / 4;
          },
          Math.log(m / sigma_magnitude!) + 10,
        );
    const expected: Record<string, number> = {
      inverse_margin: 1 / 4,
      log_spec_init_main: Math.log((spec / gamma2) * ratio),
      log_spec_orig_main: Math.log((spec / gamma2) * (50 / 45 + 1)),
      log_prod_spec_over_margin: Math.log(spec / gamma2),
      log_prod_spec: Math.log(spec),
      fro_over_spec: 50 / 45 + 1,
      log_sum_spec_over_margin: Math.log(d * Math.sqrt(spec / gamma2)),
      log_sum_spec: Math.log(d * Math.sqrt(spec)),
      log_prod_fro_over_margin: Math.log(fro / gamma2),
      log_prod_fro: Math.log(fro),
      log_sum_fro_over_margin: Math.log(d * Math.sqrt(fro / gamma2)),
      log_sum_fro: Math.log(d * Math.sqrt(fro)),
      fro_distance: distance,
      spec_distance: spectral[0]! ** 2 + spectral[1]! ** 2,
      param_norm: 54,
      // The first hidden unit has 9 + 16 from its inputs, and 4 to a logit.
      path_norm_over_margin: (25 * 4) / gamma2,
      path_norm: 25 * 4,
      pacbayes_init: distance / (4 * sigma! ** 2) + Math.log(m / sigma!) + 10,
      pacbayes_orig: 54 / (4 * sigma! ** 2) + Math.log(m / sigma!) + 10,
      pacbayes_flatness: 1 / sigma! ** 2,
      pacbayes_mag_init: byMagnitude(distance),
      pacbayes_mag_orig: byMagnitude(54),
      pacbayes_mag_flatness: 1 / sigma_magnitude! ** 2,
    };
    expect(Object.keys(expected)).toEqual(MEASURE_NAMES);
    for (const name of MEASURE_NAMES) {
      expect([name, found[name]! / expected[name]!]).toEqual([name, expect.closeTo(1, 6)]);
    }
    expect(found.absent).toEqual({});
    expect(found.margins).toEqual({ least: 1, p10: 2, p25: 5, median: 10, p75: 15, most: 20 });
    expect(found.sharpness).toMatchObject({ images: 20, draws: 10, accuracy: 1 });
  });

  const SMALL: Record<ModelName, [keys: object, side: number]> = {
    mlp: [{ hidden: [3] }, 4],
    // Of so many weights noise takes half a minute.
    alexnet: [{}, EVERY_MODEL ? 4 : 0],
    inception: [{}, EVERY_MODEL ? 4 : 0],
    'inception-v3': [{}, 0],
    resnet18: [{ width: 1 }, 4],
    'wide-resnet': [{ depth: 10, widen: 1 }, 4],
    cnn5: [{ width: 1 }, 4],
  };
  // Inception V3 takes 24 million numbers; its layers are those of Inception.
  it.each(MODEL_NAMES.filter((name) => SMALL[name][1] > 0))(
    'of %s are numbers, or null with a reason',
    async (name) => {
      const [keys, side] = SMALL[name];
      const model = build({ name, ...keys }, [side, side, 3]);
      const state = trainedState(model);
      // What noise costs is another matter, and of Inception a long one.
      const found = await measure(model, state, { accuracyOf: async () => 1 });
      const absent = MEASURE_NAMES.filter((each) => found[each] === null);
      const isPath = (each: string) =>
        each.startsWith('path') && MODELS[name].pathless !== undefined;
      const isNoise = (each: string) => each.startsWith('pacbayes');
      expect(absent).toEqual(MEASURE_NAMES.filter((each) => isPath(each) || isNoise(each)));
      expect(Object.keys(found.absent)).toEqual(absent);
      for (const each of MEASURE_NAMES) {
        if (found[each] !== null) expect(found[each]).toSatisfy(Number.isFinite);
      }
      expect(JSON.stringify(found)).not.toMatch(/NaN|Infinity/);
      expect(found.layers.length).toBe(model.parameters.filter(({ decayed }) => decayed).length);
    },
    60_000,
  );

  it('have reasons where the margin is not positive, a layer is zero, or noise costs nothing', async () => {
    const model = build({ name: 'mlp', hidden: [2] }, [1, 1, 2], 2);
    const state = initialState(model, 1);
    const margins = MARGINS.map((margin) => margin - 3);
    const { absent } = await measure(model, state, { margins });
    expect(new Set(Object.values(absent))).toEqual(
      new Set(['the 10th percentile of the training margins is -1.000, and not positive.']),
    );
    expect(Object.keys(absent)).toEqual(
      MEASURE_NAMES.filter((name) => MEASURES[name].definition.includes('γ²')),
    );
    const still = await measure(model, state, { accuracyOf: async () => 0.1 });
    expect(still.absent.pacbayes_flatness).toBe(
      'noise up to 64 changes the accuracy by less than 0.1.',
    );
    const pathless = await measure(model, state, { name: 'alexnet' });
    expect(Object.keys(pathless.absent)).toEqual(['path_norm_over_margin', 'path_norm']);
    expect(pathless.absent.path_norm).toMatch(/^local response normalization divides/);
    state['param/output/weight']!.data.fill(0);
    const flat = await measure(model, state);
    expect(flat.log_prod_spec).toBeNull();
    expect(flat.param_norm).toSatisfy(Number.isFinite);
    expect(flat.absent.log_prod_spec).toBe(
      'a layer without weights, or numbers beyond double precision.',
    );
  });

  it('take quantiles by the nearest rank', () => {
    expect([0, 0.1, 0.5, 1].map(quantilesOf(Float32Array.of(3, 1, 2)))).toEqual([1, 1, 2, 3]);
    expect(quantilesOf(new Float32Array(0))(0.1)).toBeNaN();
  });
});
