import type { CheckOutcome } from '../../bench/check.js';
import type { CompiledPart } from '../../engines/kind.js';
import { grouped, prose } from '../../text.js';
import { type Column, columnLine, columnsFor } from './columns.js';

type Cell = (compiled: CompiledPart) => string;

const number = (value: number | undefined) => (value === undefined ? '–' : grouped(value));
const megabytes = (bytes: number | undefined) =>
  bytes === undefined ? '–' : (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
const yes = (value: boolean | null) => (value === null ? '–' : value ? 'yes' : 'NO');

/** What is known of a program that compiled; of one that didn't there is no row. */
function measured(title: string, width: number, cell: Cell): Column<CheckOutcome> {
  return {
    title,
    width,
    cell: (outcome) => ('compiled' in outcome ? cell(outcome.compiled) : ''),
  };
}

const COLUMNS: Column<CheckOutcome>[] = [
  { title: 'target', width: 12, left: true, cell: ({ target }) => target },
  { title: 'model', width: 12, left: true, cell: ({ model }) => model },
  { title: 'precision', width: 9, left: true, cell: ({ precision }) => precision },
  { title: 'program', width: 8, left: true, cell: ({ part }) => part },
  measured('kernels', 7, ({ cost }) => number(cost?.kernels)),
  measured('reductions', 10, ({ cost }) => number(cost?.reductions)),
  measured('MB moved', 8, ({ cost }) => megabytes(cost?.bytesMoved)),
  measured('transposes', 10, ({ cost }) => number(cost?.activationTransposes)),
  measured('arguments MB', 12, ({ memory }) => megabytes(memory?.arguments)),
  measured('aliased MB', 10, ({ memory }) => megabytes(memory?.aliased)),
  measured('temporary MB', 12, ({ memory }) => megabytes(memory?.temporary)),
  measured('donated', 7, ({ donated }) => yes(donated)),
  measured('compile s', 9, ({ seconds }) => seconds.toFixed(1)),
];
/** Of several devices that share a batch. */
const EXCHANGED: Column<CheckOutcome>[] = [
  measured('exchanges', 9, ({ cost }) => number(cost?.exchanges)),
  measured('MB exchanged', 12, ({ cost }) => megabytes(cost?.bytesExchanged)),
];
/** Left out where a terminal is too narrow, the first one first; `--json` has all. */
const SPARE = [
  'compile s',
  'aliased MB',
  'arguments MB',
  'target',
  'temporary MB',
  'transposes',
  'donated',
];

const columnsIn = (devices: number, width: number) =>
  columnsFor(devices > 1 ? [...COLUMNS, ...EXCHANGED] : COLUMNS, SPARE, width);

export function checkHeading(devices: number, width: number): string {
  return columnLine(columnsIn(devices, width), ({ title }) => title);
}

/** A program as a row. */
export function checkRow(outcome: CheckOutcome, devices: number, width: number): string {
  const columns = columnsIn(devices, width);
  if ('compiled' in outcome) return columnLine(columns, ({ cell }) => cell(outcome));
  return columnLine(columns, ({ title, cell }) => (title === 'kernels' ? 'failed' : cell(outcome)));
}

/** The fields of `engine check --json`. */
export function checkJson(outcome: CheckOutcome, devices: number): object {
  const { target, model, precision, part } = outcome;
  const one = { target, devices, model, precision, program: part };
  if (!('compiled' in outcome)) {
    return { ...one, problem: outcome.problem.message, hint: outcome.problem.hint };
  }
  const { seconds, memory, donated, cost } = outcome.compiled;
  return {
    ...one,
    kernels: cost?.kernels ?? null,
    reductions: cost?.reductions ?? null,
    bytes_moved: cost?.bytesMoved ?? null,
    activation_transposes: cost?.activationTransposes ?? null,
    exchanges: cost?.exchanges ?? null,
    bytes_exchanged: cost?.bytesExchanged ?? null,
    argument_bytes: memory?.arguments ?? null,
    result_bytes: memory?.results ?? null,
    aliased_bytes: memory?.aliased ?? null,
    temporary_bytes: memory?.temporary ?? null,
    donated,
    compile_seconds: seconds,
  };
}

const READING = `kernels, reductions among them, MB moved, transposes of activations: of one step, as XLA's optimized program has them; nothing was run.
arguments, aliased (the state, replaced in place), temporary MB: of a whole call.
`;

const EXCHANGE = `exchanges: all-reduces of a step, and the megabytes that each gives to them.
`;

/** How to read the rows. */
export function checkConditions(batchSize: number, devices: number, width: number): string {
  const shared = devices > 1 ? `, shared by ${devices}, each of which does what is counted` : '';
  return `\n${prose(`batch ${batchSize}${shared}; ${READING}${devices > 1 ? EXCHANGE : ''}`, width)}`;
}
