import sharp from 'sharp';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { printableLines } from '../../errors.js';
import { escapeHtml } from '../html.js';
import { darkRules, GROUND } from './theme.js';

/** Mean width of a character of common sans-serif fonts, in ems, on the wide side: labels must never be cut. */
const CHARACTER = 0.56;

// No canvas here to measure with. Vega's own guess of 0.8 em leaves gaps in legends.
const { textMetrics } = vega as unknown as {
  textMetrics: { width(item: { fontSize?: number }, text: unknown): number };
};
textMetrics.width = ({ fontSize = 11 }, text) => CHARACTER * fontSize * String(text ?? '').length;

/**
 * Draws a Vega-Lite specification.
 *
 * @param id Of the figure: ids within it begin with it, so that many figures can stand in one page.
 * @param description For those who can't see it.
 * @returns An `<svg>` element with no style of its own, transparent.
 */
export async function renderSvg(
  spec: TopLevelSpec,
  id: string,
  description: string,
): Promise<string> {
  const { spec: lowLevel } = compile(spec);
  const view = new vega.View(vega.parse(lowLevel), { renderer: 'none' });
  try {
    return tidy(await view.toSVG(), id, description);
  } finally {
    view.finalize();
  }
}

/** Vega writes 15 digits where a hundredth of a pixel is invisible, and names for its own scripts. */
function tidy(svg: string, id: string, description: string): string {
  return (
    printableLines(svg)
      // Within tags alone: what is read keeps its digits.
      .replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d{3,}/g, hundredths))
      .replace(/ (class|pointer-events|aria-[a-z]+|role)="[^"]*"/g, '')
      .replace(/(id="|url\(#)(clip\d+)/g, `$1${id}-$2`)
      .replace(' version="1.1"', '')
      .replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', '')
      .replace('<svg ', `<svg role="img" aria-label="${escapeHtml(description)}" `)
  );
}

function hundredths(digits: string): string {
  return String(Number(Number(digits).toFixed(2)));
}

/** The figure as a file of its own: with a ground, and a style sheet for dark pages. */
export function standaloneSvg(svg: string): string {
  const style = `<style>@media (prefers-color-scheme:dark){.ground{fill:${GROUND.dark}}${darkRules()}}</style>`;
  const ground = `<rect class="ground" width="100%" height="100%" fill="${GROUND.light}"/>`;
  return `${svg.replace(/<svg [^>]*>/, (tag) => tag + style + ground)}\n`;
}

/** The figure as a picture, three pixels for each of its own. */
export function renderPng(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(standaloneSvg(svg)), { density: 216 })
    .png()
    .toBuffer();
}
