import { z } from 'zod';
import { KeyError, refuseOthers } from './problems.js';
import { count, fraction, notNegative, optional, positive, text } from './values.js';

export const CORRECTIONS = ['none', 'forward', 'backward'] as const;
export const TRANSITIONS = ['known', 'estimated', 'file'] as const;

/** Keys of the losses beside their name. */
interface LossKeys {
  /** GCE: from cross-entropy (near 0) to mean absolute error (1). */
  q: number;
  /** SCE: weights of the cross-entropy and of the reverse one. */
  alpha: number;
  beta: number;
  /** SCE: what stands for ln 0. */
  logZero: number;
  smoothing: number;
  /** ELR: weight of the regularizer; `beta`: what remains of the targets in each step. */
  lambda: number;
}

interface LossRow {
  /** The keys that it has, with the defaults of its paper; those of others are refused. */
  keys: Partial<LossKeys>;
  /** Bounds of keys that mean something else to another loss: below this. */
  below?: Partial<LossKeys>;
  /** Whether it can be that of a mixture of two examples. */
  mixes: boolean;
}

/** One row for each loss; `train/losses.ts` has the functions. */
const ROWS = {
  'cross-entropy': { keys: { smoothing: 0 }, mixes: true },
  gce: { keys: { q: 0.7 }, mixes: true },
  sce: { keys: { alpha: 0.1, beta: 1, logZero: -4 }, mixes: true },
  elr: { keys: { lambda: 3, beta: 0.7 }, below: { beta: 1 }, mixes: false },
} satisfies Record<string, LossRow>;

export type LossName = keyof typeof ROWS;
const LOSSES: Record<LossName, LossRow> = ROWS;
const LOSS_NAMES = Object.keys(ROWS) as LossName[];

/** The `loss` section as a person writes it. */
export const lossSchema = z
  .strictObject({
    name: z
      .enum(LOSS_NAMES)
      .default('cross-entropy')
      .describe(
        'gce: generalized cross-entropy (Zhang & Sabuncu 2018); sce: symmetric cross-entropy (Wang 2019); elr: early-learning regularization (Liu 2020).',
      ),
    smoothing: optional(
      fraction.lt(1),
      'cross-entropy: this part of every label is spread evenly over all classes (Szegedy 2016); default 0.',
    ),
    q: optional(
      positive.max(1),
      `gce: from cross-entropy (near 0) to mean absolute error (1); default ${ROWS.gce.keys.q}.`,
    ),
    alpha: optional(notNegative, `sce: weight of cross-entropy; default ${ROWS.sce.keys.alpha}.`),
    beta: optional(
      notNegative,
      `sce: weight of reverse cross-entropy; default ${ROWS.sce.keys.beta}. elr: what remains of an example's target in each step; below 1; default ${ROWS.elr.keys.beta}.`,
    ),
    lambda: optional(
      notNegative,
      `elr: weight of the regularizer; default ${ROWS.elr.keys.lambda}, that of CIFAR-10 (7 and beta 0.9 of CIFAR-100).`,
    ),
    logZero: optional(
      z.number().negative(),
      `sce: what stands for ln 0; default ${ROWS.sce.keys.logZero}.`,
    ),
    correction: z
      .enum(CORRECTIONS)
      .default('none')
      .describe(
        'Correction of the cross-entropy for label noise (Patrini 2017), by the matrix T of how labels change.',
      ),
    transition: optional(
      z.enum(TRANSITIONS),
      'Where T comes from: known (default): from the corruption; estimated: from a training without correction; file.',
    ),
    file: optional(text, 'transition file: T as CSV or a JSON array, one row for each true class.'),
    warmupEpochs: optional(
      count(1_000_000),
      'transition estimated: epochs of the training that estimates T; default 10.',
    ),
  })
  .prefault({})
  .describe('What is minimized. Reported losses are the plain cross-entropy in any case.');

export type ParsedLoss = z.output<typeof lossSchema>;

/** A cross-entropy that is corrected for label noise. */
export interface CorrectedLossConfig {
  correction: Exclude<ParsedLoss['correction'], 'none'>;
  transition: (typeof TRANSITIONS)[number];
  /** transition file. */
  file?: string;
  /** transition estimated. */
  warmupEpochs?: number;
}

/** Another loss than the plain cross-entropy that needs no matrix. */
export type RobustLossConfig =
  | { name: 'cross-entropy'; smoothing: number }
  | { name: 'gce'; q: number }
  | { name: 'sce'; alpha: number; beta: number; logZero: number }
  | { name: 'elr'; lambda: number; beta: number };

/** The `loss` section of a resolved config; absent for the plain cross-entropy. */
export type LossConfig = CorrectedLossConfig | RobustLossConfig;

/** The correction that a loss is, if it is one. */
export function correctionOf(loss: LossConfig | undefined): CorrectedLossConfig | undefined {
  return loss !== undefined && 'correction' in loss ? loss : undefined;
}

/** Whether a loss can be that of a mixture of two examples. */
export function mixes(loss: LossConfig | undefined): boolean {
  return loss === undefined || !('name' in loss) || LOSSES[loss.name].mixes;
}

/** For people: `GCE, q 0.7`. */
const LABELS: { [N in LossName]: (loss: Extract<RobustLossConfig, { name: N }>) => string } = {
  'cross-entropy': ({ smoothing }) => `labels smoothed by ${smoothing}`,
  gce: ({ q }) => `GCE, q ${q}`,
  sce: ({ alpha, beta }) => `SCE, α ${alpha}, β ${beta}`,
  elr: ({ lambda, beta }) => `ELR, λ ${lambda}, β ${beta}`,
};

export function robustLossLabel(loss: RobustLossConfig): string {
  return (LABELS[loss.name] as (loss: RobustLossConfig) => string)(loss);
}

/** Epochs of the training that estimates T. */
const ESTIMATION_EPOCHS = 10;

/**
 * Nothing for the plain cross-entropy, so that the configs (and hashes) of plain runs know nothing of others.
 *
 * @throws KeyError (`usage`) for a key that would do nothing, or one that is missing.
 */
export function resolveLoss(parsed: ParsedLoss): { loss?: LossConfig } {
  const { name, smoothing, q, alpha, beta, logZero, lambda, ...corrected } = parsed;
  const keys = { smoothing, q, alpha, beta, logZero, lambda };
  const given = Object.entries(keys).filter(([, value]) => value !== undefined);
  const written = given.map(([key]) => key);
  refuseOthers('loss', name, written, { names: LOSS_NAMES, keysOf: (each) => LOSSES[each].keys });
  for (const [key, bound] of Object.entries(LOSSES[name].below ?? {})) {
    const value = keys[key as keyof LossKeys];
    if (value === undefined || value < bound) continue;
    throw new KeyError(
      `loss.${key}`,
      `must be below ${bound} with loss.name ${name}, not ${value}.`,
    );
  }
  const robust = { name, ...LOSSES[name].keys, ...Object.fromEntries(given) } as RobustLossConfig;
  const correction = resolveCorrection(corrected);
  const plain = robust.name === 'cross-entropy' && robust.smoothing === 0;
  if (correction !== undefined && !plain) {
    throw new KeyError(
      'loss.correction',
      `corrects the plain cross-entropy, and loss.${name === 'cross-entropy' ? 'smoothing' : 'name'} asks for another loss.`,
    );
  }
  const loss = correction ?? (plain ? undefined : robust);
  return loss === undefined ? {} : { loss };
}

function resolveCorrection(
  parsed: Pick<ParsedLoss, 'correction' | 'transition' | 'file' | 'warmupEpochs'>,
): CorrectedLossConfig | undefined {
  const { correction, file, warmupEpochs } = parsed;
  const given = Object.entries(parsed).filter(([, value]) => value !== undefined);
  if (correction === 'none') {
    const idle = given.find(([key]) => key !== 'correction');
    if (idle !== undefined) {
      throw new KeyError(`loss.${idle[0]}`, 'is for loss.correction forward or backward.');
    }
    return undefined;
  }
  const transition = parsed.transition ?? 'known';
  if (file !== undefined && transition !== 'file') {
    throw new KeyError('loss.file', `is for loss.transition file, not ${transition}.`);
  }
  if (file === undefined && transition === 'file') {
    throw new KeyError('loss.file', 'is missing: loss.transition file needs it.');
  }
  if (warmupEpochs !== undefined && transition !== 'estimated') {
    throw new KeyError('loss.warmupEpochs', `is for loss.transition estimated, not ${transition}.`);
  }
  return {
    correction,
    transition,
    ...(file === undefined ? {} : { file }),
    ...(transition === 'estimated' ? { warmupEpochs: warmupEpochs ?? ESTIMATION_EPOCHS } : {}),
  };
}
