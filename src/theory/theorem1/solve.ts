/** A sum that also keeps what rounding took from it (Neumaier 1974): as exact as in twice the precision. */
class CompensatedSum {
  private high = 0;
  private low = 0;

  add(term: number): void {
    const sum = this.high + term;
    this.low +=
      Math.abs(this.high) >= Math.abs(term) ? this.high - sum + term : term - sum + this.high;
    this.high = sum;
  }

  get value(): number {
    return this.high + this.low;
  }
}

/** c(x) = Σⱼ wⱼ·max(x − bⱼ, 0) in one variable, thresholds ascending. */
export interface Ramp {
  thresholds: Float64Array;
  slopes: Float64Array;
}

/**
 * Where in a gap its threshold lies. A slope s meant for one gap runs on to the threshold of the next and has to be
 * undone there, which multiplies it by f/(1 − f): halfway, errors and slopes would never fade; a quarter of the way they
 * shrink to a third at every point.
 */
const THRESHOLD_FRACTION = 0.25;

/**
 * Interleaved thresholds b₁ < x₁ < b₂ < x₂ < … (Zhang2017, Lemma 1).
 *
 * @param x Ascending, [n].
 */
export function interleave(x: Float64Array): Float64Array {
  const thresholds = new Float64Array(x.length);
  const spread = x.at(-1)! - x[0]!;
  thresholds[0] = x[0]! - (spread > 0 ? spread / x.length : 1);
  for (let i = 1; i < x.length; i++) {
    thresholds[i] = x[i - 1]! + THRESHOLD_FRACTION * (x[i]! - x[i - 1]!);
  }
  return thresholds;
}

/**
 * Solves the triangular system Aw = y, A = [max(xᵢ − bⱼ, 0)], in O(n): c is piecewise linear, so its value at the last
 * point and its slope there say all that forward substitution would sum up. The slope is the compensated sum of the
 * rounded weights, so a rounding error is seen and corrected at the next point instead of running on to the last.
 */
export function solveSlopes(x: Float64Array, thresholds: Float64Array, y: Float64Array): Ramp {
  const slopes = new Float64Array(x.length);
  const slope = new CompensatedSum();
  let value = 0;
  for (let i = 0; i < x.length; i++) {
    const run = i === 0 ? 0 : x[i]! - x[i - 1]!;
    const extrapolated = value + slope.value * run;
    const reach = x[i]! - thresholds[i]!;
    slopes[i] = (y[i]! - extrapolated) / reach;
    value = extrapolated + slopes[i]! * reach;
    slope.add(slopes[i]!);
  }
  return { thresholds, slopes };
}

/**
 * ‖A‖∞·‖A⁻¹‖∞. The inverse's signs alternate like a chessboard's colors, so the alternating vector attains its norm.
 */
export function conditionNumber(x: Float64Array, thresholds: Float64Array): number {
  const last = x.at(-1)!;
  // The last point is the farthest from every threshold: its row has the largest sum.
  const norm = thresholds.reduce((sum, threshold) => sum + (last - threshold), 0);
  const alternating = x.map((_, i) => (i % 2 === 0 ? 1 : -1));
  return norm * maxAbs(solveSlopes(x, thresholds, alternating).slopes);
}

/** A is triangular, so its eigenvalues are its diagonal: the smallest is min (xᵢ − bᵢ) (Zhang2017, Lemma 1). */
export function smallestEigenvalue(x: Float64Array, thresholds: Float64Array): number {
  return x.reduce((least, point, i) => Math.min(least, point - thresholds[i]!), Infinity);
}

export function maxAbs(values: Float64Array): number {
  return values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}
