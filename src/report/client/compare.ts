import type { PageFigure, PageRun, PageSeries, Scalar } from '../data.js';
import { make } from './dom.js';
import { FigureView } from './figure-view.js';
import { formatValue } from './format.js';
import type { ClientPage } from './page.js';
import { runColumns, toldSetting } from './values.js';

/** Two runs side by side. */
export function mount(page: ClientPage): void {
  const view = new Comparison(page);
  const runs = document.getElementById('runs');
  if (runs === null) return;
  runs.after(view.section);
  page.onUpdate(({ runs }) => {
    if (runs !== undefined) view.refresh();
  });
  page.onCompare(() => view.show());
}

type Side = 0 | 1;
type Facts = Record<string, Scalar>;

class Comparison {
  readonly section: HTMLElement;
  readonly #boxes: [HTMLSelectElement, HTMLSelectElement];
  readonly #all = make('input', { type: 'checkbox', onchange: () => this.show() });
  readonly #tables = make('div', { class: 'parts' });
  readonly #figure = make('figure', { id: 'compare-figure' }, make('h3'), make('figcaption'));
  #view: FigureView | null = null;

  constructor(private readonly page: ClientPage) {
    const box = (side: Side) =>
      make('select', {
        'aria-label': side === 0 ? 'one run' : 'the other run',
        onchange: () => this.#chosen(),
      });
    this.#boxes = [box(0), box(1)];
    this.section = make(
      'section',
      { id: 'compare', 'data-own': true },
      make('h2', {}, 'Two runs side by side'),
      make(
        'div',
        { class: 'controls' },
        make('label', {}, 'one ', this.#boxes[0]),
        make('label', {}, 'other ', this.#boxes[1]),
        make('label', {}, this.#all, ' also what they agree in'),
      ),
      this.#tables,
      this.#figure,
    );
    this.refresh();
  }

  /** Takes in what runs there are now. */
  refresh(): void {
    const { runs } = this.page.data;
    this.section.hidden = runs.length < 2;
    if (runs.length < 2) return;
    for (const box of this.#boxes) {
      box.replaceChildren(
        ...runs.map(({ id, label, short }) => make('option', { value: id }, `${short}: ${label}`)),
      );
    }
    this.show();
  }

  #chosen(): void {
    this.page.compare(this.#boxes.map(({ value }) => value));
  }

  /** Until somebody chooses, the first two. */
  show(): void {
    const { runs } = this.page.data;
    if (runs.length < 2) return;
    const known = this.page.compared.filter((id) => runs.some((run) => run.id === id));
    const others = runs.map(({ id }) => id).filter((id) => !known.includes(id));
    const ids = [...known, ...others].slice(0, 2);
    const [a, b] = ids.map((id) => runs.find((run) => run.id === id)!) as [PageRun, PageRun];
    this.#boxes[0].value = a.id;
    this.#boxes[1].value = b.id;
    const { common, swept } = this.page.data;
    const sorted = (settings: Facts) => {
      const first = swept.filter((key) => key in settings).map((key) => [key, settings[key]!]);
      return { ...Object.fromEntries(first), ...settings, ...(this.#all.checked ? common : {}) };
    };
    this.#tables.replaceChildren(
      this.#table('Config', [a, b], [sorted(a.settings), sorted(b.settings)]),
      this.#table('Environment', [a, b], [a.environment, b.environment]),
      this.#table('Results', [a, b], [this.#results(a), this.#results(b)]),
    );
    const figure = figureOf(a, b);
    if (this.#view) this.#view.update(figure);
    else this.#view = new FigureView(this.#figure, figure);
  }

  #results(run: PageRun): Facts {
    const columns = runColumns({ ...this.page.data, swept: [] }).filter(
      ({ name }) => name !== 'name' && name !== 'id',
    );
    const told = columns.map((column) => [column.title, column.told(run)]);
    const facts = Object.entries(run.results).map(([key, value]) => [
      key,
      /accuracy|noise/.test(key) ? formatValue(value as number, '%') : value,
    ]);
    return { ...Object.fromEntries(told), ...Object.fromEntries(facts) };
  }

  #table(title: string, [a, b]: [PageRun, PageRun], [ofA, ofB]: [Facts, Facts]): HTMLElement {
    const keys = [...new Set([...Object.keys(ofA), ...Object.keys(ofB)])];
    const differing = keys.filter((key) => toldSetting(ofA[key]) !== toldSetting(ofB[key]));
    const shown = this.#all.checked ? keys : differing;
    const rows = shown.map((key) =>
      make(
        'tr',
        { class: differing.includes(key) ? 'differs' : '' },
        make('th', { scope: 'row' }, key),
        make('td', {}, toldSetting(ofA[key])),
        make('td', {}, toldSetting(ofB[key])),
      ),
    );
    const head = make(
      'tr',
      {},
      make('th', { scope: 'col' }, title),
      make('th', { scope: 'col' }, `${a.name} ${a.short}`),
      make('th', { scope: 'col' }, `${b.name} ${b.short}`),
    );
    if (rows.length === 0) return make('p', { class: 'note' }, `${title}: they agree.`);
    return make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
      make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)),
    );
  }
}

/** Accuracies of both, by epoch. */
function figureOf(a: PageRun, b: PageRun): PageFigure {
  const names = [a, b].map(({ name, short }) => `${name} ${short}`);
  const series = [a, b].flatMap((run, i) =>
    (['train', 'test'] as const).map((split): PageSeries => {
      const epochs = run.columns.epoch ?? [];
      const values = run.columns[`${split}_accuracy`] ?? [];
      const there = epochs.flatMap((epoch, at) =>
        epoch === null || values[at] == null ? [] : [at],
      );
      return {
        name: `${names[i]}, ${split}`,
        condition: names[i]!,
        split,
        x: there.map((at) => epochs[at]!),
        y: there.map((at) => values[at]!),
      };
    }),
  );
  return {
    id: 'compare-figure',
    title: 'Accuracy of both',
    caption: 'Solid: training set; dashed: test set.',
    chart: {
      x: { title: 'epoch', format: ',d' },
      y: { title: 'accuracy', format: '.0%' },
      means: 'settings',
      conditions: names,
      colors: [0, 1],
      ranges: 'band',
      series,
    },
  };
}
