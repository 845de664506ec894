import type { TopLevelSpec } from 'vega-lite';
import { CONFIG, RANGES, TEXT } from './theme.js';

/** A value of a series with the range of its seeds. */
export interface Point {
  series: string;
  x: number;
  y: number;
  low: number;
  high: number;
}

export interface Axis {
  title: string;
  domain?: [number, number];
  /** Of d3: `%`, `~s` … */
  format?: string;
}

export interface LineChart {
  x: Axis;
  y: Axis;
  /** In the order of the legend. */
  series: string[];
  points: Point[];
  /** Ranges as bands around the lines, or as bars through the points. */
  ranges: 'band' | 'bar';
  /** A level to compare with. */
  level?: { y: number; label: string };
  /** Points of which only a lower bound is known. */
  atLeast?: Point[];
}

/** Symbols on a long line: enough to tell it from others. */
const SYMBOLS = 7;

/** Lines with symbols, dashes and colors, so that any one of them is enough to tell the series apart. */
export function lineSpec(chart: LineChart): TopLevelSpec {
  const { x, y, points, series, ranges } = chart;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    config: CONFIG,
    width: 460,
    height: 260,
    autosize: { type: 'fit-x', contains: 'padding' },
    data: { values: points },
    encoding: {
      x: { field: 'x', type: 'quantitative', scale: scaleOf(x), axis: axisOf(x) },
      y: { field: 'y', type: 'quantitative', scale: scaleOf(y), axis: axisOf(y) },
      color: named(series, RANGES.colors),
    },
    layer: [
      ...(chart.level === undefined ? [] : levelLayers(chart.level)),
      ...(points.some(({ low, high }) => low !== high) ? [rangeLayer(ranges)] : []),
      {
        mark: { type: 'line', strokeWidth: 2, clip: true },
        encoding: { strokeDash: named(series, RANGES.dashes) },
      },
      {
        data: { values: ranges === 'bar' ? points : withSymbols(chart) },
        mark: { type: 'point', filled: true, opacity: 1, size: 60 },
        encoding: { shape: named(series, RANGES.shapes) },
      },
      ...(chart.atLeast?.length ? [atLeastLayer(chart.atLeast)] : []),
    ],
  } as TopLevelSpec;
}

function named(series: string[], range: readonly unknown[]) {
  const scale = { domain: series, range: series.map((_, i) => range[i % range.length]) };
  const widest = Math.max(...series.map((name) => name.length)) * 7 + 36;
  // As many as 430 pixels hold.
  const columns = Math.max(1, Math.min(series.length, Math.floor(430 / widest)));
  return { field: 'series', type: 'nominal', scale, legend: { columns } };
}

function scaleOf({ domain }: Axis) {
  return domain === undefined ? { zero: true, nice: true } : { domain };
}

function axisOf({ title, format }: Axis) {
  // Whole numbers have no ticks between them.
  const whole = format === ',d' ? { tickMinStep: 1 } : {};
  return { title, tickCount: 6, ...whole, ...(format ? { format } : {}) };
}

function rangeLayer(ranges: LineChart['ranges']) {
  const ends = { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } };
  return ranges === 'band'
    ? { mark: { type: 'area', opacity: 0.2, clip: true }, encoding: ends }
    : { mark: { type: 'rule', strokeWidth: 1.5 }, encoding: ends };
}

function levelLayers({ y, label }: { y: number; label: string }) {
  const data = { values: [{ y, label }] };
  const none = { x: null, color: null };
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

/** Hollow arrowheads: the true value lies above. */
function atLeastLayer(points: Point[]) {
  return {
    data: { values: points },
    mark: { type: 'point', shape: 'triangle-up', filled: false, size: 130, strokeWidth: 2 },
  };
}

/** Some points of each line, at different places on different lines, so that symbols do not hide each other. */
function withSymbols({ points, series, x, y }: LineChart): Point[] {
  const seen = points.filter((point) => within(point.x, x) && within(point.y, y));
  return series.flatMap((name, i) => {
    const own = seen.filter((point) => point.series === name);
    const every = Math.max(1, Math.ceil(own.length / SYMBOLS));
    const first = Math.floor((every * (i + 0.5)) / series.length);
    return own.filter((_, at) => at % every === first);
  });
}

function within(value: number, { domain }: Axis): boolean {
  return domain === undefined || (value >= domain[0] && value <= domain[1]);
}
