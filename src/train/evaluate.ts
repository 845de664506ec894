import type { CountedEvalChunk } from '../batches/chunks.js';
import type { Session } from '../engines/types.js';

/** What a network says of each example of a split, in the split's order. */
export interface Evaluation {
  /** Cross-entropy with the labels of the chunks, [count]. */
  loss: Float32Array;
  /** Predicted class, [count]. */
  prediction: Int32Array;
  /** Classes that come before the label of the chunks, [count]. */
  rank: Int32Array;
  /** Logit of the label minus the greatest other one, [count]; where the program gives it. */
  margin?: Float32Array;
}

/**
 * Evaluates a split in inference mode with the session's current weights.
 *
 * @param count Examples in the split.
 */
export async function evaluateSplit(
  session: Session,
  chunks: Iterable<CountedEvalChunk> | AsyncIterable<CountedEvalChunk>,
  count: number,
): Promise<Evaluation> {
  const loss = new Float32Array(count);
  const prediction = new Int32Array(count);
  const rank = new Int32Array(count);
  let margin: Float32Array | undefined;
  let done = 0;
  for await (const chunk of chunks) {
    const metrics = await session.evalChunk(chunk);
    loss.set(metrics.loss.subarray(0, chunk.count), done);
    prediction.set(metrics.prediction.subarray(0, chunk.count), done);
    rank.set(metrics.rank.subarray(0, chunk.count), done);
    if (metrics.margin !== undefined) {
      margin ??= new Float32Array(count);
      margin.set(metrics.margin.subarray(0, chunk.count), done);
    }
    done += chunk.count;
  }
  return { loss, prediction, rank, ...(margin && { margin }) };
}

/** Mean in double precision; NaN for nothing. */
export function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Fraction of examples whose label is among the `k` classes that come first; NaN for nothing. */
export function topAccuracy(rank: Int32Array, k: number): number {
  return rank.reduce((sum, r) => sum + (r < k ? 1 : 0), 0) / rank.length;
}

/**
 * Fraction of examples whose prediction is the label, over those that `among` marks with `marked` (all without it);
 * `null` where there are none.
 */
export function accuracy(
  prediction: Int32Array,
  labels: Int32Array,
  among?: { mask: Uint8Array; marked: 0 | 1 },
): number | null {
  let right = 0;
  let total = 0;
  for (let i = 0; i < prediction.length; i++) {
    if (among !== undefined && among.mask[i] !== among.marked) continue;
    total++;
    if (prediction[i] === labels[i]) right++;
  }
  return total === 0 ? null : right / total;
}
