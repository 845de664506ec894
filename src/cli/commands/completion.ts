import { Argument, type Command } from 'commander';
import { SCRIPTS } from '../completion/scripts.js';
import { completedCommands, SHELLS, type Shell } from '../completion/words.js';
import type { CliContext } from '../context.js';

const EXAMPLES = `
Examples:
  rethink-gen completion bash > ~/.local/share/bash-completion/completions/rethink-gen
  rethink-gen completion zsh > ~/.zfunc/_rethink-gen
  rethink-gen completion fish > ~/.config/fish/completions/rethink-gen.fish

For this session alone: source <(rethink-gen completion bash). Commands, options, configs that come with rethink-gen, and
keys of a config with their names, such as model.name=mlp, are then completed.`;

/** `rethink-gen completion SHELL` */
export function registerCompletionCommand(program: Command, context: CliContext): void {
  program
    .command('completion')
    .summary('the script that lets a shell complete what you type')
    .description('Prints the script that completes commands, options, configs and keys in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell) => {
      context.stdout.write(SCRIPTS[shell](completedCommands(program)));
    });
}
