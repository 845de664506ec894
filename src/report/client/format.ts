/** A value as the key, the table and the readout tell it: fractions as percent, others with as many digits as are kept. */
export function formatValue(value: number | null | undefined, format?: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (format?.endsWith('%')) return `${(100 * value).toFixed(2)} %`;
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return String(Number(value.toPrecision(5)));
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
