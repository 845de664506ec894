import { rounded } from './charts/chart.js';
import { renderPng, standaloneSvg } from './charts/render.js';
import type { Figure } from './figures/index.js';
import { tableCsv } from './tables/index.js';

export const FIGURE_KINDS = ['svg', 'png', 'csv'] as const;
type Kind = (typeof FIGURE_KINDS)[number];

interface FigureFile {
  /** MIME type. */
  type: string;
  body: string | Buffer;
}

/** A figure as a file, by its extension. */
export const FIGURE_FILES: Record<Kind, (figure: Figure) => FigureFile | Promise<FigureFile>> = {
  svg: ({ svg }) => ({ type: 'image/svg+xml', body: standaloneSvg(svg) }),
  png: async ({ svg }) => ({ type: 'image/png', body: await renderPng(svg) }),
  csv: ({ chart }) => {
    const atLeast = (chart.atLeast ?? []).map((point) => ({ ...point, bound: 'at least' }));
    const points = [...chart.points.map((point) => ({ ...point, bound: '' })), ...atLeast];
    const columns = ['series', chart.x.title, chart.y.title, 'low', 'high', 'bound'];
    const rows = points.map(({ series, x, y, low, high, bound }) => ({
      cells: [series, ...[x, y, low, high].map((value) => String(rounded(value))), bound],
    }));
    return { type: 'text/csv; charset=utf-8', body: tableCsv({ columns, rows }) };
  },
};
