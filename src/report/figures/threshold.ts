import { grouped } from '../../text.js';
import type { Mark } from '../charts/chart.js';

/**
 * Mean training accuracy, on the labels trained on, from which a training set counts as interpolated. Nakkiran 2020 (section 2)
 * has 'train error at most ε', and leaves ε open; what was trained on flipped labels is not at 100 % in every seed and epoch.
 */
export const INTERPOLATED_ACCURACY = 0.99;

/** A place on an axis with the mean training accuracy there. */
export interface Fit {
  x: number;
  accuracy: number;
}

/** Whether a training set is fitted from the threshold on (larger networks, more epochs), or up to it (more examples). */
export type Way = 'from' | 'up to';

/**
 * Where the mean training accuracy first crosses 99 %: between two places, at the same part of the way on a logarithmic axis
 * as on the way from one accuracy to the other.
 *
 * @param fits Ascending by x, which is above 0.
 * @returns `null` where all places that there are lie on one side of it.
 */
export function interpolationThreshold(fits: readonly Fit[], way: Way): number | null {
  const isBeyond = ({ accuracy }: Fit) => accuracy >= INTERPOLATED_ACCURACY === (way === 'from');
  const at = fits.findIndex(isBeyond);
  if (at <= 0) return null;
  const [before, after] = [fits[at - 1]!, fits[at]!];
  const part = (INTERPOLATED_ACCURACY - before.accuracy) / (after.accuracy - before.accuracy);
  return before.x * (after.x / before.x) ** part;
}

/** What a line of a figure comes to. */
export interface Crossing {
  /** The name of its series, too. */
  condition: string;
  threshold: number | null;
}

/** A rule across the figure for each threshold that there is, ascending. */
export function marksOf(crossings: readonly Crossing[]): Mark[] {
  const found = crossings.flatMap(({ condition, threshold }) =>
    threshold === null ? [] : [{ condition, x: threshold }],
  );
  found.sort((a, b) => a.x - b.x);
  return found.map(({ condition, x }) => ({
    series: condition,
    x,
    label: found.length > 1 ? `threshold, ${condition}` : 'interpolation threshold',
  }));
}

/** A sentence on where thresholds lie. @param what Of the axis: `width k`. */
export function thresholdNote(crossings: readonly Crossing[], what: string): string {
  const told = crossings.map(({ condition, threshold }) => {
    const place =
      threshold === null
        ? 'not crossed here'
        : `about ${grouped(Number(threshold.toPrecision(2)))}`;
    return `${condition}: ${place}`;
  });
  return `Interpolation threshold (the ${what} at which the mean training accuracy on the given labels crosses ${100 * INTERPOLATED_ACCURACY} %): ${told.join('; ')}.`;
}
