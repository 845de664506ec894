/** A pair of numbers of each run: of a measure, and of what it should follow. */
export type Pairs = readonly (readonly [x: number, y: number])[];

interface Counts {
  /** Pairs of runs in the same order by both, and in opposite orders. */
  concordant: number;
  discordant: number;
  /** Pairs alike in x alone, y alone, both. */
  tiedX: number;
  tiedY: number;
  tiedBoth: number;
}

function count(pairs: Pairs): Counts {
  const counts = { concordant: 0, discordant: 0, tiedX: 0, tiedY: 0, tiedBoth: 0 };
  for (const [i, [x, y]] of pairs.entries()) {
    for (const [otherX, otherY] of pairs.slice(i + 1)) {
      const [dx, dy] = [x - otherX, y - otherY];
      if (dx === 0 && dy === 0) counts.tiedBoth++;
      else if (dx === 0) counts.tiedX++;
      else if (dy === 0) counts.tiedY++;
      else if (dx > 0 === dy > 0) counts.concordant++;
      else counts.discordant++;
    }
  }
  return counts;
}

/**
 * Kendall's τ-b: (C − D)/√((C + D + Tx)(C + D + Ty)) with concordant, discordant and tied pairs (Kendall 1945).
 *
 * @returns `null` where all are tied in one, or there are fewer than two.
 */
export function kendallTauB(pairs: Pairs): number | null {
  const { concordant, discordant, tiedX, tiedY } = count(pairs);
  const untied = concordant + discordant;
  const all = Math.sqrt((untied + tiedX) * (untied + tiedY));
  return all === 0 ? null : (concordant - discordant) / all;
}

/** Standard deviation of τ among n runs where two numbers have nothing to do with each other and no ties. */
export function tauDeviation(n: number): number {
  return Math.sqrt((2 * (2 * n + 5)) / (9 * n * (n - 1)));
}

/**
 * Granulated Kendall coefficient ψ of a hyperparameter (Jiang 2020, section 2.2.2): the mean, over the settings of all others,
 * of the rank correlation among runs that differ in this one alone, ties counted 0.
 *
 * @param groups Of runs that agree in all else; those of one run say nothing.
 * @returns `null` where no two runs differ in it alone.
 */
export function granulatedKendall(groups: Iterable<Pairs>): number | null {
  const coefficients = [...groups]
    .filter((pairs) => pairs.length > 1)
    .map((pairs) => {
      const { concordant, discordant } = count(pairs);
      return (concordant - discordant) / ((pairs.length * (pairs.length - 1)) / 2);
    });
  return meanOf(coefficients);
}

/** `null` of nothing. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
