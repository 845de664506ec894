import { type Command, InvalidArgumentError, Option } from 'commander';
import { ENGINES } from '../config/engines.js';
import { LAUNCHERS } from '../config/launcher.js';
import { nearest } from '../config/nearest.js';
import { type Override, parseOverride } from '../config/overrides.js';
import type { SweepPart } from '../sweep/part.js';

/** Options that every command that trains or evaluates has. */
export interface OutputOptions {
  json?: boolean;
  quiet?: boolean;
}

/** Options that stand for a key of the config. */
export interface ConfigOptions {
  engine?: string;
  device?: string;
  devices?: string;
  seed?: string;
  launcher?: string;
  stopAfterFailures?: string;
}

export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'newline-delimited JSON on stdout instead of text')
    .option('--quiet', 'only the result');
}

export function addConfigOptions(command: Command): Command {
  return command
    .option('--engine <name>', `auto, ${ENGINES.join(', ')}; the same as engine.name=NAME`)
    .option('--device <n>', 'index of the GPU; the same as engine.device=N')
    .option('--devices <n>', 'GPUs that share every batch, or all; the same as engine.devices=N')
    .option('--seed <n>', 'the same as seed=N');
}

/** Options of whoever hands a sweep to a scheduler. */
export function addLauncherOptions(command: Command): Command {
  return command
    .option(
      '--launcher <kind>',
      `${LAUNCHERS.join(', ')}: where the trials run; the same as launcher.kind=KIND`,
    )
    .option('--wait', 'with a launcher: follow the trials to their end')
    .option(
      '--stop-after-failures <n>',
      'with a launcher: begin no further trial after this many have failed',
    );
}

export function dataDirOption(): Option {
  return new Option(
    '--data-dir <dir>',
    'where data sets are looked for and put (before RETHINK_GEN_DATA and the per-user cache)',
  );
}

/** Which runs are meant, by conditions: see `parseWhere`. */
export function whereOption(): Option {
  return new Option(
    '--where <condition>',
    "only these runs: 'model.name=mlp', 'test_accuracy>=0.5'; again and again",
  ).argParser(collect((text) => text));
}

/** The words for arguments that `locateRun` understands. */
export const RUN =
  "a run's directory, or its id in rethink-gen runs; results/NAME or NAME: the newest run of that name; latest: of all";
export const RUN_OR_SWEEP = `${RUN}; or the folder of a sweep`;

/** A command in the list of its parent: what its own help says of its options leaves too little room there. */
function subcommandTerm(command: Command): string {
  const shown = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? '...' : '');
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...shown].join(' ');
}

/** How commander lays out a help; what has less room than this goes below its option. */
export const HELP = { subcommandTerm, minWidthToWrap: 20 };

/** Examples of a command, as they stand after its help. */
export function examplesOf(command: string, lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  rethink-gen ${command} ${line}`.trimEnd()).join('\n')}`;
}

const OPTION_KEYS: Record<keyof ConfigOptions, string> = {
  engine: 'engine.name',
  device: 'engine.device',
  devices: 'engine.devices',
  seed: 'seed',
  launcher: 'launcher.kind',
  stopAfterFailures: 'launcher.stopAfterFailures',
};

/** The options that stand for a key, as overrides that name the option in errors. */
export function optionOverrides(options: ConfigOptions): Override[] {
  return (Object.keys(OPTION_KEYS) as (keyof ConfigOptions)[]).flatMap((name) => {
    const value = options[name];
    if (value === undefined) return [];
    return [parseOverride(`${OPTION_KEYS[name]}=${value}`, `option --${name} ${value}`)];
  });
}

/** A commander parser for whole numbers from 1. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError('It should be a whole number of at least 1.');
  }
  return Number(text);
}

/** A commander parser for `engine.devices`. */
export function countOrAll(text: string): number | 'all' {
  return text === 'all' ? text : positiveInteger(text);
}

/** A commander parser for a part of a sweep, `3/40`: both numbers from 1. */
export function partOfSweep(text: string): SweepPart {
  const [, index, of] = /^([1-9]\d{0,8})\/([1-9]\d{0,8})$/.exec(text) ?? [];
  if (index === undefined || Number(index) > Number(of)) {
    throw new InvalidArgumentError('It should be one of so many parts, from 1: 3/40.');
  }
  return { index: Number(index), of: Number(of) };
}

/** A commander parser for whole numbers from 0. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It should be a whole number.');
  return Number(text);
}

/** A commander parser for ports; 0: any. */
export function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('It should be a port, from 1 to 65535, or 0 for any.');
  }
  return Number(text);
}

/** A commander parser for numbers above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It should be a number above 0.');
  }
  return value;
}

/** A commander parser for one of some names. */
export function oneOf<T extends string>(names: readonly T[]): (text: string) => T {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const close = nearest(text, names);
    const right = close ? `Did you mean ${close}?` : `There are ${names.join(', ')}.`;
    throw new InvalidArgumentError(`There is no '${text}'. ${right}`);
  };
}

/** A commander parser for a list with commas; what comes twice counts once. */
export function listOf<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => [...new Set(text.split(',').map((item) => parse(item.trim())))];
}

/** A commander parser for an option that may be given many times. */
export function collect<T>(parse: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [...before, parse(text)];
}
