import type { Command } from 'commander';
import { locateRun } from '../../sweep/locate.js';
import { counted } from '../../text.js';
import type { CliContext } from '../context.js';
import { dataDirOption, RUN, whereOption } from '../options.js';
import { shownPath } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen report                                     all runs under results
  rethink-gen report latest
  rethink-gen report results/table1 results/figure1a --out paper.html
  rethink-gen report --where 'model.name=mlp' --where 'state=finished'
  rethink-gen report results/table1 --latex table1.tex --markdown table1.md

Run directories are found at any depth. While runs still go on, they are shown as far as they are.`;

interface ReportFlags {
  out?: string;
  latex?: string | boolean;
  markdown?: string;
  dataDir?: string;
  where?: string[];
  json?: boolean;
}

/** `rethink-gen report [DIR…] [--out FILE.html]` */
export function registerReportCommand(program: Command, context: CliContext): void {
  program
    .command('report')
    .summary('figures, tables, paper against measured')
    .description(
      "Writes one self-contained HTML page with the paper's figures and tables from your runs, and beside it a folder figures/ with each of them as a file (tables as CSV, Markdown and LaTeX).",
    )
    .argument('[dirs...]', `${RUN}; or any folders that hold runs (default: results)`)
    .addOption(whereOption())
    .option('--out <file>', 'the page (default: report.html in the first folder)')
    .option('--latex [file.tex]', 'all tables that were run as LaTeX; default: figures/tables.tex')
    .option(
      '--markdown <file.md>',
      'the results as one page, with the commands that make them; its figures and CSVs in a folder beside it',
    )
    .addOption(dataDirOption())
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], flags: ReportFlags) => {
      const { latex, ...options } = flags;
      // A name that is no file of LaTeX's is one more folder: `report --latex results`.
      const isFolder = typeof latex === 'string' && !latex.endsWith('.tex');
      const folders = isFolder ? [...given, latex] : given;
      const dirs = (folders.length > 0 ? folders : ['results']).map((dir) =>
        locateRun(dir, 'folder'),
      );
      // Only here: drawing needs libraries that no other command does.
      const { writeReport } = await import('../../report/index.js');
      const written = await watched({ json: options.json, quiet: options.json }, context, (job) =>
        writeReport(dirs, { ...options, latex: isFolder || latex, ...job }),
      );
      if (options.json) {
        emit(context, 'report', written);
        return;
      }
      const { runs, damaged, figures, tables, page, figuresDir, latex: tex, markdown } = written;
      const named = [tex, markdown].flatMap((path) =>
        path ? [`file   ${shownPath(path)}\n`] : [],
      );
      const unreadable = damaged === 0 ? '' : ` (${damaged} more could not be read)`;
      context.stdout.write(
        `${counted(runs, 'run')}${unreadable}, ${counted(figures.length, 'figure')}, ${counted(tables.length, 'table')}\npage   ${shownPath(page)}\nfiles  ${shownPath(figuresDir)}\n${named.join('')}`,
      );
    });
}
