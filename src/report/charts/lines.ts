import type { TopLevelSpec } from 'vega-lite';
import { groupBy } from '../groups.js';
import {
  type Axis,
  colorOf,
  DASHES,
  isEachApart,
  isLabeledLeft,
  type LineChart,
  type Mark,
  type Point,
  type Split,
} from './chart.js';
import { COLORS, CONFIG, FONT, SHAPES, TEXT } from './theme.js';
import { logTicks } from './ticks.js';

/** Symbols on a long line: enough to tell it from others. */
const SYMBOLS = 7;
/** Points of a line, and of one in a panel: more would not be seen. */
const MOST_POINTS = 300;
const MOST_IN_PANEL = 60;
/** Panels side by side. */
const COLUMNS = 5;

/** A point as Vega-Lite gets it. */
interface Value extends Point {
  condition: string;
  split: Split;
  panel: string;
  /** Marked on its line. */
  symbol: boolean;
  /** A point of its line, a bound, or a place of the x axis. */
  what: 'point' | 'atLeast' | 'mark';
  /** Of a mark, with its place among them. */
  label?: string;
  line?: number;
}

/**
 * Lines whose colors and symbols mean conditions, so that either is enough to tell them apart, and whose dashes tell test
 * from train.
 */
export function lineSpec(chart: LineChart): TopLevelSpec {
  const { x, y, ranges, panels } = chart;
  const xs = extentOf(chart);
  const frame = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config: CONFIG,
    data: { values: valuesOf(chart) },
  };
  const encoding = {
    x: {
      field: 'x',
      type: 'quantitative',
      scale: scaleOf(x),
      axis: axisOf(x, panels !== undefined, xs),
    },
    y: {
      field: 'y',
      type: 'quantitative',
      scale: scaleOf(y),
      axis: axisOf(y, panels !== undefined),
    },
    color: conditionScale(chart, COLORS),
    detail: { field: 'series' },
  };
  const layer = layersOf(chart, ranges);
  if (!panels) {
    const autosize = { type: 'fit-x', contains: 'padding' };
    return { ...frame, width: 460, height: 260, autosize, encoding, layer } as TopLevelSpec;
  }
  const header = {
    title: null,
    labelFontSize: 11.5,
    labelColor: TEXT,
    labelFont: FONT,
    labelAnchor: 'start',
    labelExpr: `split(datum.label, '\\n')`,
  };
  return {
    ...frame,
    facet: { field: 'panel', type: 'nominal', sort: panels.map(wrapped), header },
    columns: COLUMNS,
    spacing: { row: 14, column: 18 },
    spec: { width: 180, height: 100, encoding, layer },
  } as TopLevelSpec;
}

const POINTS = "datum.what === 'point'";

function layersOf(chart: LineChart, ranges: LineChart['ranges']) {
  const ranged = chart.points.some(({ low, high }) => low !== high);
  const only = (test: string) => [{ filter: test }];
  return [
    ...(chart.level === undefined ? [] : levelLayers(chart.level)),
    ...(chart.marks ?? []).flatMap((mark, i) => markLayers(chart, mark, i)),
    ...(ranged ? [rangeLayer(ranges)] : []),
    {
      mark: { type: 'line', strokeWidth: 2, clip: true },
      transform: only(POINTS),
      encoding: { strokeDash: splitScale(chart) },
    },
    {
      mark: { type: 'point', filled: true, opacity: 1, size: 60 },
      transform: only('datum.symbol'),
      encoding: { shape: conditionScale(chart, SHAPES) },
    },
    ...(chart.atLeast?.length
      ? [{ ...atLeastMark, transform: only("datum.what === 'atLeast'") }]
      : []),
  ];
}

function conditionScale(chart: LineChart, palette: readonly string[]) {
  const { conditions } = chart;
  const range = conditions.map((name) => palette[colorOf(chart, name) % palette.length]);
  const widest = Math.max(...conditions.map((name) => name.length)) * 7 + 36;
  // As many as 430 pixels hold.
  const columns = Math.max(1, Math.min(conditions.length, Math.floor(430 / widest)));
  return {
    field: 'condition',
    type: 'nominal',
    scale: { domain: conditions, range },
    legend: isEachApart(chart) ? null : { columns },
  };
}

/** In the key only where there are both. */
function splitScale({ series }: LineChart) {
  const splits = (Object.keys(DASHES) as Split[]).filter((split) =>
    series.some((each) => each.split === split),
  );
  const scale = { domain: splits, range: splits.map((split) => DASHES[split]) };
  const legend = splits.length < 2 ? null : { symbolType: 'stroke', symbolSize: 400 };
  return { field: 'split', type: 'nominal', scale, legend };
}

function scaleOf({ domain, log }: Axis) {
  if (log) return { type: 'log', nice: false, padding: 10, ...(domain && { domain }) };
  return domain === undefined ? { zero: true, nice: true } : { domain };
}

/** From the least to the greatest x. */
function extentOf({ points, x: { domain } }: LineChart): [low: number, high: number] {
  const xs = points.map(({ x }) => x);
  return (
    domain ?? [
      xs.reduce((a, b) => Math.min(a, b), Infinity),
      xs.reduce((a, b) => Math.max(a, b), 0),
    ]
  );
}

/** @param extent Of what stands on a logarithmic axis. */
function axisOf({ title, format, log }: Axis, panels: boolean, extent?: [number, number]) {
  // Whole numbers have no ticks between them.
  const whole = format === ',d' ? { tickMinStep: 1 } : {};
  const ticks =
    log && extent
      ? { values: logTicks(...extent, panels ? 4 : 10) }
      : { tickCount: panels ? 3 : 6, ...whole };
  return { title, ...ticks, ...(format ? { format } : {}) };
}

function rangeLayer(ranges: LineChart['ranges']) {
  const ends = { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } };
  const transform = [{ filter: POINTS }];
  return ranges === 'band'
    ? { mark: { type: 'area', opacity: 0.2, clip: true }, transform, encoding: ends }
    : { mark: { type: 'rule', strokeWidth: 1.5 }, transform, encoding: ends };
}

function levelLayers({ y, label }: { y: number; label: string }) {
  const data = { values: [{ y, label }] };
  const none = { x: null, color: null, detail: null };
  return [
    {
      data,
      mark: { type: 'rule', stroke: TEXT, strokeDash: [3, 3], strokeWidth: 1 },
      encoding: none,
    },
    {
      data,
      mark: { type: 'text', align: 'right', baseline: 'bottom', dy: -3, fill: TEXT, fontSize: 12 },
      encoding: { ...none, x: { value: 'width' }, text: { field: 'label' } },
    },
  ];
}

/** Rules in the colors of their lines; what each is stands at its top, one below the other. */
function markLayers(chart: LineChart, { x }: Mark, i: number) {
  const transform = [{ filter: `datum.what === 'mark' && datum.line === ${i}` }];
  const [low, high] = extentOf(chart);
  const at = chart.x.log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low);
  const count = chart.panels ? 1 : chart.marks!.length;
  const [align, dx] = isLabeledLeft(at, i, count) ? ['right', -5] : ['left', 5];
  return [
    {
      mark: { type: 'rule', strokeWidth: 1.5, strokeDash: [2, 3] },
      transform,
      encoding: { y: null },
    },
    {
      mark: { type: 'text', align, dx, baseline: 'top', fontSize: 12, fill: TEXT },
      transform,
      encoding: { y: { value: 3 + 16 * i }, text: { field: 'label' }, color: null },
    },
  ];
}

/** Hollow arrowheads: the true value lies above. */
const atLeastMark = {
  mark: { type: 'point', shape: 'triangle-up', filled: false, size: 130, strokeWidth: 2 },
};

/** A mark is a place of the x axis alone. */
const NO_VALUE = { y: 0, low: 0, high: 0 };

function valuesOf(chart: LineChart): Value[] {
  const { atLeast = [], marks = [], series, x, y, ranges } = chart;
  const bySeries = groupBy(drawnPoints(chart), ({ series }) => series);
  return series.flatMap(({ name, condition, split, panel = '' }, i) => {
    const own = bySeries.get(name) ?? [];
    const seen = own.filter((point) => within(point.x, x) && within(point.y, y));
    // Some of each line, at different places on different lines, so that symbols do not hide each other.
    const every = ranges === 'bar' ? 1 : Math.max(1, Math.ceil(seen.length / SYMBOLS));
    const first = Math.floor((every * (i + 0.5)) / series.length);
    const marked = new Set(seen.filter((_, at) => at % every === first % every));
    const value = { condition, split, panel: wrapped(panel) };
    return [
      ...own.map((point) => ({
        ...point,
        ...value,
        symbol: marked.has(point),
        what: 'point' as const,
      })),
      ...atLeast
        .filter((point) => point.series === name)
        .map((point) => ({ ...point, ...value, symbol: false, what: 'atLeast' as const })),
      ...marks.flatMap((mark, line) =>
        mark.series === name
          ? [{ ...NO_VALUE, ...mark, ...value, symbol: false, what: 'mark' as const, line }]
          : [],
      ),
    ];
  });
}

/** In lines as wide as a panel: labels are never cut. */
function wrapped(name: string): string {
  const lines = [''];
  for (const word of name.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + word.length > 32) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

/** The points of a chart that are drawn, line by line. */
export function drawnPoints({ points, series, panels }: LineChart): Point[] {
  const most = panels ? MOST_IN_PANEL : MOST_POINTS;
  const bySeries = groupBy(points, ({ series }) => series);
  return series.flatMap(({ name }) => thinned(bySeries.get(name) ?? [], most));
}

/** Evenly chosen, with both ends. */
function thinned(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * step)]!);
}

function within(value: number, { domain }: Axis): boolean {
  return domain === undefined || (value >= domain[0] && value <= domain[1]);
}
