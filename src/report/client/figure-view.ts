import { colorOf, isEachApart, type Split } from '../charts/chart.js';
import type { PageFigure, PageSeries } from '../data.js';
import { onPalette, palette } from './colors.js';
import { make, toggle } from './dom.js';
import { downloads } from './downloads.js';
import type { Line } from './draw.js';
import { formatValue } from './format.js';
import { MOST_DOTS, Plot, type PlotOptions, type Reading } from './plot.js';
import { PointsTable } from './points-table.js';

/** What whoever reads has chosen: it stays when a figure's numbers change. */
interface Choices {
  logX: boolean;
  logY: boolean;
  smoothing: number;
  /** Conditions and splits that are switched off. */
  off: Set<string>;
}

/** A canvas with lines: all of the figure, or those of one of its panels. */
interface Panel {
  name: string | null;
  series: PageSeries[];
  box: HTMLElement;
  plot: Plot | null;
  readout: HTMLElement | null;
}

const HEIGHT = 290;
const PANEL_HEIGHT = 150;
/** More canvases than these are kept only as long as they are seen. */
const MOST_PANELS = 60;

/** A figure that can be touched, in place of the picture that is read without JavaScript and printed. */
export class FigureView {
  readonly #choices: Choices;
  readonly #touch = make('div', { class: 'touch' });
  readonly #nearest = make('p', { class: 'nearest' });
  readonly #spoken = make('p', { class: 'spoken', 'aria-live': 'polite' });
  readonly #reset = make(
    'button',
    {
      type: 'button',
      class: 'whole',
      disabled: true,
      onclick: () => this.#each((plot) => plot.reset()),
    },
    'reset zoom',
  );
  readonly #points = new PointsTable(() => this.figure);
  #smooth = make('label');
  #panels: Panel[] = [];
  #values = new Map<string, HTMLElement>();
  #cursor = -1;
  #seen: IntersectionObserver | null = null;

  constructor(
    readonly element: HTMLElement,
    private figure: PageFigure,
  ) {
    const { x, y } = figure.chart;
    this.#choices = { logX: !!x.log, logY: !!y.log, smoothing: 0, off: new Set() };
    element.querySelector('h3')!.after(this.#touch);
    element.classList.add('live');
    this.#build();
    onPalette(() => this.#build());
  }

  /** Shows the same figure with other numbers: what whoever reads has chosen, opened or zoomed into stays. */
  update(figure: PageFigure): void {
    const before = linesOf(this.figure);
    this.figure = figure;
    this.element.querySelector('h3')!.textContent = figure.title;
    this.element.querySelector('figcaption')!.textContent = figure.caption;
    // The picture that came with the page shows what was.
    if (this.element.querySelector(':scope > svg')) this.element.classList.add('newer');
    this.#points.refresh();
    if (linesOf(figure) !== before) {
      this.#build();
      return;
    }
    for (const panel of this.#panels) panel.series = this.#seriesOf(panel.name);
    this.#smooth.hidden = !this.#isLong;
    this.#redraw();
  }

  #build(): void {
    const { chart } = this.figure;
    this.#each((plot) => plot.destroy());
    this.#seen?.disconnect();
    this.#cursor = -1;
    this.#panels = (chart.panels ?? [null]).map((name) => this.#panelOf(name));
    const boxes = this.#panels.map(({ box }) => box);
    const parts = [
      this.#key(),
      chart.panels ? make('div', { class: 'panels' }, ...boxes) : boxes[0]!,
      this.#crowded && this.#nearest,
      this.#spoken,
      this.#tools(),
      this.#points.element,
    ];
    this.#touch.replaceChildren(...parts.filter((part) => part !== false));
    this.#seen = new IntersectionObserver((entries) => this.#show(entries), {
      rootMargin: '300px',
    });
    for (const { box } of this.#panels) this.#seen.observe(box);
  }

  /** Whether there is anything to smooth. */
  get #isLong(): boolean {
    return this.figure.chart.series.some(({ x }) => x.length > 8);
  }

  /** @param panel `null`: the figure has none. */
  #seriesOf(panel: string | null): PageSeries[] {
    return this.figure.chart.series.filter((line) => panel === null || line.panel === panel);
  }

  #panelOf(name: string | null): Panel {
    const { title } = this.figure;
    const series = this.#seriesOf(name);
    const readout = name === null ? null : make('span', { class: 'value' });
    const box = make(
      'div',
      {
        class: name === null ? 'plot' : 'plot small',
        tabindex: '0',
        role: 'application',
        'aria-label': `${title}${name === null ? '' : `: ${name}`}. Arrow keys read values, plus and minus zoom, 0 shows all.`,
        onkeydown: (event) => this.#pressed(event as KeyboardEvent, panel),
        onblur: () => this.#read(null, panel),
      },
      name !== null && make('p', { class: 'panel-title' }, name, ' ', readout!),
    );
    const panel: Panel = { name, series, box, plot: null, readout };
    return panel;
  }

  /** Draws what is seen, and forgets canvases that are not: there may be hundreds. */
  #show(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const panel = this.#panels.find(({ box }) => box === target);
      if (panel === undefined) continue;
      if (isIntersecting && panel.plot === null) {
        panel.plot = new Plot(panel.box, this.#linesOf(panel), this.#options(panel), {
          read: (reading) => this.#read(reading, panel),
          zoomed: () => this.#zoomed(),
        });
      } else if (!isIntersecting && this.#panels.length > MOST_PANELS) {
        panel.plot?.destroy();
        panel.plot = null;
      }
    }
  }

  /** More than one line of a kind: values beside the key would be a heap, so the nearest line is told. */
  get #crowded(): boolean {
    const { series } = this.figure.chart;
    const kinds = series.map(({ split, condition, panel }) => `${split} ${condition} ${panel}`);
    return series.length > new Set(kinds).size;
  }

  #linesOf({ series }: Panel): Line[] {
    const { chart } = this.figure;
    const { series: colors } = palette();
    const thin = this.#shown(series).length > MOST_DOTS;
    return this.#shown(series).map((line) => {
      const color = colorOf(chart, line.condition);
      return { ...line, color: colors[color % colors.length]!, shape: color, thin };
    });
  }

  #shown(series: readonly PageSeries[]): PageSeries[] {
    const { off } = this.#choices;
    return series.filter(({ condition, split }) => !off.has(condition) && !off.has(split));
  }

  #options({ series }: Panel): PlotOptions {
    const { x, y, ranges, level, panels } = this.figure.chart;
    const { logX, logY, smoothing } = this.#choices;
    const height = panels ? PANEL_HEIGHT : HEIGHT;
    const small = panels !== undefined;
    const marks = this.#marksOf(series);
    return { x, y, logX, logY, smoothing, ranges, level, marks, height, small };
  }

  /** Those of the lines that are shown, in their colors. */
  #marksOf(series: readonly PageSeries[]): PlotOptions['marks'] {
    const { chart } = this.figure;
    const colors = palette().series;
    return (chart.marks ?? []).flatMap((mark) => {
      const line = this.#shown(series).find(({ name }) => name === mark.series);
      if (line === undefined) return [];
      return [{ ...mark, color: colors[colorOf(chart, line.condition) % colors.length]! }];
    });
  }

  #redraw(): void {
    for (const panel of this.#panels)
      panel.plot?.update(this.#linesOf(panel), this.#options(panel));
  }

  /** Switches for conditions, with what they are under the pointer, and for train and test where there are both. */
  #key(): HTMLElement {
    const { chart } = this.figure;
    this.#values = new Map();
    const flip = (name: string) => (pressed: boolean) => {
      if (pressed) this.#choices.off.delete(name);
      else this.#choices.off.add(name);
      this.#redraw();
    };
    const splits = (['train', 'test'] as Split[]).filter((split) =>
      chart.series.some((line) => line.split === split),
    );
    const conditions = (isEachApart(chart) ? [] : chart.conditions).map((condition) => {
      const swatch = make('i', { class: `swatch shape-${colorOf(chart, condition)}` });
      swatch.style.color = palette().series[colorOf(chart, condition) % palette().series.length]!;
      const value = make('span', { class: 'value' });
      // Room for what it will say: nothing moves under the pointer.
      if (!this.#crowded) value.style.minWidth = `${10 * splits.length - 2}ch`;
      this.#values.set(condition, value);
      const on = !this.#choices.off.has(condition);
      return toggle([swatch, condition, value], on, flip(condition));
    });
    const both =
      splits.length < 2
        ? []
        : splits.map((split) =>
            toggle(
              [make('i', { class: `dash ${split}` }), split],
              !this.#choices.off.has(split),
              flip(split),
            ),
          );
    return make(
      'div',
      { class: 'key', role: 'group', 'aria-label': 'Lines' },
      ...conditions,
      ...both,
    );
  }

  #tools(): HTMLElement {
    const choices = this.#choices;
    const axis = (label: string, key: 'logX' | 'logY') =>
      toggle([label], choices[key], (pressed) => {
        choices[key] = pressed;
        this.#redraw();
      });
    const slider = make('input', {
      type: 'range',
      min: '0',
      max: '0.98',
      step: '0.02',
      value: String(choices.smoothing),
      oninput: () => {
        choices.smoothing = Number(slider.value);
        this.#redraw();
      },
    });
    this.#smooth = make('label', { hidden: !this.#isLong }, 'smooth ', slider);
    return make(
      'div',
      { class: 'tools', role: 'group', 'aria-label': 'Axes, zoom and files' },
      axis('log x', 'logX'),
      axis('log y', 'logY'),
      this.#smooth,
      this.#reset,
      ...downloads(this.element, () => this.figure),
    );
  }

  #pressed(event: KeyboardEvent, panel: Panel): void {
    const { plot } = panel;
    if (plot === null) return;
    const { steps } = plot;
    const last = steps.length - 1;
    const moves: Record<string, () => void> = {
      ArrowRight: () => this.#step(panel, Math.min(last, this.#cursor + 1)),
      ArrowLeft: () => this.#step(panel, Math.max(0, this.#cursor - 1)),
      PageDown: () => this.#step(panel, Math.min(last, this.#cursor + 10)),
      PageUp: () => this.#step(panel, Math.max(0, this.#cursor - 10)),
      Home: () => this.#step(panel, 0),
      End: () => this.#step(panel, last),
      '+': () => plot.magnify(2, steps[this.#cursor]),
      '-': () => plot.magnify(0.5, steps[this.#cursor]),
      '0': () => plot.reset(),
    };
    const move = moves[event.key === '=' ? '+' : event.key];
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move();
  }

  #step(panel: Panel, to: number): void {
    this.#cursor = to;
    const reading = panel.plot!.readAt(panel.plot!.steps[to] ?? null);
    this.#read(reading, panel);
    this.#spoken.textContent = this.#sentence(reading, panel);
  }

  /** `epoch 12: true labels: train 91.20 %, …` */
  #sentence(reading: Reading | null, panel: Panel): string {
    if (reading === null) return '';
    if (this.#crowded) return this.#nearest.textContent ?? '';
    const { x, y } = this.figure.chart;
    const lines = this.#shown(panel.series).flatMap((line, i) => {
      const place = reading.places[i]!;
      return place < 0 ? [] : [`${line.name} ${formatValue(line.y[place], y.format)}`];
    });
    return `${x.title} ${formatValue(reading.x, x.format)}: ${lines.join(', ')}`;
  }

  /** Puts values beside the names of their lines. */
  #read(reading: Reading | null, panel: Panel): void {
    const { x, y } = this.figure.chart;
    const at = reading === null ? '' : formatValue(reading.x, x.format);
    this.element.dataset.at = at;
    if (this.#crowded) {
      const line = this.#shown(panel.series)[reading?.nearest ?? -1];
      const value = line && formatValue(line.y[reading!.places[reading!.nearest]!], y.format);
      this.#nearest.textContent = line ? `${line.name}: ${value} at ${x.title} ${at}` : '';
      return;
    }
    const told = new Map<string, string[]>();
    this.#shown(panel.series).forEach((line, i) => {
      const place = reading?.places[i] ?? -1;
      const text = place < 0 ? '' : formatValue(line.y[place], y.format);
      told.set(line.condition, [...(told.get(line.condition) ?? []), text]);
    });
    const values = (condition: string) => (told.get(condition) ?? []).filter(Boolean).join(' / ');
    for (const [condition, value] of this.#values) value.textContent = values(condition);
    if (panel.readout === null) return;
    // What a single line says has room under its panel, nearer to the pointer than the key.
    const [own, ...others] = told.keys();
    const value = own !== undefined && others.length === 0 ? `: ${values(own)}` : '';
    panel.readout.textContent = at === '' ? '' : `${x.title} ${at}${value}`;
  }

  #zoomed(): void {
    this.#reset.disabled = !this.#panels.some(({ plot }) => plot?.zoomed);
  }

  #each(act: (plot: Plot) => void): void {
    for (const { plot } of this.#panels) if (plot) act(plot);
  }
}

/** What lines there are: while that stays, canvases do. */
function linesOf({ chart: { series, conditions, colors, means, panels } }: PageFigure): string {
  const names = series.map(({ name, split, condition, panel }) => [name, split, condition, panel]);
  return JSON.stringify([names, conditions, colors, means, panels]);
}
