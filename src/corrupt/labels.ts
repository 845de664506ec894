import type { CorruptionConfig } from '../config/resolve.js';
import type { CorruptionKind } from '../config/schema.js';
import type { SplitName } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { Random } from '../random.js';
import { MISTAKEN_FOR } from './asymmetric.js';

/** What a label corruption drew for one example. */
export interface LabelDraw {
  /** Whether the example was selected; its label may still come out the same. */
  drawn: boolean;
  /** The label after the corruption. */
  label: number;
}

const LABEL_KINDS: CorruptionKind[] = [
  'partial-labels',
  'random-labels',
  'flip-labels',
  'asymmetric-flips',
  'label-file',
];

/** Whether a kind changes labels (the others change pixels). */
export function isLabelCorruption(kind: CorruptionKind): boolean {
  return LABEL_KINDS.includes(kind);
}

/**
 * Draws one example's label: a pure function of its arguments (Zhang2017, section 2; PAPER.md, section 2).
 *
 * - `partial-labels`: with probability `fraction` a class uniform over all classes, the true one among them.
 * - `random-labels`: the same with `fraction` 1, from the same draws.
 * - `flip-labels`: with probability `fraction` a class uniform over the others.
 * - `asymmetric-flips`: with probability `fraction` the class of CIFAR-10 that it is mistaken for, if there is one.
 * - pixel corruptions, and labels that come from a file: the label as it is.
 *
 * The number that decides and the class that replaces don't depend on `fraction`: for one seed, the labels corrupted at
 * 0.3 are among those corrupted at 0.5 and get the same classes, so that curves over `fraction` are less noisy.
 *
 * @param index The example's position in its source, not in a subset.
 * @param label Class before the corruption, 0…classes−1.
 * @throws RethinkError (`usage`) for `flip-labels` where there is no other class.
 */
export function drawLabel(
  corruption: CorruptionConfig,
  seed: number,
  split: SplitName,
  index: number,
  label: number,
  classes: number,
): LabelDraw {
  const { kind } = corruption;
  if (!isLabelCorruption(kind) || kind === 'label-file') return { drawn: false, label };
  const flip = kind === 'flip-labels';
  if (flip && classes < 2) {
    throw new RethinkError('usage', `flip-labels can't flip a label among ${classes} class.`, {
      hint: 'It needs a data set of at least two classes.',
    });
  }
  const stream = kind === 'asymmetric-flips' ? 'asymmetric' : flip ? 'flip' : 'replace';
  const random = new Random(seed, `labels/${stream}/${split}`, index);
  const drawn = random.uniform() < (kind === 'random-labels' ? 1 : corruption.fraction);
  if (!drawn) return { drawn, label };
  if (kind === 'asymmetric-flips') return { drawn, label: MISTAKEN_FOR[label]! };
  if (!flip) return { drawn, label: random.integer(classes) };
  const other = random.integer(classes - 1);
  return { drawn, label: other < label ? other : other + 1 };
}

/** The label of {@link drawLabel} alone. */
export function corruptLabel(
  corruption: CorruptionConfig,
  seed: number,
  split: SplitName,
  index: number,
  label: number,
  classes: number,
): number {
  return drawLabel(corruption, seed, split, index, label, classes).label;
}
