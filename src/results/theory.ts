import type { EngineInfo } from '../engines/types.js';
import type { RunResult } from './training.js';

/** What `experiment: theorem1` finds (PAPER, section 5). */
export interface Theorem1Findings {
  experiment: 'theorem1';
  /** Training images. */
  n: number;
  /** Images that differ from all others: copies with the same label need no unit of their own. */
  distinct: number;
  /** Inputs of the network. */
  dimension: number;
  /** Images for which the network's output, rounded, is the label. */
  fitted: number;
  /** Numbers stored: direction, thresholds, slopes, offsets between layers. */
  weights: number;
  depth: number;
  /** Units in the widest hidden layer. */
  width: number;
  /** Largest |c(x) − y| of all training images; a label is missed from 0.5 on. */
  max_error: number;
  /** Smallest difference of two projections. */
  min_gap: number;
  max_weight: number;
  /** ‖A‖∞·‖A⁻¹‖∞ of the triangular system. */
  condition: number;
  /** Against true labels. */
  test_accuracy: number;
  /** Choosing a direction, sorting and solving. */
  build_seconds: number;
  /** Evaluating the network as it is defined, for every image. */
  check_seconds: number;
}

/** What `experiment: kernels` finds (PAPER, Table 3). */
export interface KernelFindings {
  experiment: 'kernels';
  n: number;
  n_test: number;
  features: string;
  feature_count: number;
  filters: number | null;
  ridge: number;
  /** Chosen fraction of the median squared distance. */
  bandwidth_fraction: number;
  /** h of exp(−‖x − x'‖² / h). */
  bandwidth: number;
  /** Error on held-out training data, by fraction; `null` where the kernel could not be factored. */
  held_out_errors: { fraction: number; error: number | null }[];
  train_error: number;
  test_error: number;
  /** ‖(K + λI)α − y‖ / ‖y‖ over all classes. */
  relative_residual: number;
  refinements: number;
  /** √(Σ αᵀKα) over the classes' one-hot targets. */
  norm: number;
  feature_seconds: number;
  solve_seconds: number;
}

/** What `experiment: rademacher` finds. */
export interface RademacherFindings {
  experiment: 'rademacher';
  n: number;
  draws: number;
  /** Mean over the draws of (1/n)·Σ σᵢ·h(xᵢ), the networks' signs against random ones: 2·accuracy − 1. */
  correlation: number;
  correlation_min: number;
  /** Mean of ‖Σ σᵢxᵢ‖ / n over 100 draws: the complexity of {x → ⟨w, x⟩ : ‖w‖ ≤ 1}, exact for each draw. */
  linear_complexity: number;
  /** √(Σ ‖xᵢ‖²) / n, which bounds its expectation. */
  linear_complexity_bound: number;
  /** Norm at which the bound on a linear class says nothing any more. */
  linear_vacuous_norm: number;
  delta: number;
  /** correlation + 3·√(ln(2/δ) / 2n): what may be added to a network's training error. */
  gap_bound: number;
  /** Chance is 0.5: a bound on the error above it says nothing. */
  vacuous: boolean;
}

/** What `experiment: linear` finds. */
export interface LinearFindings {
  experiment: 'linear';
  n: number;
  dimension: number;
  steps: number;
  learning_rate: number;
  batch_size: number;
  /** ‖w − w*‖ / ‖w*‖ after the last step. */
  relative_distance: number;
  /** Part of w that no combination of images gives, ‖w − Pw‖ / ‖w‖. */
  outside_span: number;
  /** ‖Xw − y‖ / ‖y‖ after the last step. */
  relative_residual: number;
  minimum_norm: number;
  norm: number;
  condition: number;
  train_accuracy: number;
  test_accuracy: number;
}

export type Findings = Theorem1Findings | KernelFindings | RademacherFindings | LinearFindings;

/** What every experiment's `result.json` says beside its findings. */
export interface TheoryConditions {
  name: string;
  config_hash: string;
  outcome: 'finished';
  seconds: number;
  /** `null` where all is computed by JavaScript's own doubles. */
  engine: EngineInfo | null;
  /** Of the experiment's own arithmetic; the engine's may be another. */
  precision: 'float64' | EngineInfo['precision'];
  data: RunResult['data'];
  label_noise: number;
}

/** `result.json` of an experiment of the theory. */
export type TheoryResult = TheoryConditions & Findings;

/** Tells the two kinds of results apart. */
export function isTheoryResult(result: RunResult | TheoryResult): result is TheoryResult {
  return 'experiment' in result;
}

/** Findings that `--expect` can be asked about. */
export const THEORY_NUMBERS = [
  'n',
  'distinct',
  'dimension',
  'fitted',
  'weights',
  'depth',
  'width',
  'max_error',
  'min_gap',
  'max_weight',
  'condition',
  'build_seconds',
  'check_seconds',
  'n_test',
  'feature_count',
  'bandwidth_fraction',
  'bandwidth',
  'train_error',
  'test_error',
  'relative_residual',
  'refinements',
  'norm',
  'feature_seconds',
  'solve_seconds',
  'draws',
  'correlation',
  'correlation_min',
  'linear_complexity',
  'linear_complexity_bound',
  'linear_vacuous_norm',
  'gap_bound',
  'steps',
  'learning_rate',
  'relative_distance',
  'outside_span',
  'minimum_norm',
  'seconds',
] as const;
