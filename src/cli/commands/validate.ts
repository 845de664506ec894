import type { Command } from 'commander';
import { loadExperiment } from '../../config/experiment.js';
import type { CliContext } from '../context.js';
import { addConfigOptions, type ConfigOptions, optionOverrides } from '../options.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen validate quickstart
  rethink-gen validate my.yaml data.limit=1000`;

/** `rethink-gen validate CONFIG [key.path=value …]` */
export function registerValidateCommand(program: Command, context: CliContext): void {
  const command = program
    .command('validate')
    .summary('check a config file')
    .description(
      'Checks a config file against the schema: keys, types, ranges, the sweep. Looks at no data.',
    )
    .argument('<config>', 'a .yaml or .json file, or the name of a shipped config (init --list)')
    .argument('[overrides...]', 'key.path=value, over the file')
    .option('--json', 'one line of JSON on stdout instead of text');
  addConfigOptions(command).addHelpText('after', EXAMPLES);
  command.action(
    async (path: string, overrides: string[], options: ConfigOptions & { json?: boolean }) => {
      const { trials, isSweep } = await loadExperiment(path, {
        overrides: [...overrides, ...optionOverrides(options)],
        env: context.env,
      });
      if (options.json) {
        emit(context, 'valid', { trials: trials.map(({ id, label }) => ({ id, label })) });
        return;
      }
      const what = isSweep ? `a sweep of ${trials.length} trials` : 'one run';
      context.stdout.write(`${path} is valid: ${what}.\n`);
    },
  );
}
