import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { jsonOfPrintable } from '../errors.js';
import type { PageData, PageFigure, PageModel, Section } from './data.js';
import { type DocumentOptions, documentPolicy, htmlDocument } from './document.js';
import { Html, html } from './html.js';

const require = createRequire(import.meta.url);

/** The page's own program and its style sheet, as scripts/build.mjs bundles src/report/client. */
const client = (name: '#client.js' | '#client.css') => readFileSync(require.resolve(name), 'utf8');

/**
 * The whole page, readable as it is; its script turns figures and tables into ones that can be touched.
 *
 * @param svgs Figures as they are read without JavaScript and printed, by `id`.
 */
export function renderPage(model: PageModel, svgs: ReadonlyMap<string, string>): string {
  const { title, lead, sections, ...data } = model;
  const { figures, served } = data;
  const body = html`<div id="lead">${new Html(lead)}</div>
<nav>${sections.map(({ id, short }) => short !== null && html`<a href="#${id}">${short}</a>`)}</nav>
${sections.map((section) => sectionHtml(section, figures, svgs))}
${dataBlock(data)}`;
  return htmlDocument(title, body, frameOf(served));
}

const frameOf = (served: boolean): DocumentOptions => ({
  style: client('#client.css'),
  script: client('#client.js'),
  connects: served,
});

/** The policy of a page as a server says it: with what only a header can forbid. */
export function pagePolicy(served: boolean): string {
  return `${documentPolicy(frameOf(served))}; frame-ancestors 'none'`;
}

function sectionHtml(
  { id, title, html: markup }: Section,
  figures: readonly PageFigure[],
  svgs: ReadonlyMap<string, string>,
): Html {
  return html`<section id="${id}"><h2>${title}</h2>
<div class="text">${new Html(markup)}</div>
${id === 'figures' && html`<div class="figures">${figures.map((figure) => figureHtml(figure, svgs.get(figure.id) ?? ''))}</div>`}
</section>
`;
}

function figureHtml({ id, title, caption, chart }: PageFigure, svg: string): Html {
  return html`<figure id="${id}"${chart.panels !== undefined && html` class="wide"`}><h3>${title}</h3>${new Html(svg)}<figcaption>${caption}</figcaption></figure>
`;
}

/** More than this is packed: 500 runs of 200 epochs are some megabytes. */
const MOST_PLAIN = 200_000;

/** The data block. Nothing in it can end it, or be read as markup. */
function dataBlock(data: PageData): Html {
  const json = jsonOfPrintable(data).replaceAll('<', '\\u003c');
  return json.length <= MOST_PLAIN
    ? new Html(`<script type="application/json" id="data">${json}</script>`)
    : new Html(
        `<script type="application/json+gzip" id="data">${gzipSync(json).toString('base64')}</script>`,
      );
}
