import { apart } from '../charts/chart.js';
import type { PageChart, PageFigure, PageRun, PageSeries } from '../data.js';
import { make } from './dom.js';
import { FigureView } from './figure-view.js';
import type { ClientPage } from './page.js';

const POSITIONS = ['epoch', 'step', 'seconds'] as const;

/** A figure of one's own: any column of any runs. */
export function mount(page: ClientPage): void {
  const explorer = new Explorer(page);
  document.getElementById('figures')!.after(explorer.section);
  page.onUpdate(({ runs }) => {
    if (runs !== undefined) explorer.refresh();
  });
  page.onSelect(() => explorer.refresh());
}

class Explorer {
  readonly section: HTMLElement;
  readonly #x = select('against', POSITIONS);
  readonly #y = select('column', []);
  readonly #by = select('color by', []);
  readonly #filter = make('input', {
    type: 'search',
    placeholder: 'e.g. seed=0 finished',
    'aria-label': 'only runs with',
  });
  readonly #count = make('span', { class: 'faint' });
  readonly #figure = make(
    'figure',
    { id: 'explore-figure', class: 'wide' },
    make('h3'),
    make('figcaption'),
  );
  #view: FigureView | null = null;

  constructor(private readonly page: ClientPage) {
    const controls = [this.#y, this.#x, this.#by].map(({ label }) => label);
    this.section = make(
      'section',
      { id: 'explore', class: 'explore', 'data-own': true },
      make('h2', {}, 'Explore'),
      make(
        'div',
        { class: 'controls' },
        ...controls,
        make('label', {}, 'only ', this.#filter),
        this.#count,
      ),
      this.#figure,
    );
    for (const { box } of [this.#x, this.#y, this.#by]) box.onchange = () => this.#show();
    this.#filter.oninput = () => this.#show();
    this.refresh();
  }

  /** Takes in what runs there are now. */
  refresh(): void {
    const { runs } = this.page.data;
    const columns = new Set(runs.flatMap((run) => Object.keys(run.columns)));
    for (const position of POSITIONS) columns.delete(position);
    this.#y.fill([...columns], 'test_accuracy');
    this.#x.fill([...POSITIONS, ...numbersOf(runs)], POSITIONS[0]);
    this.#by.fill(['corruption', 'name', 'state', ...this.page.data.swept], 'corruption');
    this.section.hidden = columns.size === 0;
    if (columns.size > 0) this.#show();
  }

  #show(): void {
    const { selection, data } = this.page;
    const words = this.#filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const drawn = data.runs.filter((run) => run.columns[this.#y.value] !== undefined);
    const shown = drawn
      .filter(({ id }) => selection === null || selection.has(id))
      .filter((run) => words.every((word) => textOf(run).includes(word)));
    this.#count.textContent = `${shown.length} of ${drawn.length} runs`;
    const figure = figureOf(shown, this.#x.value, this.#y.value, this.#by.value, this.page);
    if (this.#view) this.#view.update(figure);
    else this.#view = new FigureView(this.#figure, figure);
  }
}

/** What runs came to that is a number: parameters, measures … */
function numbersOf(runs: readonly PageRun[]): string[] {
  const numbers = runs.flatMap(({ results }) =>
    Object.entries(results).flatMap(([key, value]) => (typeof value === 'number' ? [key] : [])),
  );
  return [...new Set(numbers)];
}

interface Select {
  label: HTMLElement;
  box: HTMLSelectElement;
  readonly value: string;
  fill(options: readonly string[], first: string): void;
}

function select(name: string, given: readonly string[]): Select {
  const box = make('select');
  const fill = (options: readonly string[], first: string) => {
    const before = box.value;
    box.replaceChildren(...options.map((option) => make('option', { value: option }, option)));
    box.value = options.includes(before)
      ? before
      : options.includes(first)
        ? first
        : (options[0] ?? '');
  };
  fill(given, given[0] ?? '');
  return {
    label: make('label', {}, `${name} `, box),
    box,
    fill,
    get value() {
      return box.value;
    },
  };
}

/** What a filter looks in. */
function textOf(run: PageRun): string {
  const settings = Object.entries(run.settings).map(([key, value]) => `${key}=${value}`);
  return [run.label, run.name, run.state, run.short, run.id, `seed=${run.seed}`, ...settings]
    .join(' ')
    .toLowerCase();
}

/** Runs as a figure: a line each, its color what the runs differ in. */
function figureOf(
  runs: readonly PageRun[],
  x: string,
  y: string,
  by: string,
  { data }: ClientPage,
): PageFigure {
  const conditionOf = (run: PageRun) => {
    if (by === 'corruption' || by === 'name' || by === 'state') return run[by];
    return `${by} ${run.settings[by] ?? 'none'}`;
  };
  const series = runs.map((run): PageSeries => {
    const [xs, ys] = columnsOf(run, x, y);
    const places = xs.flatMap((value, i) => (value === null || ys[i] == null ? [] : [i]));
    return {
      name: `${run.label} (${run.short})`,
      condition: conditionOf(run),
      split: y.startsWith('test') ? 'test' : 'train',
      x: places.map((i) => xs[i]!),
      y: places.map((i) => ys[i]!),
    };
  });
  const conditions = [...new Set(series.map(({ condition }) => condition))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const colors = colorsOf(conditions, by === 'corruption' ? data.figures : []);
  const percent = /accuracy|gap/.test(y);
  const isPosition = POSITIONS.some((position) => position === x);
  const chart: PageChart = {
    x: { title: x, ...(isPosition && x !== 'seconds' ? { format: ',d' } : {}) },
    y: { title: y, ...(percent ? { format: '.0%' } : {}) },
    means: 'settings',
    conditions,
    colors,
    ranges: isPosition ? 'band' : 'bar',
    series,
  };
  return {
    id: 'explore-figure',
    title: `${y} against ${x}`,
    caption: isPosition
      ? 'A line for each run; those of test columns are dashed.'
      : 'A point for each run: the last of the column.',
    chart: new Set(colors).size < conditions.length ? apart(chart) : chart,
  };
}

type Column = (number | null)[];

/** Two columns of a run; against what it came to, the last of one. */
function columnsOf(run: PageRun, x: string, y: string): [x: Column, y: Column] {
  const result = run.results[x];
  const ys = run.columns[y]!;
  return typeof result === 'number' && run.columns[x] === undefined
    ? [[result], [ys.findLast((value) => value !== null) ?? null]]
    : [run.columns[x] ?? [], ys];
}

/** Colors that figures of the page give the same conditions, else those left over. */
function colorsOf(conditions: readonly string[], figures: readonly PageFigure[]): number[] {
  const known = new Map<string, number>();
  for (const { chart } of figures) {
    if (chart.means === 'corruption') rememberColors(known, chart);
  }
  const free = Array.from({ length: 6 }, (_, i) => i).filter(
    (color) => !conditions.some((condition) => known.get(condition) === color),
  );
  return conditions.map((condition, i) => known.get(condition) ?? free.shift() ?? i % 6);
}

function rememberColors(known: Map<string, number>, { conditions, colors }: PageChart): void {
  conditions.forEach((condition, i) => {
    if (!known.has(condition)) known.set(condition, colors?.[i] ?? i);
  });
}
