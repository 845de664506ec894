import type { Command } from 'commander';
import { loadExperiment } from '../../config/experiment.js';
import type { Override } from '../../config/overrides.js';
import { ConfigError } from '../../config/problems.js';
import { RethinkError } from '../../errors.js';
import type { CliContext, ExitWith } from '../context.js';
import { addConfigOptions, type ConfigOptions, optionOverrides } from '../options.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen validate quickstart
  rethink-gen validate my.yaml data.limit=1000
  rethink-gen validate my.yaml --json         {"event":"valid", …} or {"event":"invalid","problems":[…]}`;

type ValidateOptions = ConfigOptions & { json?: boolean };

/** `rethink-gen validate CONFIG [key.path=value …]` */
export function registerValidateCommand(
  program: Command,
  context: CliContext,
  exit: ExitWith,
): void {
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
  command.action(async (path: string, overrides: string[], options: ValidateOptions) => {
    exit(await validate(path, [...overrides, ...optionOverrides(options)], options, context));
  });
}

async function validate(
  path: string,
  overrides: (string | Override)[],
  { json }: ValidateOptions,
  context: CliContext,
): Promise<number> {
  try {
    const { trials, isSweep } = await loadExperiment(path, { overrides, env: context.env });
    if (json) emit(context, 'valid', { trials: trials.map(({ id, label }) => ({ id, label })) });
    else {
      const what = isSweep ? `a sweep of ${trials.length} trials` : 'one run';
      context.stdout.write(`${path} is valid: ${what}.\n`);
    }
    return 0;
  } catch (error) {
    if (!json || !(error instanceof RethinkError)) throw error;
    const whole = { where: path, message: error.message, hint: error.hint };
    emit(context, 'invalid', { problems: error instanceof ConfigError ? error.problems : [whole] });
    return error.exitCode;
  }
}
