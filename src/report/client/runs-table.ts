import type { PageRun } from '../data.js';
import { make } from './dom.js';
import { readFilter } from './filter.js';
import type { ClientPage } from './page.js';
import { type RunColumn, runColumns } from './values.js';

/** The runs in a table that sorts and filters, before the one that is read without JavaScript and printed. */
export function mount(page: ClientPage): void {
  const section = document.getElementById('runs');
  if (section === null) return;
  const view = new RunsTable(page);
  section.querySelector('.text')!.before(view.element);
  section.classList.add('own-table');
  page.onUpdate(({ runs, swept }) => {
    if (runs !== undefined || swept !== undefined) view.refresh();
  });
  page.onSelect(() => view.show());
  page.onCompare(() => view.show());
}

/** More columns of what was swept are off at first. */
const MOST_SWEPT = 4;
/** Rows that are made before the browser may draw. */
const SLICE = 100;

class RunsTable {
  readonly element = make('div', { class: 'runs-own' });
  readonly #filter = make('input', {
    type: 'search',
    id: 'runs-filter',
    placeholder: 'test_accuracy>=0.5 mlp',
    'aria-describedby': 'runs-problem',
    oninput: () => this.#filterChanged(),
  });
  readonly #sortBox = make('select', { onchange: () => this.#sortBy(this.#sortBox.value, false) });
  readonly #count = make('output', { class: 'faint', 'aria-live': 'polite' });
  readonly #problem = make('p', { id: 'runs-problem', class: 'note', role: 'status' });
  readonly #columnBoxes = make('div', { class: 'choices' });
  readonly #head = make('tr');
  readonly #body = make('tbody');
  readonly #off = new Set<string>();
  readonly #rows = new Map<string, { run: PageRun; columns: string; row: HTMLTableRowElement }>();
  #columns: RunColumn[] = [];
  #sort = { name: 'started', descending: true };
  #drawing = 0;

  constructor(private readonly page: ClientPage) {
    for (const key of page.data.swept.slice(MOST_SWEPT)) this.#off.add(key);
    this.element.append(
      make(
        'div',
        { class: 'controls' },
        make('label', {}, 'Filter ', this.#filter),
        make('label', { class: 'sort' }, 'Sort by ', this.#sortBox),
        make('details', { class: 'columns' }, make('summary', {}, 'Columns'), this.#columnBoxes),
        this.#count,
      ),
      this.#problem,
      make(
        'div',
        { class: 'scroll runs', tabindex: '0', role: 'region', 'aria-label': 'Table of runs' },
        make('table', {}, make('thead', {}, this.#head), this.#body),
      ),
    );
    this.refresh();
  }

  /** Takes in what runs there are now. */
  refresh(): void {
    this.#columns = runColumns(this.page.data);
    const ids = new Set(this.page.data.runs.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    this.#columnBoxes.replaceChildren(
      ...this.#columns.slice(1).map((column) => this.#columnBox(column)),
    );
    this.#sortBox.replaceChildren(
      ...this.#columns.map(({ name, title }) => make('option', { value: name }, title)),
    );
    if (this.#filter.value.trim() === '') this.show();
    else this.#filterChanged();
  }

  /** Shows the runs that are chosen, in their order, a slice at a time. */
  show(): void {
    const shown = this.#columns.filter(({ name }) => !this.#off.has(name));
    this.#head.replaceChildren(
      make('th', { scope: 'col' }, make('span', { class: 'spoken' }, 'compare')),
      ...shown.map((column) => this.#heading(column)),
    );
    this.#sortBox.value = this.#sort.name;
    const { runs } = this.page.data;
    const { selection } = this.page;
    const chosen = this.#sorted(runs.filter(({ id }) => selection === null || selection.has(id)));
    this.#count.textContent =
      chosen.length === runs.length
        ? `${runs.length} runs`
        : `${chosen.length} of ${runs.length} runs`;
    const drawing = ++this.#drawing;
    const draw = (from: number) => {
      if (drawing !== this.#drawing) return;
      const rows = chosen.slice(from, from + SLICE).map((run) => this.#row(run, shown));
      if (from === 0) this.#body.replaceChildren(...rows);
      else this.#body.append(...rows);
      if (from + SLICE < chosen.length) requestAnimationFrame(() => draw(from + SLICE));
    };
    draw(0);
  }

  #filterChanged(): void {
    const text = this.#filter.value.trim();
    const { matches, problem } = readFilter(text, this.page.data);
    this.#problem.textContent = problem;
    this.page.choose('filter', text === '' ? null : matches);
  }

  #sortBy(name: string, turn: boolean): void {
    const column = this.#columns.find((one) => one.name === name);
    const again = this.#sort.name === name && turn;
    this.#sort = { name, descending: again ? !this.#sort.descending : column?.isNumber === true };
    this.show();
  }

  #sorted(runs: readonly PageRun[]): PageRun[] {
    const { name, descending } = this.#sort;
    const column = this.#columns.find((one) => one.name === name);
    const keyed = runs.map((run) => ({ run, key: column?.value(run) ?? null }));
    const turn = descending ? -1 : 1;
    keyed.sort(({ key: a }, { key: b }) => {
      if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
      if (typeof a === 'number' && typeof b === 'number') return turn * (a - b);
      return turn * String(a).localeCompare(String(b), 'en', { numeric: true });
    });
    return keyed.map(({ run }) => run);
  }

  #heading({ name, title, isNumber }: RunColumn): HTMLElement {
    const sorted = this.#sort.name === name;
    const order = this.#sort.descending ? 'descending' : 'ascending';
    const button = make(
      'button',
      { type: 'button', onclick: () => this.#headingPressed(name) },
      ...withBreaks(title),
      make('span', { 'aria-hidden': 'true' }, sorted ? (this.#sort.descending ? ' ↓' : ' ↑') : ''),
    );
    return make(
      'th',
      {
        scope: 'col',
        'data-column': name,
        'aria-sort': sorted ? order : 'none',
        class: isNumber ? 'number' : '',
      },
      button,
    );
  }

  /** The heading is made anew, and whoever pressed it by keyboard stays on it. */
  #headingPressed(name: string): void {
    this.#sortBy(name, true);
    for (const heading of this.#head.children) {
      if (heading.getAttribute('data-column') === name) heading.querySelector('button')!.focus();
    }
  }

  #columnBox({ name, title }: RunColumn): HTMLElement {
    const box = make('input', {
      type: 'checkbox',
      checked: !this.#off.has(name),
      onchange: () => {
        if (box.checked) this.#off.delete(name);
        else this.#off.add(name);
        this.show();
      },
    });
    return make('label', {}, box, ' ', title);
  }

  #row(run: PageRun, columns: readonly RunColumn[]): HTMLTableRowElement {
    const names = columns.map(({ name }) => name).join(' ');
    let known = this.#rows.get(run.id);
    if (known?.run !== run || known.columns !== names) {
      known = { run, columns: names, row: this.#newRow(run, columns) };
      this.#rows.set(run.id, known);
    }
    const box = known.row.querySelector('input')!;
    box.checked = this.page.compared.includes(run.id);
    return known.row;
  }

  #newRow(run: PageRun, columns: readonly RunColumn[]): HTMLTableRowElement {
    const box = make('input', {
      type: 'checkbox',
      'aria-label': `compare ${run.name} ${run.short}`,
      onchange: () => {
        const others = this.page.compared.filter((id) => id !== run.id);
        this.page.compare(box.checked ? [...others.slice(-1), run.id] : others);
      },
    });
    return make(
      'tr',
      {},
      make('td', { class: 'compare' }, box),
      ...columns.map((column) =>
        make(
          'td',
          {
            class: column.isNumber ? 'number' : column.name === 'name' ? 'run' : '',
            'data-label': column.title,
            title: column.name === 'name' ? run.label : column.name === 'state' ? run.detail : '',
          },
          column.told(run),
        ),
      ),
    );
  }
}

/** A long key may be broken behind its dots. */
function withBreaks(title: string): (Node | string)[] {
  return title.split(/(?<=\.)/).flatMap((part, i) => (i === 0 ? [part] : [make('wbr'), part]));
}
