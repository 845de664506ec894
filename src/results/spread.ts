/** Mean and range of some seeds. */
export interface Spread {
  mean: number;
  low: number;
  high: number;
  count: number;
}

/** `null` where there is no number to speak of. */
export function spread(values: readonly (number | null | undefined)[]): Spread | null {
  const finite = values
    .filter((value) => value !== null && value !== undefined)
    .filter(Number.isFinite);
  if (finite.length === 0) return null;
  return {
    mean: finite.reduce((sum, value) => sum + value, 0) / finite.length,
    low: finite.reduce((a, b) => Math.min(a, b)),
    high: finite.reduce((a, b) => Math.max(a, b)),
    count: finite.length,
  };
}
