/**
 * One look for all figures. Every color stands here twice, for light and for dark pages; a figure is drawn in the light ones,
 * and a style sheet that matches them as attributes turns them into the dark ones, in the page and in the files alike.
 */

export const INK = {
  text: ['#333333', '#d6d9dd'],
  grid: ['#e1e4e8', '#32373e'],
  axis: ['#8a9099', '#767d87'],
};

/** Dark and light enough for a contrast above 3:1 on either ground; shapes tell them apart in gray. */
const SERIES: [light: string, dark: string][] = [
  ['#0b62a4', '#6cb4f5'],
  ['#c03d00', '#ff9663'],
  ['#00755c', '#45cfae'],
  ['#8a3a9c', '#dc9cec'],
  ['#7d6100', '#dfc04e'],
  ['#222b36', '#f0f2f5'],
];

/** By color, so that gray paper tells conditions apart. */
export const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'];

/** Conditions that can be told apart in one figure. */
export const MOST_CONDITIONS = SERIES.length;

export const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
export const GROUND = { light: '#ffffff', dark: '#15181c' };
export const TEXT = INK.text[0]!;

/** As figures are drawn; `DARK` has each on a dark ground. */
export const COLORS = SERIES.map(([light]) => light);
export const DARK = SERIES.map(([, dark]) => dark);

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
