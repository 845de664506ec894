/** One line of a benchmark's output, as the peers in `scripts/bench` write it. */
export interface Measurement {
  /** Program that was measured, and in what form. */
  peer: string;
  form: string;
  model: string;
  /** `float32` (no TF32), `tf32` or `bfloat16`. */
  precision: string;
  train_images_per_second: number;
  device: string;
}

/** Images of one epoch of CIFAR-10. */
const EPOCH = 50_000;
/** Arithmetic of one training step of the small Inception for each image, in FLOP. */
const INCEPTION_FLOP = 1.22e9;

export const OURS = 'rethink-gen xla';

/**
 * Lines of JSON as a table: ours beside each peer of the same model and precision, as images per second and ratios.
 * Lines that are not measurements (a peer's own output) are left out.
 */
export function comparisonTable(lines: string): string {
  const measurements = lines.split('\n').flatMap((line) => parse(line));
  const groups = new Map<string, Measurement[]>();
  for (const measurement of measurements) {
    const key = `${measurement.model} ${measurement.precision}`;
    groups.set(key, [...(groups.get(key) ?? []), measurement]);
  }
  const rows: string[][] = [];
  for (const [key, group] of groups) {
    const ours = group.find(({ peer }) => peer === OURS)?.train_images_per_second;
    for (const { peer, form, train_images_per_second: rate, device } of group) {
      const ratio = ours && peer !== OURS ? (ours / rate).toFixed(2) : '';
      const epoch = (EPOCH / rate).toFixed(2);
      const flops = key.startsWith('inception') ? ((rate * INCEPTION_FLOP) / 1e12).toFixed(1) : '';
      rows.push([key, `${peer} ${form}`, rate.toFixed(0), epoch, flops, ratio, device]);
    }
  }
  return format([
    ['model, precision', 'program', 'images/s', 's/epoch', 'TFLOP/s', 'ours ÷ it', 'device'],
    ...rows,
  ]);
}

function parse(line: string): Measurement[] {
  try {
    const value = JSON.parse(line) as Partial<Measurement>;
    return typeof value?.train_images_per_second === 'number' ? [value as Measurement] : [];
  } catch {
    return [];
  }
}

function format(rows: string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
