import uPlot from 'uplot';
import type { Axis, Mark } from '../charts/chart.js';
import { FONT } from '../charts/theme.js';
import { logTicks } from '../charts/ticks.js';
import { palette } from './colors.js';
import { make } from './dom.js';
import { drawLevel, drawLine, drawMark, type Line, type Place } from './draw.js';
import { formatTicks } from './format.js';

export interface PlotOptions {
  x: Axis;
  y: Axis;
  logX: boolean;
  logY: boolean;
  /** 0 … 1 */
  smoothing: number;
  ranges: 'band' | 'bar';
  level?: { y: number; label: string } | undefined;
  marks?: (Mark & { color: string })[];
  height: number;
  /** Fewer ticks, no titles of axes. */
  small?: boolean;
}

/** Where on its lines a plot is read: places in the lines' columns; -1 where a line has nothing near. */
export interface Reading {
  x: number;
  places: number[];
  /** The line that is nearest to the pointer. */
  nearest: number;
}

type Extent = [min: number, max: number];

/** What a line may be away from the pointer to be read, in pixels. */
const NEAR = 24;

/** One chart on a canvas: uPlot's axes, scales, cursor and zoom, our lines. */
export class Plot {
  #u: uPlot | null = null;
  #lines: readonly Line[] = [];
  #options: PlotOptions;
  #view: { x: Extent | null; y: Extent | null } = { x: null, y: null };
  #dots: HTMLElement[] = [];
  /** The line under the pointer once more, where there are too many to have dots. */
  readonly #marked = document.createElementNS(SVG, 'svg');
  readonly #sized: ResizeObserver;

  constructor(
    readonly target: HTMLElement,
    lines: readonly Line[],
    options: PlotOptions,
    private readonly heard: {
      read: (reading: Reading | null) => void;
      zoomed: (zoomed: boolean) => void;
    },
  ) {
    this.#options = options;
    this.#lines = lines;
    this.#marked.append(document.createElementNS(SVG, 'polyline'));
    this.#marked.classList.add('marked');
    this.#build();
    this.#sized = new ResizeObserver(() => {
      const width = target.clientWidth;
      if (this.#u && width > 0 && width !== this.#u.width) {
        this.#u.setSize({ width, height: this.#options.height });
      }
    });
    this.#sized.observe(target);
  }

  get canvas(): HTMLCanvasElement {
    return this.#u!.ctx.canvas;
  }

  get zoomed(): boolean {
    return this.#view.x !== null || this.#view.y !== null;
  }

  destroy(): void {
    this.#sized.disconnect();
    this.#u?.destroy();
  }

  /** Draws other lines, or the same in another way; the zoom stays where its axes do. */
  update(lines: readonly Line[], options: PlotOptions): void {
    const axes = options.logX !== this.#options.logX || options.logY !== this.#options.logY;
    if (axes) this.#view = { x: null, y: null };
    this.#lines = lines;
    this.#options = options;
    this.#build();
    if (axes) this.heard.zoomed(false);
  }

  reset(): void {
    this.#zoom({ x: null, y: null });
  }

  /** Zooms around the middle, or around what is read: more than 1 is closer. */
  magnify(factor: number, around?: number): void {
    const [low, high] = this.#view.x ?? this.#extent('x');
    const log = this.#options.logX;
    const [from, to] = log ? [Math.log(low), Math.log(high)] : [low, high];
    const given = around === undefined ? undefined : log ? Math.log(around) : around;
    const middle = given ?? (from + to) / 2;
    const part = (end: number) => middle + (end - middle) / factor;
    const back = (value: number) => (log ? Math.exp(value) : value);
    this.#zoom({ x: [back(part(from)), back(part(to))], y: this.#view.y });
  }

  /** All x of the line with the most points, for steps by keys. */
  get steps(): readonly number[] {
    const longest = this.#lines.reduce<Line | null>(
      (most, line) => (line.x.length > (most?.x.length ?? 0) ? line : most),
      null,
    );
    return longest?.x ?? [];
  }

  /** Shows what lines are at a place, as if a pointer were there. */
  readAt(x: number | null): Reading | null {
    const u = this.#u!;
    if (x === null) {
      u.setCursor({ left: -10, top: -10 }, false);
      this.#showDots(null);
      return null;
    }
    const reading = this.#reading(u.valToPos(x, 'x'), -1);
    u.setCursor({ left: u.valToPos(x, 'x'), top: -10 }, false);
    this.#showDots(reading);
    return reading;
  }

  #build(): void {
    this.#u?.destroy();
    const { x, y, logX, logY, height, small } = this.#options;
    const { text, grid, axis: rule } = palette();
    const font = `12px ${FONT}`;
    const look = { stroke: text, font, ticks: { stroke: rule, size: 5 }, gap: 4 };
    const scale = (key: 'x' | 'y', log: boolean): uPlot.Scale => ({
      time: false,
      distr: log ? 3 : 1,
      range: () => this.#view[key] ?? this.#extent(key),
    });
    const whole = x.format === ',d' ? { incrs: WHOLE } : {};
    const log = (on: boolean, space: number): Partial<uPlot.Axis> =>
      on
        ? {
            splits: (u, axis, low, high) =>
              // What lies between the axes has no size yet when it is drawn for the first time.
              logTicks(low, high, (axis === 0 ? u.width : u.height) / space),
            filter: (_, ticks) => ticks,
          }
        : {};
    const titled = ({ title }: Axis) =>
      small ? {} : { label: title, labelFont: `13px ${FONT}`, labelSize: 22, labelGap: 2 };
    this.#u = new uPlot(
      {
        width: this.target.clientWidth || 460,
        height,
        padding: [10, 16, small ? 2 : 0, 0],
        legend: { show: false },
        scales: { x: scale('x', logX), y: scale('y', logY) },
        axes: [
          {
            ...look,
            ...titled(x),
            ...whole,
            space: small ? 60 : 70,
            ...log(logX, 70),
            size: small ? 24 : 28,
            grid: { stroke: grid, width: 1 },
            values: (_, ticks) => formatTicks(ticks, x.format),
          },
          {
            ...look,
            ...titled(y),
            space: small ? 26 : 34,
            ...log(logY, 34),
            size: (u, labels) => widestOf(u, labels, font) + 14,
            grid: { stroke: grid, width: 1 },
            values: (_, ticks) => formatTicks(ticks, y.format),
          },
        ],
        series: [{}, { show: false }],
        cursor: {
          y: false,
          points: { show: false },
          drag: { setScale: false, x: true, y: true, uni: 24 },
          bind: { dblclick: () => () => this.#doubleClicked() },
          move: (_, left, top) => [this.#snapped(left), top],
        },
        hooks: {
          draw: [(u) => this.#draw(u)],
          setCursor: [(u) => this.#moved(u)],
          setSelect: [(u) => this.#selected(u)],
        },
      },
      [this.#extent('x'), [null, null]],
      this.target,
    );
    this.#dots = this.#many ? [] : this.#lines.map(dotOf);
    this.#u.over.append(...this.#dots, ...(this.#many ? [this.#marked] : []));
  }

  /** The domain of an axis, or what its lines take up. */
  #extent(key: 'x' | 'y'): Extent {
    const { x, y, logX, logY, ranges } = this.#options;
    const log = key === 'x' ? logX : logY;
    const { domain } = key === 'x' ? x : y;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    const take = (values: readonly number[] | undefined) => {
      for (const value of values ?? []) {
        if (log && value <= 0) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    };
    for (const line of this.#lines) {
      take(line[key]);
      take(line.atLeast?.[key]);
      if (key === 'y') take(line.low);
      if (key === 'y') take(line.high);
    }
    if (low > high) [low, high] = log ? [0.1, 1] : [0, 1];
    if (domain) [low, high] = [log && domain[0] <= 0 ? low : domain[0], domain[1]];
    else if (log) [low, high] = [low / 1.15, high * 1.15];
    else if (key === 'y' || ranges === 'bar') {
      const room = (high - low || Math.abs(high) || 1) * 0.05;
      [low, high] = [low > 0 && low < high / 2 ? 0 : low - room, high + room];
    }
    return low < high ? [low, high] : log ? [low / 2, low * 2] : [low - 0.5, low + 0.5];
  }

  #zoom(view: { x: Extent | null; y: Extent | null }): void {
    this.#view = view;
    const [x, y] = [view.x ?? this.#extent('x'), view.y ?? this.#extent('y')];
    this.#u!.batch(() => {
      this.#u!.setScale('x', { min: x[0], max: x[1] });
      this.#u!.setScale('y', { min: y[0], max: y[1] });
    });
    this.#showDots(null);
    this.heard.zoomed(this.zoomed);
  }

  #doubleClicked(): null {
    this.reset();
    return null;
  }

  #selected(u: uPlot): void {
    const { left, top, width, height } = u.select;
    if (width < 6 && height < 6) return;
    const across = width >= 6 && width < u.over.clientWidth;
    const down = height >= 6 && height < u.over.clientHeight;
    const x: Extent | null = across
      ? [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]
      : this.#view.x;
    const y: Extent | null = down
      ? [u.posToVal(top + height, 'y'), u.posToVal(top, 'y')]
      : this.#view.y;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#zoom({ x, y });
  }

  #place(u: uPlot): Place {
    const to = (scale: 'x' | 'y', log: boolean) => (value: number) =>
      log && value <= 0 ? Number.NaN : u.valToPos(value, scale, true);
    const { logX, logY } = this.#options;
    return { x: to('x', logX), y: to('y', logY), ratio: devicePixelRatio };
  }

  #draw(u: uPlot): void {
    const { ctx, bbox } = u;
    const place = this.#place(u);
    ctx.save();
    ctx.beginPath();
    // Symbols on the edge, and lines along it, are whole.
    const edge = (this.zoomed ? 1 : 7) * place.ratio;
    const [width, height] = [bbox.width + 2 * edge, bbox.height + 2 * edge];
    ctx.rect(bbox.left - edge, bbox.top - edge, width, height);
    ctx.clip();
    if (this.#options.level) drawLevel(ctx, this.#options.level, place, bbox);
    const { marks = [] } = this.#options;
    marks.forEach((mark, i) => {
      drawMark(ctx, mark, place, bbox, [i, marks.length]);
    });
    for (const line of this.#lines) drawLine(ctx, line, place, this.#options);
    ctx.restore();
  }

  #snapped(left: number): number {
    if (left < 0) return left;
    const reading = this.#reading(left, -1);
    return reading === null ? left : this.#u!.valToPos(reading.x, 'x');
  }

  #moved(u: uPlot): void {
    const { left = -1, top = -1 } = u.cursor;
    const reading = left < 0 ? null : this.#reading(left, top);
    this.#showDots(reading);
    this.heard.read(reading);
  }

  /** What is nearest to a place of the plot, in pixels of CSS. */
  #reading(left: number, top: number): Reading | null {
    const u = this.#u!;
    const at = u.posToVal(left, 'x');
    const places = this.#lines.map(({ x }) => nearestIn(x, at));
    let x: number | null = null;
    let nearest = -1;
    let [least, closest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.#lines.forEach((line, i) => {
      const place = places[i]!;
      if (place < 0) return;
      const off = Math.abs(u.valToPos(line.x[place]!, 'x') - left);
      if (off < least) [least, x] = [off, line.x[place]!];
      if (off > NEAR) places[i] = -1;
      const away = Math.hypot(off, u.valToPos(line.y[place]!, 'y') - top);
      if (away < closest) [closest, nearest] = [away, i];
    });
    return x === null ? null : { x, places, nearest };
  }

  get #many(): boolean {
    return this.#lines.length > MOST_DOTS;
  }

  #mark(line: Line | undefined): void {
    const polyline = this.#marked.firstElementChild as SVGPolylineElement;
    const { valToPos } = this.#u!;
    const points = (line?.x ?? []).map((x, i) => [valToPos(x, 'x'), valToPos(line!.y[i]!, 'y')]);
    const drawn = points.filter((point) => point.every(Number.isFinite));
    polyline.setAttribute(
      'points',
      drawn.map(([x, y]) => `${x!.toFixed(1)},${y!.toFixed(1)}`).join(' '),
    );
    polyline.setAttribute('stroke', line?.color ?? 'none');
  }

  #showDots(reading: Reading | null): void {
    if (this.#many) this.#mark(this.#lines[reading?.nearest ?? -1]);
    this.#dots.forEach((dot, i) => {
      const [line, place] = [this.#lines[i]!, reading?.places[i] ?? -1];
      dot.hidden = place < 0;
      if (place < 0) return;
      const { valToPos } = this.#u!;
      dot.style.transform = `translate(${valToPos(line.x[place]!, 'x')}px,${valToPos(line.y[place]!, 'y')}px)`;
    });
  }
}

const SVG = 'http://www.w3.org/2000/svg';

/** More lines than these get no dots under the pointer. */
export const MOST_DOTS = 24;

/** Distances between ticks where there is nothing between whole numbers. */
const WHOLE = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
).flat();

function dotOf({ color }: Line): HTMLElement {
  const dot = make('i', { class: 'dot', hidden: true });
  dot.style.background = color;
  return dot;
}

function widestOf(u: uPlot, labels: string[] | null, font: string): number {
  u.ctx.save();
  u.ctx.font = font;
  const width = Math.max(0, ...(labels ?? []).map((label) => u.ctx.measureText(label).width));
  u.ctx.restore();
  return Math.ceil(width);
}

/** Place of the value nearest to one in a column that rises; -1 in an empty one. */
export function nearestIn(column: readonly number[], value: number): number {
  let [from, to] = [0, column.length - 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (column[middle]! < value) from = middle + 1;
    else to = middle;
  }
  if (from > 0 && value - column[from - 1]! < column[from]! - value) return from - 1;
  return column.length === 0 ? -1 : from;
}
