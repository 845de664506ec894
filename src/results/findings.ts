import { z } from 'zod';
import { PRECISIONS } from '../config/engines.js';
import { anyNumber } from '../disk/json.js';
import { engine, usedData } from './training.js';

const count = z.int().min(0);

/** What every experiment's `result.json` says beside its findings. */
export const CONDITIONS = {
  name: z.string(),
  config_hash: z.string(),
  outcome: z.literal('finished'),
  seconds: anyNumber,
  /** `null` where all is computed by JavaScript's own doubles. */
  engine: engine.nullable(),
  /** Of the experiment's own arithmetic; the engine's may be another. */
  precision: z.enum(['float64', ...PRECISIONS]),
  data: usedData,
  label_noise: anyNumber,
};

/** What `experiment: theorem1` finds (Zhang2017, section 4). */
export const THEOREM1 = {
  experiment: z.literal('theorem1'),
  /** Training images. */
  n: count,
  /** Images that differ from all others: copies with the same label need no unit of their own. */
  distinct: count,
  /** Inputs of the network. */
  dimension: count,
  /** Images for which the network's output, rounded, is the label. */
  fitted: count,
  /** Numbers stored: direction, thresholds, slopes, offsets between layers. */
  weights: count,
  depth: count,
  /** Units in the widest hidden layer. */
  width: count,
  /** Largest |c(x) − y| of all training images; a label is missed from 0.5 on. */
  max_error: anyNumber,
  /** Smallest difference of two projections. */
  min_gap: anyNumber,
  /** Of the triangular matrix of Lemma 1: min (xᵢ − bᵢ). */
  min_eigenvalue: anyNumber,
  max_weight: anyNumber,
  /** ‖A‖∞·‖A⁻¹‖∞ of the triangular system. */
  condition: anyNumber,
  /** Against true labels. */
  test_accuracy: anyNumber,
  /** Choosing a direction, sorting and solving. */
  build_seconds: anyNumber,
  /** Evaluating the network as it is defined, for every image. */
  check_seconds: anyNumber,
};

/** What `experiment: kernels` finds (Zhang2017, Table 3). */
export const KERNELS = {
  experiment: z.literal('kernels'),
  n: count,
  n_test: count,
  features: z.string(),
  feature_count: count,
  filters: count.nullable(),
  ridge: anyNumber,
  /** Chosen fraction of the median squared distance. */
  bandwidth_fraction: anyNumber,
  /** h of exp(−‖x − x'‖² / h). */
  bandwidth: anyNumber,
  /** Error on held-out training data, by fraction; `null` where the kernel could not be factored. */
  held_out_errors: z.array(z.strictObject({ fraction: anyNumber, error: anyNumber.nullable() })),
  train_error: anyNumber,
  test_error: anyNumber,
  /** ‖(K + λI)α − y‖ / ‖y‖ over all classes. */
  relative_residual: anyNumber,
  refinements: count,
  /** √(Σ αᵀKα) over the classes' one-hot targets. */
  norm: anyNumber,
  feature_seconds: anyNumber,
  solve_seconds: anyNumber,
};

/** What `experiment: rademacher` finds (Zhang2017, section 2.2). */
export const RADEMACHER = {
  experiment: z.literal('rademacher'),
  n: count,
  draws: count,
  /** Mean over the draws of (1/n)·Σ σᵢ·h(xᵢ), the networks' signs against random ones: 2·accuracy − 1. */
  correlation: anyNumber,
  correlation_min: anyNumber,
  /** Mean of ‖Σ σᵢxᵢ‖ / n over 100 draws: the complexity of {x → ⟨w, x⟩ : ‖w‖ ≤ 1}, exact for each draw. */
  linear_complexity: anyNumber,
  /** √(Σ ‖xᵢ‖²) / n, which bounds its expectation. */
  linear_complexity_bound: anyNumber,
  /** Norm at which the bound on a linear class says nothing any more. */
  linear_vacuous_norm: anyNumber,
  delta: anyNumber,
  /** correlation + 3·√(ln(2/δ) / 2n): what may be added to a network's training error. */
  gap_bound: anyNumber,
  /** Chance is 0.5: a bound on the error above it says nothing. */
  vacuous: z.boolean(),
};

/** What `experiment: linear` finds (Zhang2017, section 5). */
export const LINEAR = {
  experiment: z.literal('linear'),
  n: count,
  dimension: count,
  steps: count,
  learning_rate: anyNumber,
  batch_size: count,
  /** ‖w − w*‖ / ‖w*‖ after the last step. */
  relative_distance: anyNumber,
  /** Part of w that no combination of images gives, ‖w − Pw‖ / ‖w‖. */
  outside_span: anyNumber,
  /** ‖Xw − y‖ / ‖y‖ after the last step. */
  relative_residual: anyNumber,
  minimum_norm: anyNumber,
  norm: anyNumber,
  condition: anyNumber,
  train_accuracy: anyNumber,
  test_accuracy: anyNumber,
};

/** What `experiment: memorization` finds (Feldman & Zhang 2020). Means over members, and over examples that have a score. */
export const MEMORIZATION = {
  experiment: z.literal('memorization'),
  n: count,
  n_test: count,
  /** Networks that the scores are of, each trained on a random part of the training set, and those that diverged. */
  members: count,
  members_diverged: count,
  fraction: anyNumber,
  /** Of given labels: on a member's part, and on the rest of the training set. */
  train_accuracy: anyNumber,
  held_out_accuracy: anyNumber,
  test_accuracy: anyNumber,
  /** Examples that were in the part of no member, or of all. */
  without_score: count,
  /** `null`: of no example. */
  memorization_mean: anyNumber.nullable(),
  memorization_mean_changed: anyNumber.nullable(),
  memorization_mean_unchanged: anyNumber.nullable(),
  memorized_threshold: anyNumber,
  /** Shares of examples whose score reaches the threshold. */
  memorized: anyNumber.nullable(),
  memorized_changed: anyNumber.nullable(),
  memorized_unchanged: anyNumber.nullable(),
  standard_error_mean: anyNumber.nullable(),
  /** How well the score finds the changed labels; `null` where all or none are. */
  changed_auroc: anyNumber.nullable(),
  changed_precision: anyNumber.nullable(),
  influence_threshold: anyNumber,
  /** Pairs of a memorized and a test example whose influence reaches it. */
  influence_pairs: count,
  /** As many reach it where each member is held against another one's part. */
  influence_pairs_by_chance: count,
  /** Of the scores of one run on the whole training set with memorization; `null` where they are missing. */
  correlations: z
    .array(
      z.strictObject({
        score: z.string(),
        spearman: anyNumber.nullable(),
        pearson: anyNumber.nullable(),
      }),
    )
    .nullable(),
};

export type TheoryConditions = z.output<z.ZodObject<typeof CONDITIONS>>;
export type Theorem1Findings = z.output<z.ZodObject<typeof THEOREM1>>;
export type KernelFindings = z.output<z.ZodObject<typeof KERNELS>>;
export type RademacherFindings = z.output<z.ZodObject<typeof RADEMACHER>>;
export type LinearFindings = z.output<z.ZodObject<typeof LINEAR>>;
export type MemorizationFindings = z.output<z.ZodObject<typeof MEMORIZATION>>;
export type Findings =
  | Theorem1Findings
  | KernelFindings
  | RademacherFindings
  | LinearFindings
  | MemorizationFindings;
