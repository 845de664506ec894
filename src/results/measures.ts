import { z } from 'zod';
import { anyNumber } from '../disk/json.js';

/**
 * Measures of what makes a trained network generalize: names, definitions and what `result.json` holds of them. Numbers of
 * equations are those of Jiang et al., 'Fantastic Generalization Measures and Where to Find Them' (ICLR 2020), appendix C.
 *
 * W are the weights of a layer (filters as matrices, [height · width · inputs, outputs]), W⁰ what they were at first, d counts
 * layers, γ is the 10th percentile of the training margins, m counts training examples, ω weights.
 */

interface MeasureRow {
  /** For people. */
  label: string;
  /** Of Jiang 2020. */
  equation: number;
  definition: string;
}

const row = (equation: number, label: string, definition: string): MeasureRow => ({
  label,
  equation,
  definition,
});

const ROWS = {
  inverse_margin: row(22, 'inverse margin', '1/γ²'),
  log_spec_init_main: row(29, 'spectral, distance, margin', 'ln(Π‖W‖₂² · Σ‖W − W⁰‖F²/‖W‖₂² / γ²)'),
  log_spec_orig_main: row(30, 'spectral, stable rank, margin', 'ln(Π‖W‖₂² · Σ‖W‖F²/‖W‖₂² / γ²)'),
  log_prod_spec_over_margin: row(31, 'product of spectral norms / margin', 'ln(Π‖W‖₂² / γ²)'),
  log_prod_spec: row(32, 'product of spectral norms', 'ln Π‖W‖₂²'),
  fro_over_spec: row(33, 'sum of stable ranks', 'Σ‖W‖F²/‖W‖₂²'),
  log_sum_spec_over_margin: row(
    34,
    'spectral norms / margin, per layer',
    'ln(d · (Π‖W‖₂² / γ²)^(1/d))',
  ),
  log_sum_spec: row(35, 'spectral norms, per layer', 'ln(d · (Π‖W‖₂²)^(1/d))'),
  log_prod_fro_over_margin: row(36, 'product of Frobenius norms / margin', 'ln(Π‖W‖F² / γ²)'),
  log_prod_fro: row(37, 'product of Frobenius norms', 'ln Π‖W‖F²'),
  log_sum_fro_over_margin: row(
    38,
    'Frobenius norms / margin, per layer',
    'ln(d · (Π‖W‖F² / γ²)^(1/d))',
  ),
  log_sum_fro: row(39, 'Frobenius norms, per layer', 'ln(d · (Π‖W‖F²)^(1/d))'),
  fro_distance: row(40, 'distance from the start, Frobenius', 'Σ‖W − W⁰‖F²'),
  spec_distance: row(41, 'distance from the start, spectral', 'Σ‖W − W⁰‖₂²'),
  param_norm: row(42, 'sum of squares', 'Σ‖W‖F²'),
  path_norm_over_margin: row(43, 'path norm / margin', 'Σ f(1; w²) / γ²'),
  path_norm: row(44, 'path norm', 'Σ f(1; w²)'),
  pacbayes_init: row(48, 'PAC-Bayes, from the start', 'Σ‖W − W⁰‖F²/4σ² + ln(m/σ) + 10'),
  pacbayes_orig: row(49, 'PAC-Bayes, from zero', 'Σ‖W‖F²/4σ² + ln(m/σ) + 10'),
  pacbayes_flatness: row(53, 'sharpness', '1/σ²'),
  pacbayes_mag_init: row(
    56,
    'PAC-Bayes by magnitude, from the start',
    '¼ Σ ln((ε² + (σ′² + 1)·Σ‖W − W⁰‖F²/ω) / (ε² + σ′²(w − w⁰)²)) + ln(m/σ′) + 10',
  ),
  pacbayes_mag_orig: row(
    57,
    'PAC-Bayes by magnitude, from zero',
    '¼ Σ ln((ε² + (σ′² + 1)·Σ‖W‖F²/ω) / (ε² + σ′²(w − w⁰)²)) + ln(m/σ′) + 10',
  ),
  pacbayes_mag_flatness: row(61, 'sharpness by magnitude', '1/σ′²'),
} satisfies Record<string, MeasureRow>;

export type MeasureName = keyof typeof ROWS;
export const MEASURES: Record<MeasureName, MeasureRow> = ROWS;
export const MEASURE_NAMES = Object.keys(ROWS) as MeasureName[];

/** Which part of the training margins lies at or below each; that of `p10` is γ. */
export const MARGIN_QUANTILES = { least: 0, p10: 0.1, p25: 0.25, median: 0.5, p75: 0.75, most: 1 };

const named = <Name extends string, T extends z.ZodType>(names: readonly Name[], value: T) =>
  Object.fromEntries(names.map((name) => [name, value])) as Record<Name, T>;

/** A layer with BatchNorm folded in. */
const layer = z.strictObject({
  name: z.string(),
  frobenius: anyNumber,
  spectral: anyNumber,
  /** Of the difference from what it was at first. */
  frobenius_distance: anyNumber,
  spectral_distance: anyNumber,
});

/** `measures` of a result: each number, what they were made of, and why one is missing. */
export const measures = z.strictObject({
  /** `null` where a network or a training has none: see `absent`. */
  ...named(MEASURE_NAMES, anyNumber.nullable()),
  layers: z.array(layer),
  margins: z.strictObject(
    named(Object.keys(MARGIN_QUANTILES) as (keyof typeof MARGIN_QUANTILES)[], anyNumber),
  ),
  sharpness: z.strictObject({
    /** Training images, and draws of noise for each scale. */
    images: z.int(),
    draws: z.int(),
    /** On these images, without noise. */
    accuracy: anyNumber,
    sigma: anyNumber.nullable(),
    /** σ′, of noise by magnitude. */
    sigma_magnitude: anyNumber.nullable(),
  }),
  /** A sentence for each measure that is `null`. */
  absent: z.record(z.string(), z.string()),
});
export type Measures = z.output<typeof measures>;
export type LayerNorms = z.output<typeof layer>;
