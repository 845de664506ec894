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

Run directories are found at any depth. While runs still go on, they are shown as far as they are.`;

interface ReportFlags {
  out?: string;
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
      "Writes one self-contained HTML page with the paper's figures and tables from your runs, and beside it a folder figures/ with each of them as a file.",
    )
    .argument('[dirs...]', `${RUN}; or any folders that hold runs (default: results)`)
    .addOption(whereOption())
    .option('--out <file>', 'the page (default: report.html in the first folder)')
    .addOption(dataDirOption())
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], options: ReportFlags) => {
      const dirs = (given.length > 0 ? given : ['results']).map((dir) => locateRun(dir, 'folder'));
      // Only here: drawing needs libraries that no other command does.
      const { writeReport } = await import('../../report/index.js');
      const written = await watched({ json: options.json, quiet: options.json }, context, (job) =>
        writeReport(dirs, { ...options, ...job }),
      );
      if (options.json) {
        emit(context, 'report', written);
        return;
      }
      const { runs, damaged, figures, tables, page, figuresDir } = written;
      const unreadable = damaged === 0 ? '' : ` (${damaged} more could not be read)`;
      context.stdout.write(
        `${counted(runs, 'run')}${unreadable}, ${counted(figures.length, 'figure')}, ${counted(tables.length, 'table')}\npage   ${shownPath(page)}\nfiles  ${shownPath(figuresDir)}\n`,
      );
    });
}
