import type { PageRun } from '../data.js';
import { axesOf, type ParallelAxis, type Range } from './axes.js';
import { onPalette, palette } from './colors.js';
import { make } from './dom.js';
import { formatValue } from './format.js';
import type { ClientPage } from './page.js';

/** What was swept and what came of it, an axis each; a part of an axis chooses runs all over the page. */
export function mount(page: ClientPage): void {
  const view = new Parallel(page);
  // Before what is drawn anew for other runs: nothing may move under a pointer that drags.
  document.getElementById('figures')?.after(view.section);
  view.refresh();
  page.onUpdate(({ runs, swept }) => {
    if (runs !== undefined || swept !== undefined) view.refresh();
  });
  page.onSelect(() => view.mark());
  onPalette(() => view.refresh());
  new ResizeObserver(() => view.refresh()).observe(view.section);
}

const HEIGHT = 300;
const TOP = 46;
const BOTTOM = 14;
const SIDE = 60;
const LEAST_GAP = 105;
const COLORED = { test: 'test accuracy', train: 'train accuracy', gap: 'gap' } as const;
type Colored = keyof typeof COLORED;

function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number>,
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

class Parallel {
  readonly section: HTMLElement;
  readonly #color = make('select', { onchange: () => this.refresh() });
  readonly #clear = make('button', { type: 'button', onclick: () => this.#clearAll() }, 'All runs');
  readonly #count = make('output', { class: 'faint', 'aria-live': 'polite' });
  readonly #legend = make('span', { class: 'faint' });
  readonly #box = make('div', {
    class: 'scroll lines',
    tabindex: '0',
    role: 'region',
    'aria-label': 'Parallel coordinates',
  });
  readonly #ranges = new Map<string, Range>();
  #axes: ParallelAxis[] = [];
  #lines = new Map<string, SVGPathElement>();
  #width = 0;

  constructor(private readonly page: ClientPage) {
    for (const [value, text] of Object.entries(COLORED)) {
      this.#color.append(make('option', { value }, text));
    }
    this.section = make(
      'section',
      { id: 'parallel', class: 'explore', 'data-own': true },
      make('h2', {}, 'What was swept'),
      make(
        'div',
        { class: 'controls' },
        make('label', {}, 'Color by ', this.#color),
        this.#legend,
        this.#clear,
        this.#count,
      ),
      this.#box,
      make(
        'p',
        { class: 'note' },
        'A line for each run. Drag along an axis to choose runs, here and in the table of runs, which says the same in numbers; on the keyboard, an axis takes the arrow keys for the lower end, with Shift for the upper one, and Escape for all.',
      ),
    );
  }

  /** Draws all anew. */
  refresh(): void {
    const { data } = this.page;
    this.#axes = axesOf(data);
    const has = data.swept.length > 0 && data.runs.length > 1 && this.#axes.length > 1;
    this.section.hidden = !has;
    if (!has) return;
    for (const name of this.#ranges.keys()) {
      if (!this.#axes.some((axis) => axis.name === name)) this.#ranges.delete(name);
    }
    const focused = document.activeElement?.getAttribute('data-axis');
    this.#width = Math.max(
      (this.#box.clientWidth || 800) - 2,
      2 * SIDE + (this.#axes.length - 1) * LEAST_GAP,
    );
    const colorOf = this.#colors();
    const drawn = data.runs.flatMap((run) => {
      const line = this.#lineOf(run, colorOf(run[this.#color.value as Colored]));
      return line === null ? [] : [[run.id, line] as const];
    });
    this.#lines = new Map(drawn);
    const picture = svg(
      'svg',
      { width: this.#width, height: HEIGHT, viewBox: `0 0 ${this.#width} ${HEIGHT}` },
      svg('g', { class: 'lines' }, ...this.#lines.values()),
      ...this.#axes.map((axis, i) => this.#axisOf(axis, i)),
    );
    this.#box.replaceChildren(picture);
    if (focused) picture.querySelector<SVGElement>(`[data-axis="${CSS.escape(focused)}"]`)?.focus();
    this.mark();
  }

  /** Brings out the runs that are chosen. */
  mark(): void {
    const { selection, data } = this.page;
    for (const [id, line] of this.#lines) {
      line.classList.toggle('out', selection !== null && !selection.has(id));
    }
    const chosen = selection === null ? data.runs.length : selection.size;
    this.#count.textContent = `${chosen} of ${data.runs.length} runs`;
    this.#clear.disabled = this.#ranges.size === 0;
  }

  #x(i: number): number {
    return SIDE + (i * (this.#width - 2 * SIDE)) / (this.#axes.length - 1);
  }

  #lineOf(run: PageRun, color: string): SVGPathElement | null {
    const places = this.#axes.map((axis) => axis.at(run));
    const points = places.flatMap((at, i) =>
      at === null ? [] : [`${this.#x(i).toFixed(1)},${yOf(at).toFixed(1)}`],
    );
    if (points.length < 2) return null;
    return svg(
      'path',
      { d: `M${points.join('L')}`, stroke: color },
      svg('title', {}, `${run.label} (${run.short})`),
    );
  }

  /** A color between two of the figures' for each accuracy, over the range of all runs. */
  #colors(): (value: number | null) => string {
    const key = this.#color.value as Colored;
    const all = this.page.data.runs.map((run) => run[key]).filter((x) => x !== null);
    const { series, axis } = palette();
    const [worse, better] = [series[1]!, series[0]!];
    if (all.length === 0) return () => axis;
    const low = all.reduce((a, b) => Math.min(a, b));
    const high = all.reduce((a, b) => Math.max(a, b));
    this.#legend.replaceChildren(
      swatch(worse),
      ` ${formatValue(low, '%')} `,
      swatch(better),
      ` ${formatValue(high, '%')}`,
    );
    return (value) =>
      value === null ? axis : mixed(worse, better, high === low ? 1 : (value - low) / (high - low));
  }

  #axisOf(axis: ParallelAxis, i: number): SVGGElement {
    const x = this.#x(i);
    const range = this.#ranges.get(axis.name);
    const { text, axis: ink } = palette();
    const lines = axis.title.split(/(?<=\.)/).slice(-2);
    const hit = svg('rect', {
      x: x - 14,
      y: TOP - 4,
      width: 28,
      height: HEIGHT - TOP - BOTTOM + 8,
      class: 'hit',
      tabindex: 0,
      role: 'slider',
      'data-axis': axis.name,
      'aria-orientation': 'vertical',
      'aria-label': axis.title,
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-valuenow': Math.round(100 * (range?.[0] ?? 0)),
      'aria-valuetext': range === undefined ? 'all' : axis.told(range),
    });
    hit.addEventListener('pointerdown', (event) => this.#drag(axis, event));
    hit.addEventListener('keydown', (event) => this.#pressed(axis, event));
    const brush =
      range === undefined
        ? []
        : [
            svg('rect', {
              x: x - 7,
              y: yOf(range[1]),
              width: 14,
              height: Math.max(2, yOf(range[0]) - yOf(range[1])),
              class: 'brush',
            }),
          ];
    return svg(
      'g',
      { class: 'axis' },
      svg('line', { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM, stroke: ink }),
      ...lines.map((line, k) =>
        svg(
          'text',
          { x, y: 14 + 14 * k, 'text-anchor': 'middle', fill: text, class: 'title' },
          line,
        ),
      ),
      ...axis.ticks.map(({ at, label }) =>
        svg('text', { x: x + 8, y: yOf(at) + 4, fill: text, class: 'tick' }, label),
      ),
      ...brush,
      hit,
    );
  }

  #drag(axis: ParallelAxis, event: PointerEvent): void {
    event.preventDefault();
    // It is drawn anew meanwhile.
    const top = () => this.#box.querySelector('svg')!.getBoundingClientRect().top;
    const at = ({ clientY }: PointerEvent) =>
      Math.max(0, Math.min(1, (HEIGHT - BOTTOM - (clientY - top())) / (HEIGHT - TOP - BOTTOM)));
    const start = at(event);
    const move = (event: PointerEvent) => {
      const now = at(event);
      // A click is no range.
      this.#set(
        axis,
        Math.abs(now - start) < 0.01 ? null : [Math.min(start, now), Math.max(start, now)],
      );
    };
    const end = (event: PointerEvent) => {
      move(event);
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', end);
      this.#box.querySelector<SVGElement>(`[data-axis="${CSS.escape(axis.name)}"]`)?.focus();
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', end);
  }

  #pressed(axis: ParallelAxis, event: KeyboardEvent): void {
    const turn = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (turn === undefined && event.key !== 'Escape') return;
    event.preventDefault();
    if (turn === undefined) {
      this.#set(axis, null);
      return;
    }
    const [low, high] = this.#ranges.get(axis.name) ?? [0, 1];
    const moved = (end: number) => Math.max(0, Math.min(1, end + turn * axis.step));
    const next: Range = event.shiftKey
      ? [low, Math.max(low, moved(high))]
      : [Math.min(high, moved(low)), high];
    this.#set(axis, next[0] <= 0 && next[1] >= 1 ? null : next);
  }

  #set(axis: ParallelAxis, range: Range | null): void {
    if (range === null) this.#ranges.delete(axis.name);
    else this.#ranges.set(axis.name, range);
    this.#apply();
  }

  #clearAll(): void {
    this.#ranges.clear();
    this.#apply();
  }

  #apply(): void {
    const bounds = this.#axes.flatMap((axis) => {
      const range = this.#ranges.get(axis.name);
      return range === undefined ? [] : [{ axis, range }];
    });
    const within = (run: PageRun) =>
      bounds.every(({ axis, range: [low, high] }) => {
        const at = axis.at(run);
        return at !== null && at >= low - 1e-9 && at <= high + 1e-9;
      });
    this.page.choose('brush', bounds.length === 0 ? null : within);
    this.refresh();
  }
}

function swatch(color: string): HTMLElement {
  const mark = make('i', { class: 'swatch' });
  mark.style.color = color;
  return mark;
}

function yOf(at: number): number {
  return HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM);
}

/** A color between two, written `#rrggbb`. */
function mixed(from: string, to: string, part: number): string {
  const channels = (color: string) =>
    [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16));
  const [a, b] = [channels(from), channels(to)];
  return `#${a
    .map((x, i) =>
      Math.round(x + part * (b[i]! - x))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}
