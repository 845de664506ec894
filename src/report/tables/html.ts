import { counted } from '../../text.js';
import { type Html, html } from '../html.js';
import type { Table } from './types.js';

const CONDITIONS = 'conditions';
/** What a measured number is of: it stands under the number, where it takes no width. */
const SAMPLE = ['n', 'seeds', 'taken'];
const MEASURED = 'measured';
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
  short: ['model', 'regularizers', 'data', 'ℓ2', 'state', 'experiment', 'accuracy'],
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
  const isUnder = (i: number) => SAMPLE.includes(columns[i]!) && columns.includes(MEASURED);
  const head = columns.map((title, i) => {
    if (isUnder(i)) return '';
    return html`<th${attribute(kinds[i]!)}>${kinds[i] === 'footnote' ? 'note' : title}</th>`;
  });
  const content = (text: string, column: number, cells: readonly string[]) => {
    if (columns[column] === MEASURED) return html`${text}${sampleText(columns, cells)}`;
    if (kinds[column] !== 'footnote' || text === '') return text;
    const number = told.indexOf(text) + 1;
    return html`<a href="#${id}-${number}">${number}</a>`;
  };
  const body = rows.map(({ cells, verdict = '' }) => {
    const shown = cells.map((text, i) => {
      if (isUnder(i)) return '';
      const kind = kinds[i] === 'verdict' ? `verdict ${verdict}` : kinds[i]!;
      const label = runs && html` data-label="${columns[i]!}"`;
      return html`<td${attribute(kind)}${label}>${content(text, i, cells)}</td>`;
    });
    return html`<tr>${shown}</tr>`;
  });
  return html`<h3${attribute(runs ? 'runs' : '')}>${table.title}</h3>
<div class="scroll${runs && ' runs'}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
${note !== '' && html`<p class="note">${note}</p>`}
${told.length > 0 && html`<ol class="note">${told.map((text, i) => html`<li id="${id}-${i + 1}">${text}</li>`)}</ol>`}`;
}

/** `n = 50,000, 3 seeds, last epoch`, on a line of its own; nothing for a number that was not measured. */
function sampleText(columns: readonly string[], cells: readonly string[]): Html | string {
  const [n, seeds, taken] = SAMPLE.map((title) => cells[columns.indexOf(title)]);
  if (!n || !seeds || !taken) return '';
  const text = `n = ${n}, ${counted(Number(seeds), 'seed')}, ${taken}`;
  return html`<small class="sample">${text}</small>`;
}

function attribute(kind: string): Html | string {
  return kind === '' ? '' : html` class="${kind}"`;
}
