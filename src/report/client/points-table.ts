import type { PageFigure } from '../data.js';
import { make } from './dom.js';
import { formatValue } from './format.js';

/** More lines than these are told by their first and last values. */
const MOST_COLUMNS = 24;

/** The numbers of a figure for those who can't see it: made while it is open. */
export class PointsTable {
  readonly #content = make('div', { class: 'scroll', tabindex: '0' });
  readonly element = make(
    'details',
    { class: 'points', ontoggle: () => this.refresh() },
    make('summary', {}, 'Table'),
    this.#content,
  );

  /** @param figure As it is by then. */
  constructor(private readonly figure: () => PageFigure) {}

  refresh(): void {
    if (this.element.open) this.#content.replaceChildren(tableOf(this.figure()));
  }
}

function tableOf({ title, chart }: PageFigure): HTMLTableElement {
  const wide = chart.series.length <= MOST_COLUMNS;
  return make(
    'table',
    {},
    make('caption', {}, title),
    ...(wide ? byPosition(chart) : bySeries(chart)),
  );
}

/** A row for each x, a column for each line. */
function byPosition({ x, y, series }: PageFigure['chart']): HTMLElement[] {
  const at = new Map<number, Map<string, string>>();
  const put = (value: number, name: string, text: string) => {
    const row = at.get(value) ?? new Map<string, string>();
    at.set(value, row.set(name, text));
  };
  for (const line of series) {
    line.x.forEach((value, i) => {
      put(value, line.name, formatValue(line.y[i], y.format) + rangeText(line, i, y.format));
    });
    line.atLeast?.x.forEach((value, i) => {
      put(value, line.name, `at least ${formatValue(line.atLeast!.y[i], y.format)}`);
    });
  }
  const rows = [...at].sort(([a], [b]) => a - b);
  return [
    head([x.title, ...series.map(({ name }) => name)]),
    make(
      'tbody',
      {},
      ...rows.map(([value, cells]) =>
        row(
          formatValue(value, x.format),
          series.map(({ name }) => cells.get(name) ?? '–'),
        ),
      ),
    ),
  ];
}

function rangeText(
  { low, high }: PageFigure['chart']['series'][number],
  i: number,
  format?: string,
) {
  if (!low || !high || low[i] === high[i]) return '';
  return ` (${formatValue(low[i], format)} to ${formatValue(high[i], format)})`;
}

/** A row for each line: as many columns as lines could not be read. */
function bySeries({ x, y, series }: PageFigure['chart']): HTMLElement[] {
  const tell = (value: number | undefined) => formatValue(value, y.format);
  return [
    head(['line', `${x.title}, last`, 'first', 'last', 'least', 'most']),
    make(
      'tbody',
      {},
      ...series.map((line) =>
        row(line.name, [
          formatValue(line.x.at(-1), x.format),
          tell(line.y[0]),
          tell(line.y.at(-1)),
          tell(Math.min(...line.y)),
          tell(Math.max(...line.y)),
        ]),
      ),
    ),
  ];
}

function head(titles: string[]): HTMLElement {
  return make(
    'thead',
    {},
    make('tr', {}, ...titles.map((title) => make('th', { scope: 'col' }, title))),
  );
}

function row(name: string, cells: string[]): HTMLElement {
  const values = cells.map((text) => make('td', { class: 'number' }, text));
  return make('tr', {}, make('th', { scope: 'row' }, name), ...values);
}
