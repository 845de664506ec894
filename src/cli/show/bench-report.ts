import type { DataMeasurement } from '../../bench/data.js';
import type { BenchCase, Measurement } from '../../bench/types.js';
import type { Environment } from '../../machine/environment.js';
import { grouped } from '../../text.js';
import { table } from './table.js';

/** A case that was measured, or why it was not. */
export type BenchOutcome = { bench: BenchCase } & (
  | { measurement: Measurement }
  | { problem: string }
);

/** The cases as a table, with what is common to all of them and how to read it. */
export function benchReport(
  outcomes: readonly BenchOutcome[],
  { cpu, gpus, node, rethink_gen }: Environment,
): string {
  const [first] = outcomes;
  if (first === undefined) return '';
  const { batchSize, seconds, rounds } = first.bench;
  const machine = [`${cpu.cores} × ${cpu.model}`, ...gpus.map(({ name }) => name)].join(', ');
  const conditions = `batch ${batchSize}, medians of ${rounds} × ${seconds} s; rethink-gen ${rethink_gen.version}, Node ${node}, ${machine}`;
  const head = [
    'model',
    'engine',
    'precision',
    'mode',
    'train images/s',
    'range',
    'evaluate images/s',
    'GFLOP/image',
    'GFLOP/s',
    'compile s',
    'peak MiB',
  ];
  return `${table([head, ...outcomes.map(row)], [1, 2, 3])}\n${conditions}\n${READING}`;
}

const READING = `GFLOP/image: convolutions and dense layers of one training step; GFLOP/s: what training reached of it.
compile s: before the first step, beyond what a step takes; peak MiB: of the process, libraries included.
`;

function row(outcome: BenchOutcome): string[] {
  if ('problem' in outcome) {
    const { model, engine } = outcome.bench;
    return [model, engine.name, engine.precision, engine.eager ? 'eager' : 'compiled', 'failed'];
  }
  const { engine, ...m } = outcome.measurement;
  const threads = engine.threads === undefined ? '' : `, ${engine.threads} threads`;
  return [
    m.model,
    `${engine.name} ${engine.version} (${engine.device}${threads})`,
    engine.precision,
    engine.mode,
    rate(m.train_images_per_second),
    `${rate(Math.min(...m.train_rounds))}–${rate(Math.max(...m.train_rounds))}`,
    rate(m.evaluate_images_per_second),
    m.train_gflop_per_image.toPrecision(3),
    rate(m.train_gflop_per_second),
    m.compile_seconds.toFixed(2),
    grouped(Math.round(m.peak_rss_bytes / 2 ** 20)),
  ];
}

/** Images a second on the way to the engine. */
export function dataReport(measurements: readonly DataMeasurement[]): string {
  const rows = measurements.map(({ what, images_per_second, rounds }) => [
    what,
    rate(images_per_second),
    `${rate(Math.min(...rounds))}–${rate(Math.max(...rounds))}`,
  ]);
  return table([['data', 'images/s', 'range'], ...rows]);
}

/** Three digits say all that a timing knows; thousands are whole. */
function rate(value: number): string {
  return value < 100 ? value.toPrecision(3) : grouped(Math.round(value));
}
