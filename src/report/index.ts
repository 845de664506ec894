import { existsSync, statSync } from 'node:fs';
import { dirname, extname, join, parse, resolve } from 'node:path';
import { ensureFolder, writeFileAtomic } from '../disk/files.js';
import { RethinkError } from '../errors.js';
import { takingTurns, type Watching } from '../progress.js';
import { PageExamplesReader } from './examples/index.js';
import { FIGURE_FILES, FIGURE_KINDS } from './figure-files.js';
import { drawFigures, type Figure } from './figures/index.js';
import { pageModel } from './model.js';
import { renderPage } from './page.js';
import { drawPictures } from './pictures.js';
import { makeReport, type Report } from './report.js';
import { resultsLatex, resultsPage } from './results.js';
import { readRuns } from './runs.js';
import { isMeasured, type Table, tableCsv, tableMarkdown } from './tables/index.js';
import { latexTables } from './tables/latex.js';
import { WrittenFolder } from './written-folder.js';

export interface ReportOptions extends Watching {
  /** The page; default `report.html` in the first directory. */
  out?: string | undefined;
  /** Where the data set of the pictures is looked for first. */
  dataDir?: string | undefined;
  /** Conditions, all of which a run must meet to be in it: `model.name=mlp`, `state=finished`. */
  where?: readonly string[] | undefined;
  /** All tables of the paper that were run, for one, in LaTeX; `true`: `figures/tables.tex`. */
  latex?: string | boolean | undefined;
  /** The results as one page of Markdown, what it shows in a folder beside it: `results.md`, `results/`. */
  markdown?: string | undefined;
}

/** What was written. */
export interface WrittenReport {
  /** Absolute path of the page. */
  page: string;
  /** Absolute path of the folder of figures and tables, beside the page. */
  figuresDir: string;
  runs: number;
  damaged: number;
  figures: string[];
  tables: string[];
  /** Absolute paths of the files that were asked for by name. */
  latex?: string;
  markdown?: string;
}

/**
 * Writes one page on all runs found at or below folders, and beside it `figures/`: every figure as SVG, PNG and CSV, every
 * table as CSV, Markdown and LaTeX. What was there under these names is replaced, whole file by whole file, the page last; what only
 * an earlier report has written there is removed. So it is with the folder of the page of Markdown.
 *
 * @throws RethinkError: `data` where there is no folder or no run, `usage` where a file that was named is a folder, or has the
 * name of one that is needed, `failed` where the disk refuses.
 */
export async function writeReport(
  directories: readonly string[],
  options: ReportOptions = {},
): Promise<WrittenReport> {
  const page = pagePath(directories, options.out);
  const named = namedFiles(options, dirname(page));
  const { runs, damaged } = await readRuns(directories, Date.now(), options);
  const pictures = await drawPictures(runs, options.dataDir);
  const examples = await new PageExamplesReader(options.dataDir).read(runs, options);
  const made = new Date();
  const report = makeReport({ runs, damaged, pictures, examples, folder: dirname(page), made });
  const figures = await drawFigures(report.plans);
  const turn = takingTurns(options, 'writing the report');
  const folder = new WrittenFolder(join(dirname(page), 'figures'));
  const others = [report.theory, report.choices, report.runsTable, report.environment];
  const tables = [...report.paper, ...others.filter(isMeasured)];
  for (const figure of figures) {
    for (const kind of FIGURE_KINDS) {
      folder.write(`${figure.id}.${kind}`, (await FIGURE_FILES[kind](figure)).body);
    }
    await turn();
  }
  for (const table of tables) writeTable(folder, table);
  folder.write('corruptions.png', pictures.png);
  const svgs = new Map(figures.map(({ id, svg }) => [id, svg]));
  for (const path of Object.values(named)) ensureFolder(dirname(path));
  if (named.latex) writeFileAtomic(named.latex, resultsLatex(report));
  if (options.latex === true) folder.keep(TABLES);
  if (named.markdown) await writeMarkdown(named.markdown, report, figures);
  writeFileAtomic(page, renderPage(pageModel(report), svgs));
  folder.forgetOthers();
  return {
    page,
    figuresDir: folder.path,
    runs: runs.length,
    damaged: damaged.length,
    figures: figures.map(({ id }) => id),
    tables: tables.map(({ id }) => id),
    ...named,
  };
}

function pagePath([first]: readonly string[], out: string | undefined): string {
  return filePath(out ?? join(first ?? '.', 'report.html'), '--out', 'report.html');
}

/** All tables in one file, in `figures/`. */
const TABLES = 'tables.tex';

/** Where else is written, before anything is. */
function namedFiles({ latex, markdown }: ReportOptions, folder: string) {
  const tables = latex === true ? join(folder, 'figures', TABLES) : latex;
  const named = {
    ...(tables && { latex: filePath(tables, '--latex', TABLES) }),
    ...(markdown && { markdown: filePath(markdown, '--markdown', 'results.md') }),
  };
  const beside = named.markdown && folderOf(named.markdown);
  if (beside && [named.markdown, join(folder, 'figures')].includes(beside)) {
    throw new RethinkError('usage', `--markdown ${markdown} has no folder of its own beside it.`, {
      hint: 'Its figures go into a folder named as it is, without its ending: results.md.',
    });
  }
  return named;
}

/** Where a page's figures and tables lie. */
function folderOf(page: string): string {
  return page.slice(0, page.length - extname(page).length);
}

async function writeMarkdown(
  path: string,
  report: Report,
  figures: readonly Figure[],
): Promise<void> {
  const folder = new WrittenFolder(folderOf(path));
  const { markdown, files } = await resultsPage(report, figures, parse(path).name);
  for (const [name, body] of files) folder.write(name, body);
  // Before what it doesn't show any more is gone.
  writeFileAtomic(path, markdown);
  folder.forgetOthers();
}

/** @throws RethinkError (`usage`) where it is a folder. */
function filePath(given: string, option: string, example: string): string {
  const path = resolve(given);
  if (existsSync(path) && statSync(path).isDirectory()) {
    throw new RethinkError('usage', `${option} ${given} is a folder.`, {
      hint: `Name a file: ${join(given, example)}.`,
    });
  }
  return path;
}

function writeTable(folder: WrittenFolder, table: Table): void {
  folder.write(`${table.id}.csv`, tableCsv(table));
  folder.write(`${table.id}.md`, tableMarkdown(table));
  folder.write(`${table.id}.tex`, latexTables([table]));
}
