/**
 * Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of two
 * neighbors that turn one word into the other.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, beforeLast[j - 2]! + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The candidate a person most likely meant, or `undefined` where none is near: at most a third of the letters may
 * differ. Case, dashes and underscores count for nothing (`learning_rate` is `learningRate`), and a beginning of three
 * letters is near (`frac`).
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = simplified(word);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  if (plain.length > 100) return undefined;
  for (const candidate of candidates) {
    const other = simplified(candidate);
    const isBeginning = plain.length >= 3 && other.startsWith(plain);
    const distance = isBeginning ? 1 : editDistance(plain, other);
    const allowed = Math.max(1, Math.floor(Math.max(plain.length, other.length) / 3));
    if (distance <= allowed && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function simplified(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}
