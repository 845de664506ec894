import { z } from 'zod';
import { KeyError } from './problems.js';
import { count, optional, text } from './values.js';

export const CORRECTIONS = ['none', 'forward', 'backward'] as const;
export const TRANSITIONS = ['known', 'estimated', 'file'] as const;

/** The `loss` section as a person writes it. */
export const lossSchema = z
  .strictObject({
    correction: z
      .enum(CORRECTIONS)
      .default('none')
      .describe(
        'Correction of the training loss for label noise (Patrini 2017), by the matrix T of how labels change.',
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

/** The `loss` section of a resolved config; absent where nothing is corrected. */
export interface LossConfig {
  correction: Exclude<ParsedLoss['correction'], 'none'>;
  transition: (typeof TRANSITIONS)[number];
  /** transition file. */
  file?: string;
  /** transition estimated. */
  warmupEpochs?: number;
}

/** Epochs of the training that estimates T. */
const ESTIMATION_EPOCHS = 10;

/**
 * Nothing without a correction, so that the configs (and hashes) of plain runs know nothing of it.
 *
 * @throws KeyError (`usage`) for a key that would do nothing, or one that is missing.
 */
export function resolveLoss(parsed: ParsedLoss): { loss?: LossConfig } {
  const { correction, file, warmupEpochs } = parsed;
  const given = Object.entries(parsed).filter(([, value]) => value !== undefined);
  if (correction === 'none') {
    const idle = given.find(([key]) => key !== 'correction');
    if (idle !== undefined) {
      throw new KeyError(`loss.${idle[0]}`, 'is for loss.correction forward or backward.');
    }
    return {};
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
    loss: {
      correction,
      transition,
      ...(file === undefined ? {} : { file }),
      ...(transition === 'estimated' ? { warmupEpochs: warmupEpochs ?? ESTIMATION_EPOCHS } : {}),
    },
  };
}
