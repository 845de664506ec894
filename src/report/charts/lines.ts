import type { TopLevelSpec } from 'vega-lite';
import { groupBy } from '../groups.js';
import { type Axis, colorOf, DASHES, type LineChart, type Point, type Split } from './chart.js';
import { COLORS, CONFIG, SHAPES, TEXT } from './theme.js';

/** Symbols on a long line: enough to tell it from others. */
const SYMBOLS = 7;
/** Points of a line: more would not be seen. */
const MOST_POINTS = 300;
/** Panels side by side. */
const COLUMNS = 6;

/** A point as Vega-Lite gets it. */
interface Value extends Point {
  condition: string;
  split: Split;
  /** Marked on its line. */
  symbol: boolean;
  atLeast: boolean;
}

/**
 * Lines whose colors and symbols mean conditions, so that either is enough to tell them apart, and whose dashes tell test
 * from train.
 */
export function lineSpec(chart: LineChart): TopLevelSpec {
  const { x, y, ranges, panels, conditions } = chart;
  const frame = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config: CONFIG,
    data: { values: valuesOf(chart) },
  };
  const encoding = {
    x: { field: 'x', type: 'quantitative', scale: scaleOf(x), axis: axisOf(x, panels) },
    y: { field: 'y', type: 'quantitative', scale: scaleOf(y), axis: axisOf(y, panels) },
    color: conditionScale(chart, COLORS),
    detail: { field: 'series' },
  };
  const layer = layersOf(chart, ranges);
  if (!panels) {
    const autosize = { type: 'fit-x', contains: 'padding' };
    return { ...frame, width: 460, height: 260, autosize, encoding, layer } as TopLevelSpec;
  }
  const header = { title: null, labelFontSize: 12, labelLimit: 190, labelAnchor: 'start' };
  return {
    ...frame,
    facet: { field: 'condition', type: 'nominal', sort: conditions, header },
    columns: COLUMNS,
    spacing: { row: 14, column: 18 },
    spec: { width: 150, height: 96, encoding, layer },
  } as TopLevelSpec;
}

function layersOf(chart: LineChart, ranges: LineChart['ranges']) {
  const ranged = chart.points.some(({ low, high }) => low !== high);
  const only = (test: string) => [{ filter: test }];
  return [
    ...(chart.level === undefined ? [] : levelLayers(chart.level)),
    ...(ranged ? [rangeLayer(ranges)] : []),
    {
      mark: { type: 'line', strokeWidth: 2, clip: true },
      transform: only('!datum.atLeast'),
      encoding: { strokeDash: splitScale(chart) },
    },
    {
      mark: { type: 'point', filled: true, opacity: 1, size: 60 },
      transform: only('datum.symbol'),
      encoding: { shape: conditionScale(chart, SHAPES) },
    },
    ...(chart.atLeast?.length ? [{ ...atLeastMark, transform: only('datum.atLeast') }] : []),
  ];
}

function conditionScale(chart: LineChart, palette: readonly string[]) {
  const { conditions, panels } = chart;
  const range = conditions.map((name) => palette[colorOf(chart, name) % palette.length]);
  const widest = Math.max(...conditions.map((name) => name.length)) * 7 + 36;
  // As many as 430 pixels hold.
  const columns = Math.max(1, Math.min(conditions.length, Math.floor(430 / widest)));
  return {
    field: 'condition',
    type: 'nominal',
    scale: { domain: conditions, range },
    legend: panels ? null : { columns },
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

function scaleOf({ domain }: Axis) {
  return domain === undefined ? { zero: true, nice: true } : { domain };
}

function axisOf({ title, format }: Axis, panels = false) {
  // Whole numbers have no ticks between them.
  const whole = format === ',d' ? { tickMinStep: 1 } : {};
  return { title, tickCount: panels ? 3 : 6, ...whole, ...(format ? { format } : {}) };
}

function rangeLayer(ranges: LineChart['ranges']) {
  const ends = { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } };
  const transform = [{ filter: '!datum.atLeast' }];
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

/** Hollow arrowheads: the true value lies above. */
const atLeastMark = {
  mark: { type: 'point', shape: 'triangle-up', filled: false, size: 130, strokeWidth: 2 },
};

function valuesOf(chart: LineChart): Value[] {
  const { points, atLeast = [], series, x, y, ranges } = chart;
  const bySeries = groupBy(points, ({ series }) => series);
  return series.flatMap(({ name, condition, split }, i) => {
    const own = thinned(bySeries.get(name) ?? []);
    const seen = own.filter((point) => within(point.x, x) && within(point.y, y));
    // Some of each line, at different places on different lines, so that symbols do not hide each other.
    const every = ranges === 'bar' ? 1 : Math.max(1, Math.ceil(seen.length / SYMBOLS));
    const first = Math.floor((every * (i + 0.5)) / series.length);
    const marked = new Set(seen.filter((_, at) => at % every === first % every));
    const value = { condition, split };
    return [
      ...own.map((point) => ({ ...point, ...value, symbol: marked.has(point), atLeast: false })),
      ...atLeast
        .filter((point) => point.series === name)
        .map((point) => ({ ...point, ...value, symbol: false, atLeast: true })),
    ];
  });
}

/** Evenly chosen, with both ends. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= MOST_POINTS) return points;
  const step = (points.length - 1) / (MOST_POINTS - 1);
  return Array.from({ length: MOST_POINTS }, (_, i) => points[Math.round(i * step)]!);
}

function within(value: number, { domain }: Axis): boolean {
  return domain === undefined || (value >= domain[0] && value <= domain[1]);
}
