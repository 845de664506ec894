import type { PageData, PageRun, Scalar } from '../data.js';
import { formatValue } from './format.js';

/** What the page's tables and filters know of a run: its columns, the last of each metric, and the keys of its config. */

/** How a column is told, and the names it may be asked for by. */
export interface RunColumn {
  name: string;
  title: string;
  also: readonly string[];
  isNumber: boolean;
  value(run: PageRun): Scalar | undefined;
  told(run: PageRun): string;
}

const percent = (value: number | null) => formatValue(value, '%');

function seconds(value: number | null): string {
  if (value === null) return '–';
  if (value < 60) return `${value.toFixed(1)} s`;
  const minutes = Math.floor(value / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(value % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

type Own = [
  name: string,
  title: string,
  key: keyof PageRun,
  tell: ((value: never) => string) | null,
  ...also: string[],
];

const OWN: readonly Own[] = [
  ['state', 'state', 'state', null],
  ['epoch', 'epoch', 'epoch', (value: number | null) => formatValue(value)],
  ['train_accuracy', 'train acc', 'train', percent, 'train'],
  ['test_accuracy', 'test acc', 'test', percent, 'test'],
  ['generalization_gap', 'gap', 'gap', percent, 'gap'],
  ['seconds', 'time', 'seconds', seconds, 'time'],
  [
    'started',
    'when',
    'started',
    (value: string | null) => (value ?? '–').slice(0, 16).replace('T', ' '),
    'when',
  ],
  ['id', 'id', 'short', null],
];

/** The columns of the table of runs: what was swept stands behind the name. */
export function runColumns({ swept }: PageData): RunColumn[] {
  const own = OWN.map(
    ([name, title, key, tell, ...also]): RunColumn => ({
      name,
      title,
      also,
      isNumber: tell !== null && name !== 'started',
      value: (run) => run[key] as Scalar,
      told: (run) => (tell === null ? String(run[key] ?? '–') : tell(run[key] as never)),
    }),
  );
  return [
    {
      name: 'name',
      title: 'run',
      also: [],
      isNumber: false,
      value: (run) => run.name,
      told: (run) => run.name,
    },
    ...swept.map(
      (key): RunColumn => ({
        name: key,
        title: key,
        also: [],
        isNumber: false,
        value: (run) => run.settings[key],
        told: (run) => toldSetting(run.settings[key]),
      }),
    ),
    ...own,
  ];
}

export function toldSetting(value: Scalar | undefined): string {
  return value === null || value === undefined ? '–' : String(value);
}

/** Every name that a condition may have. */
export function knownNames(data: PageData): string[] {
  const columns = runColumns(data);
  const first = data.runs[0];
  const metrics = new Set(data.runs.flatMap((run) => Object.keys(run.columns)));
  return [
    ...new Set([
      ...columns.flatMap(({ name, also }) => [name, ...also]),
      ...metrics,
      ...Object.keys(first?.settings ?? {}),
      ...Object.keys(data.common),
    ]),
  ];
}

/**
 * The values that runs have of a name, as `--where` finds them: a column, a metric's last value, a key of the config, or what a
 * section is named by (`model`); of several corruptions, each.
 */
export function valuesOf(name: string, data: PageData): (run: PageRun) => unknown[] {
  const column = runColumns(data).find((one) => one.name === name || one.also.includes(name));
  if (column !== undefined) return (run) => [column.value(run), ...placed(name, run, data)];
  return (run) => {
    const metric = run.columns[name];
    if (metric !== undefined) return [metric.findLast((value) => value !== null)];
    const own = [name, `${name}.name`, `${name}.kind`].map(
      (key) => run.settings[key] ?? data.common[key],
    );
    return [own.find((value) => value !== undefined && value !== null), ...placed(name, run, data)];
  };
}

function placed(name: string, run: PageRun, { common }: PageData): unknown[] {
  const withPlace = (key: string) => key !== name && key.replace(/\.\d+(?=\.)/, '') === name;
  return [run.settings, common].flatMap((all) =>
    Object.entries(all).flatMap(([key, value]) =>
      withPlace(key) && value !== null ? [value] : [],
    ),
  );
}
