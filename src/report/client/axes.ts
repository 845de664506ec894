import type { PageData, PageRun, Scalar } from '../data.js';
import { formatValue } from './format.js';
import { runColumns } from './values.js';

/** A part of an axis, from its lower end (0) to its upper one (1). */
export type Range = [low: number, high: number];

/** An axis of parallel coordinates. */
export interface ParallelAxis {
  name: string;
  title: string;
  ticks: { at: number; label: string }[];
  /** How far a key of the keyboard moves an end of a range. */
  step: number;
  /** From 0 at its lower end to 1; `null`: the run has nothing there. */
  at(run: PageRun): number | null;
  /** A range in words. */
  told(range: Range): string;
}

/** The more there are, the less can be seen. */
const MOST_SWEPT = 8;

/** What was swept, and the last accuracies. */
export function axesOf(data: PageData): ParallelAxis[] {
  const { runs, swept } = data;
  const settings = swept.slice(0, MOST_SWEPT).flatMap((key) => {
    const values = runs.map((run) => run.settings[key] ?? null);
    if (new Set(values).size < 2) return [];
    const numbers = values.filter((value) => typeof value === 'number');
    const value = (run: PageRun) => run.settings[key] ?? null;
    return [
      numbers.length === values.length
        ? numberAxis(key, key, numbers, value as (run: PageRun) => number, (x) => formatValue(x))
        : namesAxis(key, values, value),
    ];
  });
  const accuracies = runColumns(data)
    .filter(({ name }) => name === 'train_accuracy' || name === 'test_accuracy')
    .flatMap(({ name, title, value }) => {
      const numbers = runs.map(value).filter((x) => typeof x === 'number');
      const told = (x: number) => formatValue(x, '%');
      return numbers.length === 0
        ? []
        : [numberAxis(name, title, numbers, value as (run: PageRun) => number | null, told)];
    });
  return [...settings, ...accuracies];
}

/** Values of which the greatest is so many times the least stand on a logarithmic axis. */
const LOGARITHMIC = 50;
/** So few values have a tick each, where none lies closer to the next than its label is high. */
const FEW = 6;
const LEAST_APART = 0.06;

function numberAxis(
  name: string,
  title: string,
  values: readonly number[],
  valueIn: (run: PageRun) => number | null,
  tell: (value: number) => string,
): ParallelAxis {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const log = low > 0 && high / low >= LOGARITHMIC;
  const [from, to] = log ? [Math.log(low), Math.log(high)] : [low, high];
  const place = (x: number) => (to === from ? 0.5 : ((log ? Math.log(x) : x) - from) / (to - from));
  const valueAt = (at: number) => {
    const x = from + at * (to - from);
    return log ? Math.exp(x) : x;
  };
  const short = (x: number) => {
    // Three digits of what differs: 0.9991 and 0.9996 must not both be 0.999.
    const unit = 10 ** (Math.floor(Math.log10(log ? x : to - from)) - 2);
    return Math.round(x / unit) * unit;
  };
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const areTicks =
    distinct.length <= FEW &&
    distinct.every((x, i) => i === 0 || place(x) - place(distinct[i - 1]!) >= LEAST_APART);
  const ticks = areTicks ? distinct : [0, 0.25, 0.5, 0.75, 1].map((at) => short(valueAt(at)));
  return {
    name,
    title,
    ticks: ticks
      .map((value) => ({ at: place(value), label: tell(value) }))
      .filter(({ label }, i, all) => label !== all[i - 1]?.label),
    step: 0.05,
    at: (run) => {
      const value = valueIn(run);
      return value === null || value === undefined ? null : place(value);
    },
    told: ([a, b]) => `${tell(valueAt(a))} to ${tell(valueAt(b))}`,
  };
}

function namesAxis(
  name: string,
  values: readonly Scalar[],
  valueIn: (run: PageRun) => Scalar,
): ParallelAxis {
  const tell = (value: Scalar) => (value === null ? 'none' : String(value));
  const names = [...new Set(values.map(tell))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const place = (text: string) => (names.indexOf(text) + 0.5) / names.length;
  const step = 1 / names.length;
  const most = Math.ceil(names.length / 20);
  return {
    name,
    title: name,
    ticks: names
      .filter((_, i) => i % most === 0)
      .map((text) => ({
        at: place(text),
        label: text.length > 16 ? `${text.slice(0, 15)}…` : text,
      })),
    step,
    at: (run) => place(tell(valueIn(run))),
    told: ([a, b]) =>
      names.filter((text) => place(text) >= a && place(text) <= b).join(', ') || 'nothing',
  };
}
