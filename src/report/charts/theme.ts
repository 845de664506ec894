/**
 * One look for all figures. Every color stands here twice, for light and for dark pages; a figure is drawn in the light ones,
 * and a style sheet that matches them as attributes turns them into the dark ones, in the page and in the files alike.
 */

const INK = {
  text: ['#333333', '#d6d9dd'],
  grid: ['#e1e4e8', '#32373e'],
  axis: ['#8a9099', '#767d87'],
};

/** Dark and light enough for a contrast above 3:1 on either ground; dashes and shapes tell them apart in gray. */
const SERIES: [light: string, dark: string][] = [
  ['#0b62a4', '#6cb4f5'],
  ['#c03d00', '#ff9663'],
  ['#00755c', '#45cfae'],
  ['#8a3a9c', '#dc9cec'],
  ['#7d6100', '#dfc04e'],
  ['#222b36', '#f0f2f5'],
];

const DASHES = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [4, 4],
  [12, 3],
];
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'];

/** Series that can be told apart in one figure. */
export const MOST_SERIES = SERIES.length;

export const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
export const GROUND = { light: '#ffffff', dark: '#15181c' };
export const TEXT = INK.text[0]!;

/** Ranges of the scales of color, dash and shape. */
export const RANGES = {
  colors: SERIES.map(([light]) => light),
  dashes: DASHES,
  shapes: SHAPES,
};

/** CSS rules that turn the light colors of a figure into the dark ones. */
export function darkRules(scope = ''): string {
  const pairs = [...SERIES, ...(Object.values(INK) as [string, string][])];
  return pairs
    .flatMap(([light, dark]) =>
      ['fill', 'stroke'].map((part) => `${scope}[${part}="${light}"]{${part}:${dark}}`),
    )
    .join('');
}

/** Vega-Lite's `config`. */
export const CONFIG = {
  background: 'transparent',
  font: FONT,
  padding: 4,
  aria: false,
  view: { stroke: null },
  axis: {
    labelColor: INK.text[0],
    titleColor: INK.text[0],
    gridColor: INK.grid[0],
    domainColor: INK.axis[0],
    tickColor: INK.axis[0],
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    titlePadding: 8,
  },
  legend: {
    labelColor: INK.text[0],
    labelFontSize: 12.5,
    labelLimit: 330,
    symbolSize: 70,
    symbolStrokeWidth: 2,
    symbolOpacity: 1,
    title: null,
    orient: 'top',
    direction: 'horizontal',
    columnPadding: 14,
    rowPadding: 3,
    padding: 0,
    offset: 10,
  },
} as const;
