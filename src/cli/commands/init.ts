import { open, unlink } from 'node:fs/promises';
import type { Command } from 'commander';
import { configTemplate } from '../../config/template.js';
import { messageOf, RethinkError } from '../../errors.js';
import type { CliContext } from '../context.js';

const EXAMPLES = `
Examples:
  rethink-gen init                  to the screen
  rethink-gen init -o my.yaml       into a file that does not exist yet`;

/** `rethink-gen init` */
export function registerInitCommand(program: Command, context: CliContext): void {
  program
    .command('init')
    .summary('a commented config to start from')
    .description('Prints a config with every key, its default and what it means.')
    .option('-o, --output <file>', 'write it there; an existing file is left alone')
    .addHelpText('after', EXAMPLES)
    .action(async ({ output }: { output?: string }) => {
      if (output === undefined) {
        context.stdout.write(configTemplate());
        return;
      }
      await writeNew(output, configTemplate());
      context.stdout.write(`${output} is written. Run it with: rethink-gen run ${output}\n`);
    });
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
