import type { DataMeasurement } from '../../bench/data.js';
import type { BenchCase, Measurement } from '../../bench/types.js';
import { deviceName } from '../../engines/devices.js';
import type { Environment } from '../../machine/environment.js';
import { grouped, prose } from '../../text.js';
import { type Column, columnLine, columnsFor } from './columns.js';

/** A case that was measured, or why it was not. */
export type BenchOutcome = { bench: BenchCase } & (
  | { measurement: Measurement }
  | { problem: string }
);

const COLUMNS: Column<Measurement>[] = [
  { title: 'model', width: 12, left: true, cell: ({ model }) => model },
  { title: 'engine', width: 10, left: true, cell: ({ engine }) => engine.name },
  { title: 'precision', width: 9, left: true, cell: ({ engine }) => engine.precision },
  { title: 'mode', width: 8, left: true, cell: ({ engine }) => engine.mode },
  { title: 'train/s', width: 8, cell: (m) => rate(m.train_images_per_second) },
  {
    title: 'range',
    width: 15,
    cell: ({ train_rounds }) =>
      `${rate(Math.min(...train_rounds))}–${rate(Math.max(...train_rounds))}`,
  },
  { title: 'evaluate/s', width: 10, cell: (m) => rate(m.evaluate_images_per_second) },
  { title: 'GFLOP/image', width: 11, cell: (m) => m.train_gflop_per_image.toPrecision(3) },
  { title: 'GFLOP/s', width: 7, cell: (m) => rate(m.train_gflop_per_second) },
  { title: 'compile s', width: 9, cell: (m) => m.compile_seconds.toFixed(2) },
  { title: 'peak MiB', width: 8, cell: (m) => grouped(Math.round(m.peak_rss_bytes / 2 ** 20)) },
];
/** Left out where a terminal is too narrow, the first one first; `--json` has all. */
const SPARE = ['GFLOP/image', 'peak MiB', 'range', 'compile s', 'GFLOP/s', 'mode', 'precision'];

const columnsIn = (width: number) => columnsFor(COLUMNS, SPARE, width);

/** The heading of the rows. */
export function benchHeading(width: number): string {
  return columnLine(columnsIn(width), ({ title }) => title);
}

/** A case as a row, measured or failed. */
export function benchRow(outcome: BenchOutcome, width: number): string {
  const columns = columnsIn(width);
  if ('measurement' in outcome) return columnLine(columns, ({ cell }) => cell(outcome.measurement));
  const { model, engine } = outcome.bench;
  const known: Record<string, string> = {
    model,
    engine: engine.name,
    precision: engine.precision,
    mode: engine.eager ? 'eager' : 'compiled',
    'train/s': 'failed',
  };
  return columnLine(columns, ({ title }) => known[title] ?? '');
}

/** What is common to all rows, and how to read them. */
export function benchConditions(
  outcomes: readonly BenchOutcome[],
  { cpu, gpus, node, rethink_gen }: Environment,
  width: number,
): string {
  const [first] = outcomes;
  if (first === undefined) return '';
  const { batchSize, seconds, rounds } = first.bench;
  const machine = [`${cpu.cores} × ${cpu.model}`, ...gpus.map(({ name }) => name)].join(', ');
  const conditions = `batch ${batchSize}, medians of ${rounds} × ${seconds} s; rethink-gen ${rethink_gen.version}, Node ${node}, ${machine}`;
  const engines = outcomes.flatMap((outcome) =>
    'measurement' in outcome ? [engineOf(outcome.measurement)] : [],
  );
  const lines = [...new Set(engines), conditions, READING];
  return `\n${prose(lines.join('\n'), width)}`;
}

function engineOf({ engine }: Measurement): string {
  const threads = engine.threads === undefined ? '' : `, ${engine.threads} threads`;
  return `${engine.name} ${engine.version} on ${deviceName(engine)}${threads}`;
}

const READING = `train/s, evaluate/s: images a second; GFLOP/image: convolutions and dense layers of one training step; GFLOP/s: what training reached of it.
compile s: before the first step, beyond what a step takes; peak MiB: of the process, libraries included.
`;

/** Of what is measured of the data; a longer path moves its own row alone. */
const DATA_WIDTH = 45;

/** The heading of what prepares images, and a row of it. */
export const dataHeading = (): string => dataLine('data', 'images/s', 'range');

export function dataRow({ what, images_per_second, rounds }: DataMeasurement): string {
  const range = `${rate(Math.min(...rounds))}–${rate(Math.max(...rounds))}`;
  return dataLine(what, rate(images_per_second), range);
}

function dataLine(what: string, speed: string, range: string): string {
  return `${what.padEnd(DATA_WIDTH)}  ${speed.padStart(9)}  ${range.padStart(17)}\n`;
}

/** Three digits say all that a timing knows; thousands are whole. */
function rate(value: number): string {
  return value < 100 ? value.toPrecision(3) : grouped(Math.round(value));
}
