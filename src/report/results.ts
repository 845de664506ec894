import { TOLERANCE } from '../paper.js';
import { counted, duration } from '../text.js';
import { version } from '../version.js';
import { drawnPoints } from './charts/lines.js';
import { commandsFor } from './command.js';
import { FIGURE_FILES } from './figure-files.js';
import type { Figure } from './figures/index.js';
import { groupBy } from './groups.js';
import { type NotRun, notRun } from './not-run.js';
import type { Report } from './report.js';
import type { ReportRun } from './runs.js';
import {
  isMeasured,
  markdownText,
  type Row,
  type Table,
  tableCsv,
  tableMarkdown,
} from './tables/index.js';
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

/** A page of Markdown, and the files that it shows and links to, by their names. */
interface ResultsPage {
  markdown: string;
  files: Map<string, string | Buffer>;
}

/**
 * The results of a report as one page of Markdown: the paper beside what was measured, number by number, with what each is
 * of, how long it took, under which conditions, and the command that makes it again; its figures; and what was not run.
 *
 * @param folder Name of the folder beside the page that its files will lie in.
 */
export async function resultsPage(
  report: Report,
  figures: readonly Figure[],
  folder: string,
): Promise<ResultsPage> {
  const { runs, made, paper, theory, choices, environment } = report;
  const files: ResultsPage['files'] = new Map();
  const linked = (name: string, body: string | Buffer) => {
    files.set(name, body);
    return `${encodeURIComponent(folder).replace(/[()]/g, (c) => (c === '(' ? '%28' : '%29'))}/${name}`;
  };
  const plain = (table: Table) => [
    tableMarkdown(table).trimEnd(),
    `[As CSV](${linked(`${table.id}.csv`, tableCsv(table))})`,
  ];
  const tables: string[] = [];
  for (const table of [...paper, theory].filter(isMeasured)) {
    const { parts, csv } = await resultTable(table);
    tables.push(...parts, `[As CSV](${linked(`${table.id}.csv`, csv)})`);
  }
  const drawn: string[] = [];
  for (const figure of figures) {
    const chart = { ...figure.chart, points: drawnPoints(figure.chart) };
    const svg = linked(`${figure.id}.svg`, (await FIGURE_FILES.svg(figure)).body);
    const csv = linked(`${figure.id}.csv`, (await FIGURE_FILES.csv({ ...figure, chart })).body);
    const title = markdownText(figure.title);
    const caption = markdownText(figure.caption);
    drawn.push(`**${title}**`, `![${title}](${svg})`, `${caption} [Its points as CSV](${csv})`);
  }
  const left = await Promise.all(paper.map(notRun));
  const sections: Record<string, string[]> = {
    Tables: tables,
    Figures: drawn,
    'Not run': left.filter(({ missing }) => missing.length > 0).map(notRunList),
    'Choices and conditions': [choices, environment].filter(isMeasured).flatMap(plain),
  };
  const date = made.toISOString().slice(0, 10);
  const parts = [
    '# Results',
    `Written by \`rethink-gen report --markdown\` (rethink-gen ${version}) on ${date} from ${counted(runs.length, 'run')}; held against Zhang, Bengio, Hardt, Recht and Vinyals, [Understanding deep learning requires rethinking generalization](https://arxiv.org/abs/1611.03530).`,
    ...plain(claimsTable(report)),
    ...Object.entries(sections).flatMap(([title, inner]) =>
      inner.length > 0 ? [`## ${title}`, ...inner] : [],
    ),
  ];
  return { markdown: `${parts.join('\n\n')}\n`, files };
}

/**
 * A table's measured rows with the time that each took. On the page, conditions and commands are told below it, once for all
 * rows that share them, and before them the numbers to explain.
 */
async function resultTable({ columns, rows, ...table }: Table) {
  const measured = rows.filter(({ verdict }) => verdict !== 'not-run');
  const at = columns.indexOf('conditions');
  const notes: string[] = [];
  const shown: Row[] = [];
  const whole: Row[] = [];
  for (const { cells, runs = [] } of measured) {
    const commands = await commandsFor({ runs });
    const note = [markdownText(cells[at]!), ...commands.map(code)].join('; ');
    if (!notes.includes(note)) notes.push(note);
    const time = secondsText(runs);
    shown.push({ cells: [...cells.toSpliced(at, 1), time, String(notes.indexOf(note) + 1)] });
    whole.push({ cells: [...cells, time, commands.join(' && ')] });
  }
  const parts = [
    tableMarkdown({
      ...table,
      columns: [...columns.toSpliced(at, 1), 'time', 'note'],
      rows: shown,
    }).trimEnd(),
    ...(columns.includes('difference') ? [offLine({ columns, rows: measured })] : []),
    notes.map((note, i) => `${i + 1}. ${note}`).join('\n'),
  ];
  return { parts, csv: tableCsv({ columns: [...columns, 'time', 'commands'], rows: whole }) };
}

function code(command: string): string {
  return `\`${command}\``;
}

/** The numbers that are not the paper's, for a person to explain. */
function offLine({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  const compared = rows.filter(({ off }) => off !== undefined);
  const far = compared.flatMap(({ off, cells }) => {
    const cell = (title: string) => cells[columns.indexOf(title)]!;
    const by = cell('difference') === '–' ? cell('verdict') : cell('difference');
    const heads = cells.slice(0, columns.indexOf('paper')).join(', ');
    return off ? [markdownText(`${heads} (${by})`)] : [];
  });
  const none = compared.length === 0 ? 'nothing comparable has been run to its end' : 'none';
  return `More than ${TOLERANCE} points from the paper, or than half of its number: ${far.join('; ') || none}.`;
}

/** What was not run of a table in a line, with a command for each of its experiments to unfold. */
function notRunList({ title, count, missing, by, commands }: NotRun): string {
  const kinds = [...groupBy(missing, ({ heads }) => heads[0]!)].map(
    ([kind, those]) => `${kind} (${those.length})`,
  );
  const all = (given: readonly string[]) => given.map(code).join(', ');
  const rows = missing.map(
    ({ heads, commands: own }) => `- ${markdownText(heads.join(', '))}: ${all(own) || '–'}`,
  );
  return [
    `${markdownText(title)}: ${missing.length} of ${count}, by ${by} ${markdownText(kinds.join(', '))}. The whole table: ${all(commands)}`,
    `<details><summary>A command for each</summary>\n\n${rows.join('\n')}\n\n</details>`,
  ].join('\n\n');
}

/** How long runs took, each by itself. */
function secondsText(runs: readonly ReportRun[]): string {
  const seconds = runs.flatMap(({ result, theory }) => (result ?? theory)?.seconds ?? []);
  if (seconds.length === 0) return '–';
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)];
  return least === most ? duration(most) : `${duration(least)}–${duration(most)}`;
}
