/** A value as the key, the table and the readout tell it: fractions as percent, others with as many digits as are kept. */
export function formatValue(value: number | null | undefined, format?: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (format?.endsWith('%')) return `${(100 * value).toFixed(2)} %`;
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return String(Number(value.toPrecision(5)));
}

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

/** Labels of an axis: as few digits as tell its ticks apart. */
export function formatTicks(ticks: readonly (number | null)[], format?: string): string[] {
  const percent = format?.endsWith('%') ?? false;
  return ticks.map((tick) => {
    if (tick === null) return '';
    const value = percent ? 100 * tick : tick;
    const size = Math.abs(value);
    const text =
      size >= 1e6 || (size < 1e-3 && size > 0)
        ? value.toExponential().replace('e+', 'e')
        : Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 6 });
    return percent ? `${text} %` : text;
  });
}
