import { resolve } from 'node:path';
import { requireFree } from '../record/export.js';
import { readMemorization } from '../record/memorization.js';
import { type Detection, detection, ranking } from '../results/examples.js';
import { type RankOptions, writeSuspects } from './examples.js';

/** A training example with its memorization; `null` where it has none. */
export interface MemorizedExample {
  index: number;
  true_label: number;
  given_label: number;
  drawn: boolean;
  changed: boolean;
  members_in: number;
  members_out: number;
  accuracy_in: number | null;
  accuracy_out: number | null;
  memorization: number | null;
  standard_error: number | null;
  /** Predicted by most members that were not trained on it. */
  prediction_out: number | null;
}

/** The examples that an experiment found to be memorized most. */
export interface MemorizedRanking {
  run_dir: string;
  by: 'memorization';
  classes: readonly string[];
  /** Training examples, and those whose label was changed. */
  count: number;
  changed: number;
  /** Examples without a score: they come last. */
  without_score: number;
  /** How well the score finds the changed labels; `null` where all or none are changed. */
  found: Detection | null;
  examples: MemorizedExample[];
}

/**
 * Ranks the training examples of `experiment: memorization`, those with the greatest score first.
 *
 * @param options `out`: as for `rankExamples`; relabeled as most members predict that were not trained on an example.
 * @throws RethinkError: `data` where the run has no scores, or their file is damaged; `usage` where `out` exists.
 */
export function rankMemorized(
  runDir: string,
  options: Omit<RankOptions, 'by'> & { out?: string | undefined },
): MemorizedRanking {
  const { top, changed: only, out } = options;
  if (out !== undefined) requireFree(out);
  const directory = resolve(runDir);
  const { labels, scores, prediction } = readMemorization(directory);
  const { memorization } = scores;
  const known = (i: number) => !Number.isNaN(memorization[i]!);
  const suspicion = memorization.map((score) => (Number.isNaN(score) ? -2 : score));
  const chosen = [...ranking(suspicion)]
    .filter((i) => only === undefined || (labels.changed[i] === 1) === only)
    .slice(0, top);
  if (out !== undefined) writeSuspects(out, labels, prediction, chosen);
  const number = (value: number) => (Number.isNaN(value) ? null : value);
  return {
    run_dir: directory,
    by: 'memorization',
    classes: labels.classes,
    count: memorization.length,
    changed: labels.changed.reduce((sum, flag) => sum + flag, 0),
    without_score: memorization.filter((_, i) => !known(i)).length,
    found: detection(
      memorization.filter((_, i) => known(i)),
      labels.changed.filter((_, i) => known(i)),
    ),
    examples: chosen.map((i) => ({
      index: labels.index[i]!,
      true_label: labels.true_label[i]!,
      given_label: labels.given_label[i]!,
      drawn: labels.drawn[i] === 1,
      changed: labels.changed[i] === 1,
      members_in: scores.members_in[i]!,
      members_out: scores.members_out[i]!,
      accuracy_in: number(scores.accuracy_in[i]!),
      accuracy_out: number(scores.accuracy_out[i]!),
      memorization: number(memorization[i]!),
      standard_error: number(scores.standard_error[i]!),
      prediction_out: prediction[i]! < 0 ? null : prediction[i]!,
    })),
  };
}
