import { counted, duration } from '../text.js';
import { version } from '../version.js';
import { commandsFor } from './command.js';
import type { Report } from './report.js';
import type { ReportRun } from './runs.js';
import { isMeasured, type Row, type Table, tableMarkdown } from './tables/index.js';
import { latexTables } from './tables/latex.js';

/** What the paper says and what was seen, as a table. */
function claimsTable({ claims }: Pick<Report, 'claims'>): Table {
  return {
    id: 'claims',
    title: 'What the paper says, and what was seen',
    note: 'Judged from runs that have ended and were fitted or trained for long; others are told as not weighed.',
    columns: ['claim', 'seen here', 'evidence'],
    rows: claims.map(({ claim, seen, evidence }) => ({ cells: [claim, seen, evidence] })),
  };
}

/** The tables of a report for a paper, in one file. */
export function resultsLatex(report: Report): string {
  return latexTables([...report.paper, report.theory, report.choices]);
}

/**
 * The results of a report as one page of Markdown: the paper beside what was measured, number by number, with what each is
 * of, how long it took, under which conditions, and the command that makes it again.
 */
export async function resultsMarkdown(report: Report): Promise<string> {
  const { runs, made, paper, theory, choices, environment } = report;
  const date = made.toISOString().slice(0, 10);
  const tables = [...paper, theory].filter((table) => isMeasured(table) && table.rows.length > 0);
  const parts = [
    '# Results',
    `Written by \`rethink-gen report --markdown\` (rethink-gen ${version}) on ${date} from ${counted(runs.length, 'run')}; held against Zhang, Bengio, Hardt, Recht and Vinyals, [Understanding deep learning requires rethinking generalization](https://arxiv.org/abs/1611.03530).`,
    tableMarkdown(claimsTable(report)).trimEnd(),
  ];
  for (const table of tables) parts.push(await resultTable(table));
  for (const table of [choices, environment]) {
    if (table.rows.length > 0) parts.push(tableMarkdown(table).trimEnd());
  }
  return `${parts.join('\n\n')}\n`;
}

/** A table's measured rows, with seconds; conditions and commands are told below it once for all rows that share them. */
async function resultTable({ columns, rows, ...table }: Table): Promise<string> {
  const measured = rows.filter(({ verdict }) => verdict !== 'not-run');
  const notes: string[] = [];
  const at = columns.indexOf('conditions');
  const lines: Row[] = [];
  for (const { cells, runs = [] } of measured) {
    const commands = (await commandsFor({ runs })).map((command) => `\`${command}\``);
    const note = [cells[at]!, ...commands].join('; ');
    if (!notes.includes(note)) notes.push(note);
    const number = String(notes.indexOf(note) + 1);
    lines.push({ cells: [...cells.toSpliced(at, 1), secondsText(runs), number] });
  }
  const shown = { ...table, columns: [...columns.toSpliced(at, 1), 'time', 'note'], rows: lines };
  return [
    tableMarkdown(shown).trimEnd(),
    notes.map((note, i) => `${i + 1}. ${note}`).join('\n'),
  ].join('\n\n');
}

/** How long runs took, each by itself. */
function secondsText(runs: readonly ReportRun[]): string {
  const seconds = runs.flatMap(({ result, theory }) => (result ?? theory)?.seconds ?? []);
  if (seconds.length === 0) return '–';
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)];
  return least === most ? duration(most) : `${duration(least)}–${duration(most)}`;
}
