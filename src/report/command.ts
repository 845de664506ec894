import { loadExperiment } from '../config/experiment.js';
import { canonicalJson, configHash, isRepeated } from '../config/hash.js';
import { portableConfig } from '../config/portable.js';
import type { Config } from '../config/resolve.js';
import { RethinkError } from '../errors.js';
import { shellQuoted } from '../text.js';
import type { ReportRun } from './runs.js';
import { settingsOf } from './settings/keys.js';

/** What makes the runs of a group again: a command for all of its seeds, or one for each; `null` where none is known. */
export async function commandsFor({
  runs,
}: {
  runs: readonly Pick<ReportRun, 'config'>[];
}): Promise<string[]> {
  const configs = runs.map(({ config }) => config);
  const [first] = configs;
  if (first === undefined) return [];
  const together = countsUp(configs) && (await commandFor(first, configs));
  if (together) return [together];
  const each = await Promise.all(configs.map((config) => commandFor(config, [config])));
  return each.filter((command) => command !== null);
}

/** Whether seeds count up, each with what is derived from it. */
function countsUp(configs: readonly Config[]): boolean {
  return configs.length > 1 && configs.every(({ seed }, i) => seed === configs[0]!.seed + i);
}

/**
 * One command that runs configs that differ in their seed alone. It is tried: what it stands for has the configs' hashes, or
 * there is none.
 */
async function commandFor(config: Config, all: readonly Config[]): Promise<string | null> {
  const names = BASES[config.experiment](config);
  const commands = await Promise.all(names.map((name) => commandFrom(name, config, all)));
  const [shortest = null] = commands
    .filter((command) => command !== null)
    .sort((a, b) => a.length - b.length);
  return shortest;
}

async function commandFrom(
  name: string,
  config: Config,
  all: readonly Config[],
): Promise<string | null> {
  const seeds = all.length > 1 ? [`sweep.seeds=${all.length}`] : [];
  const start = [`seed=${config.seed}`, ...seeds];
  // The model decides defaults of other keys: what differs is told against those.
  const model = WITHOUT_MODEL.has(config.experiment) ? {} : { 'model.name': config.model.name };
  const settings = (await isSweep(name)) ? (keys: Keys) => [trialOf(keys)] : plainly;
  const base = await trialsOf(name, [...settings(model), ...start]);
  if (base === null) return null;
  const changed = { ...model, ...difference(base[0]!, config) };
  const overrides = [...settings(changed), ...start];
  const made = await trialsOf(name, overrides);
  const hashes = (configs: readonly Config[]) => canonicalJson(configs.map(identity));
  if (made === null || hashes(made) !== hashes(all)) return null;
  return ['rethink-gen run', name, ...overrides.map(worded)].join(' ');
}

/** The shipped configs that an experiment is nearest to; an override can set a key that they leave out, not the reverse. */
const BASES: Record<Config['experiment'], (config: Config) => string[]> = {
  train: ({ data }) => [data.name === 'imagenet' ? 'paper/table2' : 'paper/table4', 'paper/table1'],
  kernels: ({ data }) => [data.name === 'mnist' ? 'paper/table3-mnist' : 'paper/table3-cifar10'],
  theorem1: () => ['paper/theorem1'],
  rademacher: () => ['paper/rademacher'],
  linear: () => ['paper/linear'],
  memorization: () => ['memorization'],
};

/** Experiments that train none. */
const WITHOUT_MODEL = new Set<Config['experiment']>(['kernels', 'theorem1', 'linear']);

type Keys = Record<string, unknown>;

async function isSweep(name: string): Promise<boolean> {
  return ((await trialsOf(name, []))?.length ?? 0) > 1;
}

function plainly(keys: Keys): string[] {
  return Object.entries(keys).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
}

/** One trial that sets these keys, in the place of those that the shipped config has. */
function trialOf(keys: Keys): string {
  const pairs = Object.entries(keys).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `sweep={trials: [{${pairs.join(', ')}}]}`;
}

/** The configs of all trials; `null` where there are none such. */
export async function trialsOf(
  name: string,
  overrides: readonly string[],
): Promise<Config[] | null> {
  try {
    return (await loadExperiment(name, { overrides })).trials.map(({ config }) => config);
  } catch (error) {
    if (error instanceof RethinkError) return null;
    throw error;
  }
}

function difference(base: Config, config: Config): Keys {
  const before = settingsOf(portableConfig(base));
  return Object.fromEntries(
    [...settingsOf(portableConfig(config))].filter(
      ([key, value]) =>
        !isRepeated(key) && canonicalJson([before.get(key)]) !== canonicalJson([value]),
    ),
  );
}

/** As the hash of a config, without what another machine may have otherwise. */
function identity(config: Config): string {
  const { data, engine } = config;
  const { name, precision } = engine;
  return configHash({
    ...config,
    data: { ...data, dir: undefined, memory: undefined },
    engine: { name, precision, device: 0, eager: false, deterministic: false },
  } as Config);
}

/** An override as one word of a shell. */
function worded(override: string): string {
  return /^[\w.=/-]+$/.test(override) ? override : shellQuoted(override);
}
