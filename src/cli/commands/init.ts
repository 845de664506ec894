import { open, unlink } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Command } from 'commander';
import { copyOfShipped, shippedConfigs, shippedSummary } from '../../config/file/shipped.js';
import { configTemplate } from '../../config/template.js';
import { messageOf, RethinkError } from '../../errors.js';
import type { CliContext } from '../context.js';
import { roomOf, table } from '../show/table.js';

const EXAMPLES = `
Examples:
  rethink-gen init                          to the screen
  rethink-gen init -o my.yaml               into a file that does not exist yet
  rethink-gen init --list                   the configs that come with rethink-gen
  rethink-gen init --from paper/table1      a copy of one of them: table1.yaml`;

interface InitOptions {
  output?: string;
  from?: string;
  list?: boolean;
}

/** `rethink-gen init` */
export function registerInitCommand(program: Command, context: CliContext): void {
  program
    .command('init')
    .summary('a commented config to start from')
    .description('Prints a config with every key, its default and what it means.')
    .option('-o, --output <file>', 'write it there; an existing file is left alone')
    .option('--from <name>', 'copy a config that comes with rethink-gen instead')
    .option('--list', 'list the configs that come with rethink-gen')
    .addHelpText('after', EXAMPLES)
    .action(async (options: InitOptions) => {
      const { output, from, list } = options;
      if (list) {
        context.stdout.write(
          table(
            shippedConfigs().map((n) => [n, shippedSummary(n)]),
            [1],
            { width: roomOf(context.stdout) },
          ),
        );
        return;
      }
      if (output === undefined && from === undefined) {
        context.stdout.write(configTemplate());
        return;
      }
      const path = from === undefined ? await template(output!) : await copy(from, output);
      context.stdout.write(`${path} is written. Run it with: rethink-gen run ${path}\n`);
    });
}

async function template(path: string): Promise<string> {
  await writeNew(path, configTemplate());
  return path;
}

/** Writes a shipped config under its own file's name, or under another of the same kind. */
async function copy(name: string, output: string | undefined): Promise<string> {
  const { file, text } = copyOfShipped(name);
  const path = output ?? file;
  if ((extname(path) === '.json') !== (extname(file) === '.json')) {
    throw new RethinkError('usage', `${name} can't be written to ${path}: its file is ${file}.`, {
      hint: `Give a name that ends in ${extname(file)}.`,
    });
  }
  await writeNew(path, text);
  return path;
}

async function writeNew(path: string, text: string): Promise<void> {
  let created = false;
  try {
    const file = await open(path, 'wx');
    created = true;
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // Half a config is worse than none.
    if (created) await unlink(path);
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new RethinkError('usage', `${path} exists already, and is left as it is.`, {
        hint: 'Give another name with -o, or remove it first.',
      });
    }
    throw new RethinkError('failed', `${path} cannot be written: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
