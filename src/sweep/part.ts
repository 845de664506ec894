/** A part of a sweep's trials: every `of`-th one from the `index`-th on, both from 1. */
export interface SweepPart {
  index: number;
  of: number;
}

/** The trials of a sweep, in order, that a process is asked for; all parts of one sweep together are all of it. */
export function wantedTrials<T>(
  all: readonly T[],
  { part, maxTrials }: { part?: SweepPart | undefined; maxTrials?: number | undefined },
): T[] {
  const first = all.slice(0, maxTrials);
  return part === undefined ? first : first.filter((_, i) => i % part.of === part.index - 1);
}
