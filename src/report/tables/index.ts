import { csvLines } from '../../csv.js';
import { printable } from '../../errors.js';
import type { Group } from '../groups.js';
import type { ReportRun } from '../runs.js';
import { kindOf } from './html.js';
import { table2 } from './imagenet.js';
import { table3 } from './kernels.js';
import { table1, table4 } from './trainings.js';
import type { Table } from './types.js';

export { isMeasured, type Row, type Table } from './types.js';

/** The paper's tables, held against what was run. */
export function paperTables(groups: readonly Group[], runs: readonly ReportRun[]): Table[] {
  return [table1(groups), table2(groups), table3(runs), table4(groups)];
}

/** A table as CSV, for a spreadsheet. */
export function tableCsv({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  return csvLines([columns, ...rows.map(({ cells }) => cells)]);
}

/** A table as GitHub-flavoured Markdown, with its title and note. */
export function tableMarkdown({ title, note, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
  const rule = columns.map((title) => (kindOf(title) === 'number' ? '--:' : '---'));
  const body = [line(columns), `| ${rule.join(' | ')} |`];
  return `**${title}**\n\n${[...body, ...rows.map(({ cells }) => line(cells))].join('\n')}\n\n${note}\n`;
}

/** Text on one line that neither ends a cell nor becomes markup. */
export function markdownText(text: string): string {
  const line = printable(text.replace(/\s+/g, ' '));
  return line.replace(/[\\|*_`<>[\]]/g, (c) => `\\${c}`);
}
