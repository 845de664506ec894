import { sweptValues } from '../../config/swept.js';
import type { ColumnForm, NamedValue } from '../../record/listing/columns.js';
import type { ListedRun } from '../../record/listing/listed.js';
import { ended, type SeedGroup, spreadOf } from '../../record/listing/seeds.js';
import type { SweepProgress } from '../../record/listing/sweeps.js';
import { textOf } from '../../results/condition.js';
import { counted, duration, grouped, percent } from '../../text.js';
import { table } from './table.js';

/** The column of what was swept: it depends on what else is listed. */
export const SWEPT = 'swept';

/** A column as a table has it. */
export type ShownColumn = NamedValue | typeof SWEPT;

/** A line of the list, before it is text. */
export type Entry =
  | { kind: 'run'; run: ListedRun; of?: SweepProgress<ListedRun>; label?: string }
  | { kind: 'sweep'; sweep: SweepProgress<ListedRun> }
  | { kind: 'group'; group: SeedGroup };

const TELL: Record<ColumnForm, (value: unknown) => string> = {
  text: textOf,
  count: (value) => (typeof value === 'number' ? grouped(value) : textOf(value)),
  fraction: (value) => (typeof value === 'number' ? percent(value) : textOf(value)),
  seconds: (value) => (typeof value === 'number' ? duration(value) : textOf(value)),
  time: (value) => textOf(value).slice(0, 16).replace('T', ' '),
  number: (value) => (typeof value === 'number' ? shortNumber(value) : textOf(value)),
};

function shortNumber(value: number): string {
  return Number.isInteger(value) ? grouped(value) : value.toPrecision(4);
}

/** A range in as few digits as tell it. */
const RANGE: Record<ColumnForm, (low: number, high: number) => string> = {
  text: (low, high) => `${low}–${high}`,
  count: (low, high) => `${grouped(low)}–${grouped(high)}`,
  fraction: (low, high) => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)} %`,
  seconds: (low, high) => `${duration(low)}–${duration(high)}`,
  time: (low, high) => `${low}–${high}`,
  number: (low, high) => `${shortNumber(low)}–${shortNumber(high)}`,
};

const isText = (column: ShownColumn) =>
  column === SWEPT || column.form === 'text' || column.form === 'time';

/** What goes first where there is no room for all. */
const SPARE = ['started', 'seconds', 'generalization_gap'];

/**
 * Runs, sweeps or groups for a person, a line each.
 *
 * @param swept Keys in which they differ.
 * @param width Columns of the terminal. @param spares Whether columns may be left out there: nobody asked for them.
 */
export function runsTable(
  entries: readonly Entry[],
  columns: readonly ShownColumn[],
  swept: readonly string[],
  { width, spares }: { width?: number | undefined; spares: boolean },
): string {
  const header = columns.map((column) => (column === SWEPT ? SWEPT : column.title));
  const rows = entries.flatMap((entry) => rowsOf(entry, columns, swept));
  const left = columns.flatMap((column, i) => (isText(column) ? [i] : []));
  const spare = SPARE.flatMap((name) => {
    const at = columns.findIndex((column) => column !== SWEPT && column.name === name);
    return at < 0 ? [] : [at];
  });
  return table([header, ...rows], left, { width, header: true, spare: spares ? spare : [] });
}

function rowsOf(
  entry: Entry,
  columns: readonly ShownColumn[],
  swept: readonly string[],
): string[][] {
  switch (entry.kind) {
    case 'run':
      return [columns.map((column) => runCell(entry, column, swept))];
    case 'sweep':
      return [columns.map((column) => sweepCell(entry.sweep, column))];
    case 'group':
      return groupRows(entry.group, columns, swept);
  }
}

function runCell(
  { run, of, label }: Extract<Entry, { kind: 'run' }>,
  column: ShownColumn,
  swept: readonly string[],
): string {
  if (column === SWEPT) return label ?? sweptText(run, swept);
  const text = tell(column, column.values(run));
  // A trial stands beneath its sweep, which says the name.
  if (column.name === 'name' && of !== undefined) return run.name === of.name ? '  ·' : `  ${text}`;
  return text;
}

function tell({ form }: NamedValue, values: readonly unknown[]): string {
  const there = values.filter((value) => value !== null && value !== undefined);
  if (there.length === 0) return form === 'text' ? '' : '–';
  return there.map(TELL[form]).join(' + ');
}

/** More keys than these make a cell nobody reads; `--json` and `--csv` have all. */
const MOST_KEYS = 6;

/** `model.name=mlp, seed=1` */
function sweptText(run: ListedRun, keys: readonly string[]): string {
  if (run.problem !== null) return "(config.json can't be read)";
  const values = sweptValues(run.config, keys);
  const told = values.slice(0, MOST_KEYS).map(([key, value]) => `${key}=${textOf(value)}`);
  return [...told, ...(values.length > MOST_KEYS ? ['…'] : [])].join(', ');
}

function sweepCell(sweep: SweepProgress<ListedRun>, column: ShownColumn): string {
  if (column === SWEPT) {
    const keys = new Set(sweep.trials.flatMap(({ overrides }) => Object.keys(overrides)));
    return sweep.problem === null ? [...keys].join(' × ') : "(sweep.json can't be read)";
  }
  const runs = sweep.runs.filter((run) => run !== null);
  const cells: Record<string, () => string> = {
    name: () => sweep.name,
    state: () => sweepState(sweep),
    seconds: () => {
      const known = runs.flatMap(({ seconds }) => seconds ?? []);
      return known.length === 0 ? '–' : duration(known.reduce((sum, one) => sum + one, 0));
    },
    started: () => TELL.time(startOf(sweep)),
  };
  return cells[column.name]?.() ?? '';
}

/** When the first of its trials was begun. */
export function startOf({ runs }: SweepProgress<ListedRun>): string | null {
  const starts = runs.flatMap((run) => run?.started ?? []);
  return starts.length === 0 ? null : starts.reduce((a, b) => (a < b ? a : b));
}

/** Of a sweep's trials, how many are in each state, those that nobody has begun among them. */
export function sweepCounts({ runs }: SweepProgress<ListedRun>): Record<string, number> {
  return countsOf(runs.map((run) => run?.state ?? 'not begun'));
}

/** `3 of 12 done, 2 running` */
function sweepState(sweep: SweepProgress<ListedRun>): string {
  if (sweep.problem !== null) return 'damaged';
  const { finished = 0, diverged = 0, ...others } = sweepCounts(sweep);
  const { 'not begun': _, ...told } = others;
  return [`${finished + diverged} of ${sweep.trials.length} done`, ...countTexts(told)].join(', ');
}

function countsOf(states: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

const countTexts = (counts: Record<string, number>) =>
  Object.entries(counts).map(([state, count]) => `${count} ${state}`);

/** `12 runs: 8 finished, 4 running`, `3 of 12 runs: 3 failed`. @param all How many there are. */
export function runCounts(runs: readonly ListedRun[], all: number): string {
  const of = runs.length === all ? '' : `${runs.length} of `;
  const states = countTexts(countsOf(runs.map(({ state }) => state)));
  return `${of}${counted(all, 'run')}${states.length === 0 ? '' : `: ${states.join(', ')}`}`;
}

/** A row of means and, where there are several seeds, one of ranges beneath it. */
function groupRows(
  group: SeedGroup,
  columns: readonly ShownColumn[],
  swept: readonly string[],
): string[][] {
  const first = group.runs[0]!;
  const mean = columns.map((column) => {
    if (column === SWEPT) return sweptText(first, swept);
    if (column.name === 'state') {
      return countTexts(countsOf(group.runs.map(({ state }) => state))).join(', ');
    }
    const over = isText(column) ? null : spreadOf(group, column);
    if (over !== null)
      return TELL[column.form](column.form === 'count' ? round(over.mean) : over.mean);
    return isText(column) ? tell(column, common(group, column)) : '–';
  });
  const count = ended(group).length;
  if (count < 2) return [mean];
  const range = columns.map((column, i) => {
    if (i === 0) return `  range of ${count} seeds`;
    const over = isText(column) || column === SWEPT ? null : spreadOf(group, column);
    return over === null || over.low === over.high
      ? ''
      : RANGE[(column as NamedValue).form](over.low, over.high);
  });
  return [mean, range];
}

const round = (value: number) => Math.round(10 * value) / 10;

/** What all runs of a group have; nothing where they differ. */
function common({ runs }: SeedGroup, column: NamedValue): unknown[] {
  const values = runs.map((run) => column.values(run));
  const [first = []] = values;
  return values.every((other) => textOf(other) === textOf(first)) ? first : [];
}
