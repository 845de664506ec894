/** One line of a benchmark's output. */
export interface Measurement {
  /** Program that was measured. */
  who: string;
  model: string;
  /** `float32` (no TF32), `tf32` or `bfloat16`. */
  precision: string;
  imagesPerSecond: number;
  device: string;
  /** From the start of the program to the first step that could run. */
  readySeconds?: number;
}

/** Images of one epoch of CIFAR-10. */
const EPOCH = 50_000;
/** Arithmetic of one training step of the small Inception for each image, in FLOP. */
const INCEPTION_FLOP = 1.22e9;

const OURS = 'rethink-gen xla';

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
    const ours = group.find(({ who }) => who === OURS);
    for (const { who, imagesPerSecond, device } of group) {
      const ratio = ours && who !== OURS ? (ours.imagesPerSecond / imagesPerSecond).toFixed(2) : '';
      const epoch = (EPOCH / imagesPerSecond).toFixed(2);
      const flops = key.startsWith('inception')
        ? ((imagesPerSecond * INCEPTION_FLOP) / 1e12).toFixed(1)
        : '';
      rows.push([key, who, imagesPerSecond.toFixed(0), epoch, flops, ratio, device]);
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
    return typeof value?.imagesPerSecond === 'number' ? [value as Measurement] : [];
  } catch {
    return [];
  }
}

function format(rows: string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
