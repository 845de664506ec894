import {
  hasMemorization,
  readMemorization,
  type StoredMemorization,
} from '../../record/memorization.js';
import type { ShownExample } from './summary.js';

/** A memorized training example beside a test example that depends on it. */
export interface ShownPair {
  train: ShownExample;
  test: { index: number; label: number };
  influence: number;
  error: number;
}

/** What the scores of `experiment: memorization` come to, in little. */
export interface MemorizationSummary {
  count: number;
  changed: number;
  classes: readonly string[];
  /** Share of changed and of unchanged examples whose score is at least `scores[k]`. */
  scores: number[];
  reached: { changed: number[]; unchanged: number[] };
  most: ShownExample[];
  /** Of those whose label is as it was; empty where no label is changed. */
  unchanged: ShownExample[];
  pairs: ShownPair[];
  /** Pairs whose influence reaches the threshold. */
  found: number;
}

/** Scores between which the distribution is drawn. */
const STEP = 0.02;
/** Images of a grid, and pairs. */
const SHOWN = 24;
const SHOWN_PAIRS = 16;

/**
 * Reads the scores of a run.
 *
 * @returns `null` where it has none. @throws RethinkError (`data`) where the file is damaged.
 */
export function summarizeMemorization(directory: string): MemorizationSummary | null {
  if (!hasMemorization(directory)) return null;
  const stored = readMemorization(directory);
  const { labels, scores, pairs } = stored;
  const { memorization } = scores;
  const ranked = [...memorization.keys()]
    .filter((i) => !Number.isNaN(memorization[i]!))
    .sort((a, b) => memorization[b]! - memorization[a]! || a - b);
  const changed = labels.changed.reduce((sum, flag) => sum + flag, 0);
  const least = Math.min(0, memorization[ranked.at(-1) ?? -1] ?? 0);
  const first = Math.floor(least / STEP);
  const grid = Array.from({ length: Math.round(1 / STEP) - first + 1 }, (_, k) =>
    Number(((first + k) * STEP).toFixed(4)),
  );
  const reachedBy = (flag: 0 | 1) => {
    const own = ranked.flatMap((i) => (labels.changed[i] === flag ? [memorization[i]!] : []));
    // What is added in float32 may fall short of a round number by a hair.
    const share = (score: number) => own.filter((each) => each >= score - 1e-6).length / own.length;
    return own.length === 0 ? [] : grid.map(share);
  };
  const shown = (of: number[]) => of.slice(0, SHOWN).map((i) => shownExample(stored, i));
  return {
    count: labels.index.length,
    changed,
    classes: labels.classes,
    scores: grid,
    reached: { changed: reachedBy(1), unchanged: reachedBy(0) },
    most: shown(ranked),
    unchanged: changed === 0 ? [] : shown(ranked.filter((i) => labels.changed[i] === 0)),
    pairs: shownPairs(stored),
    found: pairs.found,
  };
}

function shownExample({ labels, scores, prediction }: StoredMemorization, i: number): ShownExample {
  const [score, error] = [scores.memorization[i]!, scores.standard_error[i]!];
  return {
    index: labels.index[i]!,
    given_label: labels.given_label[i]!,
    true_label: labels.true_label[i]!,
    prediction: prediction[i]!,
    note: `${score.toFixed(2)} ± ${error.toFixed(2)}`,
  };
}

/** Those of the greatest influence, each test example once: one image that many depend on would fill the page. */
function shownPairs(stored: StoredMemorization): ShownPair[] {
  const { pairs, test } = stored;
  const seen = new Set<number>();
  const shown: ShownPair[] = [];
  for (const [k, at] of pairs.test.entries()) {
    if (shown.length === SHOWN_PAIRS) break;
    if (seen.has(at)) continue;
    seen.add(at);
    shown.push({
      train: shownExample(stored, pairs.train[k]!),
      test: { index: test.index[at]!, label: test.label[at]! },
      influence: pairs.influence[k]!,
      error: pairs.standard_error[k]!,
    });
  }
  return shown;
}
