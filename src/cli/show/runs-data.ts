import { sweptKeys, sweptValues } from '../../config/swept.js';
import { csvLines } from '../../csv.js';
import type { NamedValue } from '../../record/listing/columns.js';
import type { ListedRun } from '../../record/listing/listed.js';
import { ended, isSeed, type SeedGroup, spreadOf } from '../../record/listing/seeds.js';
import type { SweepProgress } from '../../record/listing/sweeps.js';
import { type ShownColumn, SWEPT, startOf, sweepCounts } from './runs-table.js';

/** A run as a program reads it. @param swept Keys in which the listed runs differ. @param sweep That it is a trial of. */
export function runAsJson(
  run: ListedRun,
  columns: readonly ShownColumn[],
  swept: readonly string[],
  sweep: string | null,
): object {
  const values = columns.map((column) =>
    column === SWEPT
      ? [SWEPT, Object.fromEntries(sweptValues(run.config, swept))]
      : [column.name, plainValue(column, run)],
  );
  const { path, detail, problem } = run;
  return { run_dir: path, sweep, ...Object.fromEntries(values), detail, problem };
}

/** Of several corruptions a list. */
function plainValue(column: NamedValue, run: ListedRun): unknown {
  const values = column.values(run);
  return (values.length > 1 ? values : values[0]) ?? null;
}

export function sweepAsJson(sweep: SweepProgress<ListedRun>): object {
  const { path, name, trials, problem } = sweep;
  return {
    sweep: path,
    name,
    swept: [...new Set(trials.flatMap(({ overrides }) => Object.keys(overrides)))],
    trials: trials.length,
    states: sweepCounts(sweep),
    started: startOf(sweep),
    problem,
  };
}

export function groupAsJson(
  group: SeedGroup,
  columns: readonly ShownColumn[],
  swept: readonly string[],
): object {
  const first = group.runs[0]!;
  const numbers = columns.flatMap((column) => {
    const over = column === SWEPT ? null : spreadOf(group, column);
    return over === null ? [] : [[(column as NamedValue).name, over] as const];
  });
  return {
    name: first.name,
    swept: Object.fromEntries(sweptValues(first.config, swept)),
    n: ended(group).length,
    seeds: group.runs.map(({ config }) => config.get('seed') ?? null),
    repeats: group.repeats,
    states: group.runs.map(({ state }) => state),
    ...Object.fromEntries(numbers),
    run_dirs: group.runs.map(({ path }) => path),
  };
}

/** A column of the CSV. */
interface Field {
  title: string;
  cell(group: SeedGroup): unknown;
}

/** A row for each run, numbers in full; what was swept in columns of its own. */
export function runsAsCsv(runs: readonly ListedRun[], columns: readonly ShownColumn[]): string {
  const single = runs.map((run) => ({ runs: [run], repeats: 0 }));
  return rowsAsCsv(single, columns, (column) => [oneField(column)]);
}

/** A row for each group, with mean, least and greatest of each number. */
export function groupsAsCsv(groups: readonly SeedGroup[], columns: readonly ShownColumn[]): string {
  const fieldsOf = (column: NamedValue) =>
    column.form === 'text' || column.form === 'time' ? [oneField(column)] : spreadFields(column);
  return rowsAsCsv(groups, columns, fieldsOf, [
    { title: 'n', cell: (group) => ended(group).length },
    { title: 'repeats', cell: ({ repeats }) => repeats },
  ]);
}

function rowsAsCsv(
  groups: readonly SeedGroup[],
  columns: readonly ShownColumn[],
  fieldsOf: (column: NamedValue) => Field[],
  further: readonly Field[] = [],
): string {
  const differing = sweptKeys(groups.map(({ runs }) => runs[0]!.config));
  // A group is of several seeds.
  const swept = differing.filter((key) => further.length === 0 || !isSeed(key));
  const sweptFields = swept.map(
    (key): Field => ({
      title: key,
      cell: ({ runs }) => runs[0]!.config.get(key),
    }),
  );
  const fields = columns.flatMap((column) => (column === SWEPT ? sweptFields : fieldsOf(column)));
  const all = [...fields, ...further];
  return csvLines([
    all.map(({ title }) => title),
    ...groups.map((group) => all.map(({ cell }) => cell(group))),
  ]);
}

function oneField(column: NamedValue): Field {
  return { title: column.name, cell: ({ runs }) => plainValue(column, runs[0]!) };
}

function spreadFields(column: NamedValue): Field[] {
  return (['mean', 'low', 'high'] as const).map((part) => ({
    title: `${column.name}_${part}`,
    cell: (group) => spreadOf(group, column)?.[part],
  }));
}
