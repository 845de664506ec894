import { type Html, html } from '../html.js';
import type { Table } from './types.js';

const CONDITIONS = 'conditions';
/** How columns are shown, by their titles: prose is long, a few words that would break badly are short. */
const KINDS: Record<string, string[]> = {
  number: [
    ...['paper', 'measured', 'difference', 'expected'],
    ...['train', 'test', 'best test', 'fitted at step', 'label noise'],
    ...['n', 'seeds'],
  ],
  verdict: ['verdict'],
  because: ['because'],
  run: ['run'],
  what: ['what'],
  short: ['model', 'regularizers', 'data', 'ℓ2', 'state', 'experiment', 'taken'],
  long: [CONDITIONS, 'what is wrong'],
};

/** The class of a column's cells; empty for most. */
export function kindOf(title: string): string {
  return Object.keys(KINDS).find((kind) => KINDS[kind]!.includes(title)) ?? '';
}

/**
 * A table as markup that scrolls by itself on a narrow screen. Conditions are a number in their column, and told below the
 * table once for all rows that share them: beside every number they would be wider than all else.
 *
 * @param runs Whether rows are runs: their conditions stay where they are.
 */
export function tableHtml(table: Table, { runs = false } = {}): Html {
  const { id, note, columns, rows } = table;
  const conditions = rows.map(({ cells }) => cells[columns.indexOf(CONDITIONS)] ?? '');
  const told = runs ? [] : [...new Set(conditions)].filter((text) => text !== '');
  const kinds = columns.map((title) =>
    title === CONDITIONS && !runs ? 'footnote' : kindOf(title),
  );
  const head = columns.map((title, i) => {
    return html`<th${attribute(kinds[i]!)}>${kinds[i] === 'footnote' ? 'note' : title}</th>`;
  });
  const content = (text: string, column: number) => {
    if (kinds[column] !== 'footnote' || text === '') return text;
    const number = told.indexOf(text) + 1;
    return html`<a href="#${id}-${number}">${number}</a>`;
  };
  const body = rows.map(({ cells, verdict = '' }) => {
    const shown = cells.map((text, i) => {
      const kind = kinds[i] === 'verdict' ? `verdict ${verdict}` : kinds[i]!;
      const label = runs && html` data-label="${columns[i]!}"`;
      return html`<td${attribute(kind)}${label}>${content(text, i)}</td>`;
    });
    return html`<tr>${shown}</tr>`;
  });
  return html`<h3>${table.title}</h3>
<div class="scroll${runs && ' runs'}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
${note !== '' && html`<p class="note">${note}</p>`}
${told.length > 0 && html`<ol class="note">${told.map((text, i) => html`<li id="${id}-${i + 1}">${text}</li>`)}</ol>`}`;
}

function attribute(kind: string): Html | string {
  return kind === '' ? '' : html` class="${kind}"`;
}
