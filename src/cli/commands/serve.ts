import type { Command } from 'commander';
import { locateRun } from '../../sweep/locate.js';
import { counted } from '../../text.js';
import type { CliContext } from '../context.js';
import { dataDirOption, portNumber, RUN, whereOption } from '../options.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen serve                           all runs under results, for a browser on this machine
  rethink-gen serve results/table1 --port 0   at any free port
  rethink-gen serve --host 0.0.0.0            for other machines, too: with a token in the address

From a machine without a browser: ssh -L 1611:localhost:1611 MACHINE. Ctrl-C ends it; the runs go on.`;

interface ServeOptions {
  host: string;
  port?: number;
  dataDir?: string;
  where?: string[];
  json?: boolean;
}

/** `rethink-gen serve [DIR…]` */
export function registerServeCommand(program: Command, context: CliContext): void {
  program
    .command('serve')
    .summary('the page of report, live while runs go on')
    .description(
      'Serves the page that report writes, to a browser: new rows and runs appear as they are written, with how far sweeps are and how long they take. It only reads.',
    )
    .argument('[dirs...]', `${RUN}; or any folders that hold runs (default: results)`)
    .option(
      '--host <name>',
      'address or name of this machine to listen at; where others reach it, too, the address that is printed has a random token',
      '127.0.0.1',
    )
    .option('--port <n>', 'default: 1611, or the next free one; 0: any', portNumber)
    .addOption(whereOption())
    .addOption(dataDirOption())
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], options: ServeOptions) => {
      const dirs = (given.length > 0 ? given : ['results']).map((dir) => locateRun(dir, 'folder'));
      const { host, port, where, dataDir, json } = options;
      // Only here: drawing needs libraries that no other command does.
      const { serveRuns } = await import('../../report/live/index.js');
      const { SweepsProgress } = await import('../../sweep/progress.js');
      const sweeps = new SweepsProgress();
      await watched({ json, quiet: json }, context, (job) =>
        serveRuns(dirs, {
          ...job,
          host,
          port,
          where,
          dataDir,
          progress: (folders, runs) => sweeps.read(folders, runs),
          tell: job.note,
          started: ({ url, address, port }, runs) => {
            if (json) emit(context, 'serving', { url, address, port, runs });
            else
              context.stdout.write(
                `${url}\n${counted(runs, 'run')} below ${dirs.join(', ')}; Ctrl-C ends it\n`,
              );
          },
        }),
      );
    });
}
