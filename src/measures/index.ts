import { MODELS, type ModelName } from '../config/models.js';
import type { HostState } from '../engines/types.js';
import type { Model } from '../models/types.js';
import { takingTurns, type Watching } from '../progress.js';
import {
  type LayerNorms,
  MARGIN_QUANTILES,
  MEASURE_NAMES,
  type MeasureName,
  type Measures,
} from '../results/measures.js';
import { initialState } from '../train/init.js';
import { folded, type Weights } from './fold.js';
import { layerNorms, weightsOf } from './norms.js';
import { pathNorm } from './path-norm.js';
import { DRAWS, EPSILON, sharpness } from './sharpness.js';

export interface MeasureOptions {
  name: ModelName;
  model: Model;
  /** The trained network. */
  state: HostState;
  /** `seeds.init`: what it was before comes from this. */
  initSeed: number;
  /** Of the noise. */
  noiseSeed: number;
  /** Of all training examples, with the labels trained on. */
  margins: Float32Array;
  /** Training images on which noise is measured. */
  images: number;
  /** On these, by a state. */
  accuracyOf: (state: HostState) => Promise<number>;
  watching?: Watching;
}

/**
 * Measures a trained network: see `MEASURES`. Norms are computed here in double precision; the accuracies of perturbed networks
 * are the engine's.
 *
 * @throws RethinkError (`interrupted`).
 */
export async function measureNetwork(options: MeasureOptions): Promise<Measures> {
  const { model, state, margins, watching = {} } = options;
  const turn = takingTurns(watching, 'measuring norms');
  const weights = folded(model, state);
  const first = folded(model, initialState(model, options.initSeed));
  const layers = await layerNorms(model, weights, first, turn);
  const { pathless } = MODELS[options.name];
  const path = pathless === undefined ? await pathNorm(model, weights, turn) : null;
  const quantile = quantilesOf(margins);
  const { noiseSeed: seed, accuracyOf } = options;
  const { onProgress } = watching;
  const found = await sharpness({ model, state, weights, seed, accuracyOf, onProgress });

  const absent: Record<string, string> = {};
  const numbers = { ...ofNorms(layers), ...ofNoise(model, weights, first, margins.length, found) };
  const gamma = quantile(MARGIN_QUANTILES.p10);
  const known = { ...numbers, ...overMargin(numbers, path, gamma, layers.length), path_norm: path };
  const values = MEASURE_NAMES.map((name): [MeasureName, number | null] => {
    const value = known[name];
    const reason = reasonFor(name, value, { gamma, found, pathless });
    if (reason !== undefined) absent[name] = reason;
    return [name, reason === undefined ? value : null];
  });
  return {
    ...(Object.fromEntries(values) as Record<MeasureName, number | null>),
    layers,
    margins: Object.fromEntries(
      Object.entries(MARGIN_QUANTILES).map(([name, share]) => [name, quantile(share)]),
    ) as Measures['margins'],
    sharpness: {
      images: options.images,
      draws: DRAWS,
      accuracy: found.accuracy,
      sigma: found.sigma.scale,
      sigma_magnitude: found.sigma_magnitude.scale,
    },
    absent,
  };
}

/** The value below or at which a share of all lies: the k-th smallest, k = ⌈share · count⌉ and at least 1. */
export function quantilesOf(values: Float32Array): (share: number) => number {
  const sorted = values.toSorted();
  return (share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Measures of weights alone. */
function ofNorms(layers: readonly LayerNorms[]) {
  const depth = layers.length;
  const spec = sumOf(layers.map(({ spectral }) => 2 * Math.log(spectral)));
  const fro = sumOf(layers.map(({ frobenius }) => 2 * Math.log(frobenius)));
  const perLayer = (log: number) => Math.log(depth) + log / depth;
  return {
    log_prod_spec: spec,
    log_sum_spec: perLayer(spec),
    fro_over_spec: sumOf(layers.map(({ frobenius, spectral }) => (frobenius / spectral) ** 2)),
    distance_over_spec: sumOf(
      layers.map(({ frobenius_distance, spectral }) => (frobenius_distance / spectral) ** 2),
    ),
    log_prod_fro: fro,
    log_sum_fro: perLayer(fro),
    fro_distance: sumOf(layers.map(({ frobenius_distance }) => frobenius_distance ** 2)),
    spec_distance: sumOf(layers.map(({ spectral_distance }) => spectral_distance ** 2)),
    param_norm: sumOf(layers.map(({ frobenius }) => frobenius ** 2)),
  };
}

/** The same over the margin, which is no number to divide by where it is not positive. */
function overMargin(
  numbers: ReturnType<typeof ofNorms>,
  path: number | null,
  gamma: number,
  depth: number,
) {
  const { log_prod_spec, log_prod_fro, fro_over_spec, distance_over_spec } = numbers;
  const log = gamma > 0 ? 2 * Math.log(gamma) : Number.NaN;
  const perLayer = (product: number) => Math.log(depth) + (product - log) / depth;
  return {
    inverse_margin: Math.exp(-log),
    log_spec_init_main: log_prod_spec - log + Math.log(distance_over_spec),
    log_spec_orig_main: log_prod_spec - log + Math.log(fro_over_spec),
    log_prod_spec_over_margin: log_prod_spec - log,
    log_sum_spec_over_margin: perLayer(log_prod_spec),
    log_prod_fro_over_margin: log_prod_fro - log,
    log_sum_fro_over_margin: perLayer(log_prod_fro),
    path_norm_over_margin: path === null ? null : path * Math.exp(-log),
  };
}

type Noise = Awaited<ReturnType<typeof sharpness>>;

/** Measures of flatness: of σ and σ′, with weights and their distance from the first ones. */
function ofNoise(
  model: Model,
  weights: Weights,
  first: Weights,
  count: number,
  { sigma: { scale: sigma }, sigma_magnitude: { scale: magnitude } }: Noise,
) {
  const specs = weightsOf(model);
  const sum = (f: (weight: number, moved: number) => number) =>
    sumOf(
      specs.map(({ name }) =>
        weights[name]!.reduce((all, weight, i) => all + f(weight, weight - first[name]![i]!), 0),
      ),
    );
  const omega = sumOf(specs.map(({ name }) => weights[name]!.length));
  const [norm, distance] = [sum((weight) => weight ** 2), sum((_, moved) => moved ** 2)];
  const bound = (squares: number) =>
    sigma === null ? null : squares / (4 * sigma ** 2) + Math.log(count / sigma) + 10;
  const byMagnitude = (squares: number) => {
    if (magnitude === null) return null;
    const above = EPSILON ** 2 + ((magnitude ** 2 + 1) * squares) / omega;
    const logs = sum((_, moved) => Math.log(above / (EPSILON ** 2 + (magnitude * moved) ** 2)));
    return logs / 4 + Math.log(count / magnitude) + 10;
  };
  const flatness = (scale: number | null) => (scale === null ? null : 1 / scale ** 2);
  return {
    pacbayes_init: bound(distance),
    pacbayes_orig: bound(norm),
    pacbayes_flatness: flatness(sigma),
    pacbayes_mag_init: byMagnitude(distance),
    pacbayes_mag_orig: byMagnitude(norm),
    pacbayes_mag_flatness: flatness(magnitude),
  };
}

/** Why there is no such number; `undefined`: there is one. */
function reasonFor(
  name: MeasureName,
  value: number | null,
  { gamma, found, pathless }: { gamma: number; found: Noise; pathless: string | undefined },
): string | undefined {
  if (value !== null && Number.isFinite(value)) return undefined;
  if (pathless !== undefined && name.startsWith('path_norm')) return `${pathless}.`;
  const noise = name.startsWith('pacbayes_mag') ? found.sigma_magnitude : found.sigma;
  if (name.startsWith('pacbayes') && noise.scale === null) return `${noise.reason}.`;
  if (!(gamma > 0) && !Number.isFinite(value ?? Number.NaN) && USES_MARGIN.has(name)) {
    return `the 10th percentile of the training margins is ${gamma.toPrecision(4)}, and not positive.`;
  }
  return 'a layer without weights, or numbers beyond double precision.';
}

const USES_MARGIN: ReadonlySet<MeasureName> = new Set<MeasureName>([
  'inverse_margin',
  'log_spec_init_main',
  'log_spec_orig_main',
  'log_prod_spec_over_margin',
  'log_sum_spec_over_margin',
  'log_prod_fro_over_margin',
  'log_sum_fro_over_margin',
  'path_norm_over_margin',
]);
