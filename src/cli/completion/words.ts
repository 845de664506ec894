import type { Argument, Command, Option } from 'commander';
import { DATASET_NAMES, PUBLISHED_NAMES } from '../../config/datasets.js';
import { ENGINES, PRECISIONS } from '../../config/engines.js';
import { shippedConfigs } from '../../config/file/shipped.js';
import { configJsonSchema, type JsonSchema, mappingOf } from '../../config/json-schema.js';
import { schemasAt } from '../../config/keys.js';
import { LAUNCHERS } from '../../config/launcher.js';
import { MODEL_NAMES } from '../../config/models.js';
import { SINK_NAMES } from '../../config/sinks.js';
import { CHECK_TARGETS, CHECKED_ENGINES } from '../../engines/table.js';
import { RUN_COLUMNS } from '../../record/listing/columns.js';
import { THEORY_NUMBERS } from '../../results/theory.js';

/** What may be typed in one place. */
export interface Completion {
  words: readonly string[];
  /** What of the disk may be named there. */
  paths: 'none' | 'files' | 'folders';
}

/** A command with what may follow it. */
export interface CompletedCommand {
  /** `data fetch`; empty: rethink-gen itself. */
  name: string;
  summary: string;
  commands: { name: string; summary: string }[];
  options: {
    flag: string;
    short: string | undefined;
    description: string;
    value: Completion | null;
  }[];
  /** By place; the last one again and again where `variadic`. */
  arguments: Completion[];
  variadic: boolean;
}

/** Shells that completions are written for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const words = (list: readonly string[], paths: Completion['paths'] = 'none'): Completion => ({
  words: list,
  paths,
});
const FREE = words([]);
const FILE = words([], 'files');
const FOLDER = words([], 'folders');
/** Of an argument or a value without a row below: what shells offer by themselves. A test finds it. */
export const UNKNOWN = words([], 'files');

/** Arguments by command and name, or by name alone. */
const ARGUMENTS: Record<string, () => Completion> = {
  config: () => words(shippedConfigs(), 'files'),
  overrides: () => words(overrideWords()),
  places: () => words(overrideWords()),
  'run-dir': () => words(['latest'], 'folders'),
  dirs: () => words(['latest'], 'folders'),
  runs: () => words(['latest'], 'folders'),
  a: () => words(['latest'], 'folders'),
  b: () => words(['latest'], 'folders'),
  'run|config': () => words(['latest', ...shippedConfigs()], 'files'),
  sweep: () => words(['latest'], 'folders'),
  path: () => FILE,
  'data fetch name': () => words(PUBLISHED_NAMES),
  'data verify name': () => words(PUBLISHED_NAMES, 'folders'),
  'data show name': () => words([...DATASET_NAMES, ...shippedConfigs()], 'files'),
  'engine install name': () => words(ENGINES),
  'engine check name': () => words(CHECKED_ENGINES),
};

/** Values of options, by command and option or by option alone; others by what stands for the value. */
const OPTIONS: Record<string, () => Completion> = {
  '--engine': () => words(['auto', ...ENGINES]),
  'bench --engine': () => words(ENGINES),
  '--model': () => words(MODEL_NAMES),
  '--precision': () => words(PRECISIONS),
  'engine check --target': () => words(CHECK_TARGETS),
  'data import --as': () => words(PUBLISHED_NAMES),
  'data labels --split': () => words(['train', 'test']),
  'init --from': () => words(shippedConfigs()),
  '--synsets': () => FREE,
  'serve --host': () => words(['127.0.0.1', '0.0.0.0']),
  '--experiment': () => FREE,
  '--to': () => words(SINK_NAMES, 'files'),
  '--launcher': () => words(LAUNCHERS),
  '--where': () => words([...columnWords().map((name) => `${name}=`), ...overrideWords()]),
  '--sort': () => words(columnWords()),
  '--columns': () => words(columnWords()),
  '--trial': () => FREE,
  '--submission': () => FREE,
};
const PLACEHOLDERS: Record<string, Completion> = {
  n: FREE,
  s: FREE,
  condition: FREE,
  file: FILE,
  path: FILE,
  dir: FOLDER,
};

/** All commands, from the tree that parses them. */
export function completedCommands(program: Command): CompletedCommand[] {
  const walk = (command: Command, name: string): CompletedCommand[] => [
    completedCommand(command, name),
    ...command.commands.flatMap((child) => walk(child, `${name} ${child.name()}`.trim())),
  ];
  return walk(program, '');
}

function completedCommand(command: Command, name: string): CompletedCommand {
  const help = { flag: '--help', short: '-h', description: 'what it takes', value: null };
  return {
    name,
    summary: summaryOf(command),
    commands: command.commands.map((child) => ({ name: child.name(), summary: summaryOf(child) })),
    options: [...command.options.map((option) => completedOption(option, name)), help],
    arguments: command.registeredArguments.map((argument) => completedArgument(argument, name)),
    variadic: command.registeredArguments.at(-1)?.variadic === true,
  };
}

const summaryOf = (command: Command) => command.summary() || command.description();

function completedArgument(argument: Argument, command: string): Completion {
  if (argument.argChoices !== undefined) return words(argument.argChoices);
  const row = ARGUMENTS[`${command} ${argument.name()}`] ?? ARGUMENTS[argument.name()];
  return row?.() ?? UNKNOWN;
}

function completedOption(option: Option, command: string): CompletedCommand['options'][0] {
  const flag = option.long ?? option.flags;
  const { short, description } = option;
  const takes = option.required || option.optional;
  return { flag, short, description, value: takes ? completedValue(option, flag, command) : null };
}

function completedValue(option: Option, flag: string, command: string): Completion {
  if (option.argChoices !== undefined) return words(option.argChoices);
  const placeholder = /[<[](\w+)/.exec(option.flags)?.[1] ?? '';
  const row = OPTIONS[`${command} ${flag}`] ?? OPTIONS[flag];
  return row?.() ?? PLACEHOLDERS[placeholder] ?? UNKNOWN;
}

/** Columns of a list of runs, but for findings of the theory. */
const columnWords = () =>
  Object.keys(RUN_COLUMNS).filter((name) => !THEORY_NUMBERS.includes(name) || name === 'seconds');

/** `train.epochs=` for every key, and `model.name=mlp` where there are names to choose from. */
export function overrideWords(): string[] {
  const below = (schema: JsonSchema, path: string[]): string[] =>
    Object.entries(mappingOf(schema)?.properties ?? {})
      .filter(([name]) => path.length > 0 || !['$schema', 'sweep'].includes(name))
      .flatMap(([name, child]) => {
        const at = [...path, name];
        const key = at.join('.');
        // A section has no value of its own; what may be a mapping or a name has both.
        const own = child.properties === undefined ? [`${key}=`] : [];
        return [...own, ...valuesAt(at).map((value) => `${key}=${value}`), ...below(child, at)];
      });
  return below(configJsonSchema(), []);
}

function valuesAt(path: string[]): string[] {
  return [
    ...new Set(
      schemasAt(path).flatMap((schema) =>
        schema.type === 'boolean' ? ['true', 'false'] : (schema.enum ?? []),
      ),
    ),
  ];
}
