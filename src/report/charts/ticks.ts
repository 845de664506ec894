/** Ticks of a logarithmic axis: powers of ten, or 1, 2 and 5 of each where those are few, or even steps within one. */
export function logTicks(low: number, high: number, most: number): number[] {
  const powers = (units: number[], step: number) => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += step) {
      for (const unit of units) ticks.push(Number(`${unit}e${power}`));
    }
    return ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  };
  const fine = powers([1, 2, 5], 1);
  if (fine.length < 3) return evenTicks(low, high, most);
  if (fine.length <= most) return fine;
  const decades = Math.log10(high) - Math.log10(low);
  return powers([1], Math.max(1, Math.ceil(decades / most)));
}

function evenTicks(low: number, high: number, most: number): number[] {
  const power = 10 ** Math.floor(Math.log10((high - low) / Math.max(1, most)));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((s) => (high - low) / s <= most)!;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
