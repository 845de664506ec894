import { createArrayCsvStringifier } from 'csv-writer';
import type { Table } from './types.js';

/** A table as CSV, for a spreadsheet. */
export function tableCsv({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  const csv = createArrayCsvStringifier({ header: columns.map(({ title }) => title) });
  return `${csv.getHeaderString()}${csv.stringifyRecords(rows.map(({ cells }) => cells))}`;
}

/** A table as GitHub-flavoured Markdown, with its title and note. */
export function tableMarkdown({ title, note, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownCell).join(' | ')} |`;
  const rule = columns.map(({ numeric }) => (numeric ? '--:' : '---'));
  const body = [line(columns.map((column) => column.title)), `| ${rule.join(' | ')} |`];
  return `**${title}**\n\n${[...body, ...rows.map(({ cells }) => line(cells))].join('\n')}\n\n${note}\n`;
}

/** Text that neither ends a cell nor becomes markup. */
function markdownCell(text: string): string {
  return text.replace(/[\\|*_`<>[\]]/g, (c) => `\\${c}`).replace(/\s+/g, ' ');
}
