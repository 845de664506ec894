import { type Html, html } from '../html.js';
import type { Table } from './types.js';

/** Columns of prose. */
const LONG = ['conditions', 'what is wrong', 'evidence'];
/** Columns of a few words that would break badly. */
const SHORT = ['model', 'regularizers', 'data', 'ℓ2', 'state', 'experiment'];

/** A table as markup that scrolls by itself on a narrow screen. */
export function tableHtml({ title, note, columns, rows }: Table, { linkFirst = false } = {}): Html {
  const kinds = columns.map((column) => {
    if (column.numeric) return 'number';
    if (['verdict', 'because', 'run', 'what'].includes(column.title)) return column.title;
    if (SHORT.includes(column.title)) return 'short';
    return LONG.includes(column.title) ? 'long' : '';
  });
  const head = columns.map((column, i) => html`<th${attribute(kinds[i]!)}>${column.title}</th>`);
  const body = rows.map(({ cells, verdict = '' }) => {
    const shown = cells.map((text, i) => {
      const kind = kinds[i] === 'verdict' ? `verdict ${verdict}` : kinds[i]!;
      const content = linkFirst && i === 0 ? html`<a href="${linkTo(text)}">${text}</a>` : text;
      return html`<td${attribute(kind)}>${content}</td>`;
    });
    return html`<tr>${shown}</tr>`;
  });
  return html`<h3>${title}</h3>
<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
${note !== '' && html`<p class="note">${note}</p>`}`;
}

function attribute(kind: string): Html | string {
  return kind === '' ? '' : html` class="${kind}"`;
}

/** A folder beside the page; never what a browser could take for a scheme. */
function linkTo(path: string): string {
  return `./${path.split('/').map(encodeURIComponent).join('/')}/`;
}
