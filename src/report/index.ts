import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { ensureFolder, removeQuietly, writeFileAtomic } from '../disk/files.js';
import { readJson } from '../disk/json.js';
import { RethinkError, readOr } from '../errors.js';
import { takingTurns, type Watching } from '../progress.js';
import { PageExamplesReader } from './examples/index.js';
import { FIGURE_FILES, FIGURE_KINDS } from './figure-files.js';
import { drawFigures, type Figure } from './figures/index.js';
import { pageModel } from './model.js';
import { renderPage } from './page.js';
import { drawPictures } from './pictures.js';
import { makeReport } from './report.js';
import { resultsLatex, resultsMarkdown } from './results.js';
import { readRuns } from './runs.js';
import { isMeasured, type Table, tableCsv, tableMarkdown } from './tables/index.js';
import { latexTables } from './tables/latex.js';

export interface ReportOptions extends Watching {
  /** The page; default `report.html` in the first directory. */
  out?: string | undefined;
  /** Where the data set of the pictures is looked for first. */
  dataDir?: string | undefined;
  /** Conditions, all of which a run must meet to be in it: `model.name=mlp`, `state=finished`. */
  where?: readonly string[] | undefined;
  /** All tables of the paper that were run, for one, in LaTeX; `true`: `figures/tables.tex`. */
  latex?: string | boolean | undefined;
  /** The results as one page of Markdown. */
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
 * an earlier report has written there is removed.
 *
 * @throws RethinkError: `data` where there is no folder or no run, `usage` where `out` is a folder, `failed` where the disk
 * refuses.
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
  const figuresDir = join(dirname(page), 'figures');
  ensureFolder(figuresDir);
  const others = [report.theory, report.choices, report.runsTable, report.environment];
  const tables = [...report.paper, ...others.filter(isMeasured)];
  const files = ['corruptions.png'];
  for (const figure of figures) {
    files.push(...(await writeFigure(figuresDir, figure)));
    await turn();
  }
  for (const table of tables) files.push(...writeTable(figuresDir, table));
  writeFileAtomic(join(figuresDir, 'corruptions.png'), pictures.png);
  const svgs = new Map(figures.map(({ id, svg }) => [id, svg]));
  for (const path of Object.values(named)) ensureFolder(dirname(path));
  if (named.latex) writeFileAtomic(named.latex, resultsLatex(report));
  if (named.markdown) writeFileAtomic(named.markdown, await resultsMarkdown(report));
  writeFileAtomic(page, renderPage(pageModel(report), svgs));
  if (options.latex === true) files.push(TABLES);
  forgetOthers(figuresDir, files);
  return {
    page,
    figuresDir,
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
  return {
    ...(tables && { latex: filePath(tables, '--latex', TABLES) }),
    ...(markdown && { markdown: filePath(markdown, '--markdown', 'results.md') }),
  };
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

/** Names in `figures/` of what the last report has written there. */
const WRITTEN = '.written.json';
const writtenSchema = z.array(z.string().regex(/^[a-z0-9-]+\.(svg|png|csv|md|tex)$/));

/** Removes what an earlier report has written and this one has not: nobody else's files. */
function forgetOthers(folder: string, files: readonly string[]): void {
  const path = join(folder, WRITTEN);
  // Nothing is removed on the word of a list that is damaged, or missing.
  const earlier = readOr(() => readJson(path, writtenSchema), []);
  const now = new Set(files);
  for (const name of earlier) if (!now.has(name)) removeQuietly(join(folder, name));
  writeFileAtomic(path, `${JSON.stringify(files)}\n`);
}

/** @returns The names of the files. */
async function writeFigure(folder: string, figure: Figure): Promise<string[]> {
  const names: string[] = [];
  for (const kind of FIGURE_KINDS) {
    const name = `${figure.id}.${kind}`;
    const { body } = await FIGURE_FILES[kind](figure);
    writeFileAtomic(join(folder, name), body);
    names.push(name);
  }
  return names;
}

/** @returns The names of the files. */
function writeTable(folder: string, table: Table): string[] {
  writeFileAtomic(join(folder, `${table.id}.csv`), tableCsv(table));
  writeFileAtomic(join(folder, `${table.id}.md`), tableMarkdown(table));
  writeFileAtomic(join(folder, `${table.id}.tex`), latexTables([table]));
  return ['csv', 'md', 'tex'].map((extension) => `${table.id}.${extension}`);
}
