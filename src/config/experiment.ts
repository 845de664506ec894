import { basename, extname } from 'node:path';
import { RethinkError } from '../errors.js';
import { type ConfigExtension, type LoadedConfig, loadConfigFile } from './file/load.js';
import { canonicalJson, configHash } from './hash.js';
import { knownKeys } from './keys.js';
import { type LauncherConfig, LOCAL } from './launcher.js';
import { nearest } from './nearest.js';
import {
  applyOverride,
  environmentOverrides,
  isPrefix,
  type Override,
  parseOverride,
} from './overrides.js';
import { ConfigError, formatPath, KeyError, type Problem, showValue } from './problems.js';
import { type Config, resolveConfig } from './resolve.js';
import type { ParsedConfig } from './schema.js';
import { expandSweep, type SweepBlock, type TrialOverrides, trialLabel } from './sweep.js';
import { type Locate, validateConfig } from './validate.js';

/** One run of an experiment: all of it, or one point of its sweep. */
export interface Trial {
  /** First 8 hex digits of the config's hash. */
  id: string;
  /** `corruption.kind=random-labels,seed=1`; empty where there is no sweep. */
  label: string;
  /** What the sweep sets, by key path. */
  overrides: Record<string, unknown>;
  config: Config;
}

export interface Experiment {
  source: ConfigSource;
  /** The config without its sweep; `undefined` where it is only complete with the sweep's values. */
  base: Config | undefined;
  trials: Trial[];
  isSweep: boolean;
  /** Where it is to run. */
  launcher: LauncherConfig;
}

/** The config as written, for the run directory. */
export interface ConfigSource {
  text: string;
  /** Undefined where the config was an object. */
  path: string | undefined;
  extension: ConfigExtension;
}

export interface ExperimentOptions {
  /** `key.path=value` texts or ready overrides, the later ones taking precedence. */
  overrides?: readonly (string | Override)[];
  /** RETHINK_GEN_ENGINE and RETHINK_GEN_SEED are read from it; default: nothing. */
  env?: Record<string, string | undefined>;
}

/** A config and all that is laid over it. */
interface Layers {
  file: LoadedConfig;
  overrides: Override[];
}

/**
 * Loads an experiment from a file or an object: the one way in for command line and library. Precedence: default, file,
 * sweep, environment, overrides.
 *
 * @throws RethinkError (`usage`): every problem found, each with file, line and column or the override's text.
 */
export async function loadExperiment(
  config: string | object,
  options: ExperimentOptions = {},
): Promise<Experiment> {
  const file =
    typeof config === 'string' ? withoutHolders(await loadConfigFile(config)) : fromObject(config);
  const layers: Layers = { file, overrides: readOverrides(options) };
  const { parsed, sweep } = validateBase(layers);
  const expanded = expandSweep(sweep, {
    fixed: layers.overrides.map(({ path }) => path),
    seed: parsed.seed,
    locate: locateIn(file, layers.overrides),
  });
  const isSweep = expanded.some((overrides) => overrides.length > 0);
  const trials = buildTrials(expanded, layers);
  return {
    source: { text: file.text, path: file.path || undefined, extension: file.extension },
    base: isSweep ? resolveOrNothing(parsed, layers) : trials[0]!.config,
    trials,
    isSweep,
    launcher: parsed.launcher ?? LOCAL,
  };
}

/**
 * The config of an experiment whose trials, where it is a sweep, agree in what is asked.
 *
 * @param asked What of a config matters. @param what It is called, in words.
 * @throws RethinkError (`usage`) where they don't, saying how to choose one.
 */
export function agreedConfig(
  { trials, source }: Experiment,
  asked: (config: Config) => unknown,
  what: string,
): Config {
  const first = trials[0]!;
  const wanted = canonicalJson(asked(first.config));
  const other = trials.find(({ config }) => canonicalJson(asked(config)) !== wanted);
  if (other === undefined) return first.config;
  const name = source.path ?? 'The experiment';
  throw new RethinkError(
    'usage',
    `${name} is a sweep whose trials have different ${what}: ${first.label} and ${other.label}, for two.`,
    { hint: `Choose one: give ${first.label.replaceAll(',', ' ')} as well.` },
  );
}

/** A config without the keys that hold nothing but what stands elsewhere, by an alias: `base: &b { … }`, `<<: *b`. */
function withoutHolders(file: LoadedConfig): LoadedConfig {
  const { value, anchored } = file;
  if (anchored.size === 0 || typeof value !== 'object' || value === null) return file;
  const known = knownKeys([]);
  // One that is only misspelt is no holder.
  const holds = (key: string) =>
    anchored.has(key) && !known.includes(key) && nearest(key, known) === undefined;
  const kept = Object.entries(value).filter(([key]) => !holds(key));
  return { ...file, value: Object.fromEntries(kept) };
}

function fromObject(config: object): LoadedConfig {
  if (typeof config !== 'object' || config === null) {
    throw new RethinkError(
      'usage',
      `A config is a path, a name or an object, not ${showValue(config)}.`,
    );
  }
  try {
    const text = `${JSON.stringify(config, null, 2)}\n`;
    const value: unknown = JSON.parse(text);
    const anchored = new Set<string>();
    return { path: '', text, extension: 'json', value, anchored, locate: () => undefined };
  } catch (error) {
    throw new RethinkError('usage', 'The config object cannot be written as JSON.', {
      hint: 'It should hold plain values only, as a config file does.',
      cause: error,
    });
  }
}

function readOverrides({ overrides = [], env = {} }: ExperimentOptions): Override[] {
  const problems: Problem[] = [];
  const read = <T>(make: () => T[]): T[] => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  };
  const all = [
    ...read(() => environmentOverrides(env)),
    ...overrides.flatMap((given) =>
      read(() => [typeof given === 'string' ? parseOverride(given) : given]),
    ),
  ];
  if (problems.length > 0) throw new ConfigError(problems, 'the overrides');
  return all;
}

/** Says where a path was set: by the last override that decides it, or else in the file. */
function locateIn(file: LoadedConfig, overrides: readonly Override[]): Locate {
  return (path, part) => {
    const override = overrides.findLast((given) => isPrefix(given.path, path));
    if (override !== undefined) return override.origin;
    if (file.path === '') return '';
    const position = file.locate(path, part);
    return position === undefined ? file.path : `${file.path}:${position}`;
  };
}

/** The plain values of the file with overrides laid over them, in order. */
function layered(file: LoadedConfig, overrides: readonly Override[]): unknown {
  const raw: unknown = structuredClone(file.value) ?? {};
  if (typeof raw !== 'object' || Array.isArray(raw)) return raw;
  for (const override of overrides) applyOverride(raw as Record<string, unknown>, override);
  return raw;
}

function validateBase(layers: Layers): { parsed: ParsedConfig; sweep: SweepBlock } {
  const { file, overrides } = layers;
  const raw = layered(file, overrides);
  const { parsed, problems } = validateConfig(raw, locateIn(file, overrides));
  if (parsed === undefined) throw new ConfigError(problems, describe(file));
  // As written, not as parsed: the schema puts its own keys first, and the order of a grid is the order of its trials.
  return { parsed, sweep: ((raw as Record<string, unknown>).sweep ?? {}) as SweepBlock };
}

function describe(file: LoadedConfig): string {
  return file.path === '' ? 'the config' : file.path;
}

function buildTrials(expanded: TrialOverrides[], layers: Layers): Trial[] {
  const problems: Problem[] = [];
  // Trials that a fixed key has made equal are one trial: the same config gives the same numbers.
  const trials = new Map<string, Trial>();
  for (const swept of expanded) {
    const built = buildTrial(swept, layers);
    if (Array.isArray(built)) problems.push(...built);
    else trials.set(built.hash, trials.get(built.hash) ?? built.trial);
  }
  if (problems.length > 0) throw new ConfigError(problems, describe(layers.file));
  return [...trials.values()];
}

function buildTrial(
  swept: TrialOverrides,
  { file, overrides }: Layers,
): { hash: string; trial: Trial } | Problem[] {
  // A sweep's seeds count up from the given seed; whatever else is given from outside has the last word.
  const counted = swept.filter(({ path }) => path[0] === 'seed');
  const all = [...swept, ...overrides, ...counted];
  const locate = locateIn(file, all);
  try {
    const { parsed, problems } = validateConfig(layered(file, all), locate);
    if (parsed === undefined) return problems;
    const config = resolveConfig(parsed, fallbackName(file.path));
    const hash = configHash(config);
    const values = swept.map(({ path, value }) => [formatPath(path), value]);
    const trial = {
      id: hash.slice(0, 8),
      label: trialLabel(swept),
      overrides: Object.fromEntries(values) as Record<string, unknown>,
      config,
    };
    return { hash, trial };
  } catch (error) {
    return asProblems(error, swept, locate);
  }
}

function asProblems(error: unknown, swept: TrialOverrides, locate: Locate): Problem[] {
  if (error instanceof ConfigError) return error.problems;
  if (!(error instanceof KeyError)) throw error;
  // The keys that clash may be fine in the file and in the sweep, and clash only in this trial.
  const hint = error.hint ?? (swept.length > 0 ? `In the trial ${trialLabel(swept)}.` : undefined);
  return [{ where: locate(error.keyPath, 'key'), message: error.message, hint }];
}

function resolveOrNothing(parsed: ParsedConfig, { file }: Layers): Config | undefined {
  try {
    return resolveConfig(parsed, fallbackName(file.path));
  } catch (error) {
    if (error instanceof KeyError) return undefined;
    throw error;
  }
}

/** The file's own name, made fit for a directory. */
function fallbackName(path: string): string {
  const stem = basename(path, extname(path)).replace(/[^A-Za-z0-9._-]+/g, '-');
  return stem.replace(/^[^A-Za-z0-9]+/, '').slice(0, 80) || 'run';
}
